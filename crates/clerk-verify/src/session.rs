use std::fmt;

use clerk_core::SessionStatus;
use serde_json::{Map, Value};

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

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }
}

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
