//! What a Clerk front end and the API behind it agree on: publishable keys, kinds of token, the
//! claims of a session token, and what they let it do.
//!
//! Nothing here verifies a signature. Reading a token's claims without verifying it is what a browser
//! does to show a name; a server uses the `clerk-verify` crate.

mod access;
mod claims;
mod publishable_key;
mod requirement;
mod token_kind;

pub use access::{Access, Organization};
pub use claims::{OrganizationClaim, SessionClaims, SessionStatus};
pub use publishable_key::{InstanceType, PublishableKey, PublishableKeyError};
pub use requirement::{Condition, Level, Requirement, Reverification};
pub use token_kind::{JwtHeader, TokenKind};
