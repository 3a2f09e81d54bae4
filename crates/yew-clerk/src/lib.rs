#![doc = include_str!("../README.md")]

mod auth;
mod bindings;
mod claims;
mod clerk;
mod components;
mod error;
mod fetch;
mod flight;
mod hooks;
mod js;
mod load;
mod outside;
mod page;
mod provider;
mod script;
mod snapshot;
mod source;
mod token;

#[cfg(feature = "query-cache")]
mod query_client;
#[cfg(feature = "query-cache")]
mod swr;

pub use auth::{AuthState, LoadStatus, Organization, Session, User};
pub use bearer_fetch::{
    ApiClient, ApiError, ApiRequest, ApiResponse, BearerToken as SessionToken, ProviderError, Refusal,
    TokenError,
};
pub use claims::Claims;
pub use clerk::{Clerk, SignInOptions};
pub use clerk_core::{
    Condition, InstanceType, Level, PublishableKey, PublishableKeyError, Requirement, Reverification,
};
pub use components::{
    ClerkFailed, ClerkLoading, SignIn, SignInButton, SignInButtonProps, SignInProps, SignOutButton,
    SignOutButtonProps, SignedIn, SignedOut, UserButton, UserButtonProps, WhenProps,
};
pub use error::{ClerkError, LoadError};
pub use fetch::{Fetch, use_fetch};
pub use hooks::{UseAuth, use_auth, use_clerk};
pub use load::Appearance;
pub use outside::{get_token, get_token_with};
pub use provider::{ClerkProvider, ClerkProviderProps, Navigation};
#[cfg(feature = "query-cache")]
pub use query_client::{QueryClientProviderWithClerk, QueryClientProviderWithClerkProps};
#[cfg(feature = "query-cache")]
pub use swr::{ClerkSwr, use_clerk_swr};
pub use token::GetToken;
