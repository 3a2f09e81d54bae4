use std::fmt;

use clerk_core::{Access, Organization, Requirement, SessionStatus};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::auth::Forbidden;

/// A verified session: who is signed in, as a token said it whose every check passed.
///
/// There is no way to make one but to verify a token. Times are seconds since the Unix epoch.
#[derive(Clone, PartialEq)]
pub struct Session {
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    pub(crate) expires_at: i64,
    pub(crate) issued_at: Option<i64>,
    pub(crate) not_before: Option<i64>,
    pub(crate) status: Option<SessionStatus>,
    pub(crate) claims: Map<String, Value>,
}

impl Session {
    /// The person, `user_…` (`sub`); never empty.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The session, `sess_…` (`sid`); never empty.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// The origin of the page that the token was made for (`azp`).
    pub fn authorized_party(&self) -> Option<&str> {
        self.text("azp")
    }

    /// Who issued the token (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// The token's own id (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// Until when the token counts (`exp`).
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// When the token was issued (`iat`).
    pub fn issued_at(&self) -> Option<i64> {
        self.issued_at
    }

    /// From when the token counts (`nbf`).
    pub fn not_before(&self) -> Option<i64> {
        self.not_before
    }

    /// Whether the session is complete (`sts`); `None` from instances that do not say.
    pub fn status(&self) -> Option<SessionStatus> {
        self.status
    }

    /// Any claim by its name, the instance's custom ones among them.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// All claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The claims as a type of one's own.
    ///
    /// # Errors
    ///
    /// The claims are not of this shape. Nothing of them is in the text of the error.
    pub fn claims_as<T: DeserializeOwned>(&self) -> Result<T, ClaimsError> {
        T::deserialize(&self.claims).map_err(|_| ClaimsError)
    }

    /// The active organization, with the person's role and permissions there.
    pub fn organization(&self) -> Option<Organization<'_>> {
        self.access().organization
    }

    /// Who acts as this person (`act`), if somebody does: an id, most often of a person in the
    /// application's staff.
    pub fn actor(&self) -> Option<&str> {
        self.claims.get("act")?.get("sub")?.as_str()
    }

    /// What the session may do: organization, features, plans, and when the factors were verified.
    pub fn access(&self) -> Access<'_> {
        Access::from_claims(&self.claims)
    }

    /// Whether the session has everything that `requirement` names: [`Access::has`].
    pub fn has(&self, requirement: &Requirement) -> bool {
        self.access().has(requirement)
    }

    /// Asks for what `requirement` names.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] says what is missing; over HTTP it is a 403.
    pub fn require(&self, requirement: &Requirement) -> Result<(), Forbidden> {
        match self.access().missing(requirement) {
            None => Ok(()),
            Some(condition) => Err(Forbidden::Session(condition.clone())),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }
}

/// The claims are not of the shape that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsError;

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session's claims are not of the shape that this API reads")
    }
}

impl std::error::Error for ClaimsError {}

/// Ids alone: custom claims may hold what no log should.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user_id", &self.user_id)
            .field("session_id", &self.session_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
