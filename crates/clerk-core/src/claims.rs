use serde::{Deserialize, Serialize};

/// The claims of a Clerk session token, version 2.
///
/// Times are seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaims {
    /// The person: `user_…`.
    pub sub: String,
    /// The session: `sess_…`.
    pub sid: String,
    /// Who issued the token: the Frontend API's URL.
    pub iss: String,
    /// The origin of the page that the token was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// When it was issued.
    pub iat: i64,
    /// From when it counts; Clerk sets it ten seconds before `iat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Until when it counts; Clerk gives a session token 60 s.
    pub exp: i64,
    /// This token's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Whether the session is complete. A token from before the claim existed carries none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts: Option<SessionStatus>,
    /// Minutes since the first and the second factor were last verified; -1 for a factor that is not set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fva: Option<[i64; 2]>,
    /// The active organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub o: Option<OrganizationClaim>,
    /// The version of the claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<u32>,
}

/// The `sts` claim: is the session complete?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SessionStatus {
    /// Signed in.
    Active,
    /// Signed in, but a task is still to be done (choose an organization, set up a second factor).
    /// Counts as signed out.
    Pending,
    /// Something newer than this crate.
    #[serde(other)]
    Other,
}

/// The `o` claim: the active organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationClaim {
    /// `org_…`.
    pub id: String,
    /// The slug in URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slg: Option<String>,
    /// The person's role there, without the `org:` prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rol: Option<String>,
}
