#![doc = include_str!("../README.md")]

mod auth;
mod bindings;
mod clerk;
mod components;
mod error;
mod hooks;
mod js;
mod load;
mod page;
mod provider;
mod script;
mod snapshot;
mod token;

#[cfg(feature = "query-cache")]
mod query_client;

pub use auth::{AuthState, LoadStatus, Session, User};
pub use bearer_fetch::{BearerToken, ProviderError, TokenError};
pub use clerk::{Clerk, SignInOptions};
pub use clerk_core::{InstanceType, PublishableKey, PublishableKeyError};
pub use components::{
    ClerkFailed, ClerkLoading, SignIn, SignInButton, SignInButtonProps, SignInProps, SignOutButton,
    SignOutButtonProps, SignedIn, SignedOut, UserButton, UserButtonProps, WhenProps,
};
pub use error::{ClerkError, LoadError};
pub use hooks::{UseAuth, use_auth, use_clerk};
pub use load::Appearance;
pub use provider::{ClerkProvider, ClerkProviderProps, Navigation};
#[cfg(feature = "query-cache")]
pub use query_client::{ClerkQueryClientProvider, ClerkQueryClientProviderProps};
pub use token::GetToken;
