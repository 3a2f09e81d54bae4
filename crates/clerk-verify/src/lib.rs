// The page's example uses both features, and is compiled with them.
#![cfg_attr(all(feature = "axum", feature = "jwks"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "axum", feature = "jwks")),
    doc = "The resource-server side of Clerk: verifies session tokens. The README has the whole page."
)]

#[cfg(feature = "axum")]
pub mod axum;
mod check;
mod clock;
#[cfg(feature = "jwks")]
mod jwks;
mod keys;
mod policy;
mod rejection;
mod session;
mod strict_json;
mod token;
mod verifier;

pub use check::verify_session;
pub use clerk_core::{InstanceType, PublishableKey, PublishableKeyError, SessionStatus, TokenKind};
pub use clock::{Clock, ManualClock, SystemClock};
#[cfg(feature = "jwks")]
pub use jwks::{FetchError, Jwks, JwksSetupError};
pub use keys::{KeyError, KeySet};
pub use policy::{Policy, PolicyDraft, PolicyError};
pub use rejection::{Malformed, Rejection};
pub use session::Session;
pub use verifier::{KeySource, KeysUnavailable, Verifier, VerifyError};
