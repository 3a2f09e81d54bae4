// The page's example uses both features, and is compiled with them.
#![cfg_attr(all(feature = "axum", feature = "jwks"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "axum", feature = "jwks")),
    doc = "The resource-server side of Clerk: verifies its tokens. The README has the whole page."
)]

mod accepts;
mod auth;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "jwks")]
mod backend;
mod check;
mod clock;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "jwks")]
mod jwks;
mod keys;
mod machine;
mod metrics;
mod policy;
mod rejection;
#[cfg(feature = "jwks")]
mod remote;
mod session;
mod strict_json;
mod token;
mod verifier;

pub use accepts::AcceptsToken;
pub use auth::{Auth, Forbidden};
#[cfg(feature = "jwks")]
pub use backend::{BackendApi, BackendSetupError, SecretKey};
pub use check::{verify_session, verify_token};
pub use clerk_core::{
    Access, Condition, InstanceType, Level, Organization, PublishableKey, PublishableKeyError, Requirement,
    Reverification, SessionStatus, TokenKind,
};
pub use clock::{Clock, ManualClock, SystemClock};
#[cfg(feature = "jwks")]
pub use jwks::{FetchError, Jwks, JwksSetupError};
pub use keys::{KeyError, KeySet};
pub use machine::{ApiKey, Machine, OAuth};
pub use policy::{Policy, PolicyDraft, PolicyError};
pub use rejection::{Malformed, Rejection};
pub use session::{ClaimsError, Session};
pub use verifier::{KeySource, Unavailable, Verifier, VerifyError};
