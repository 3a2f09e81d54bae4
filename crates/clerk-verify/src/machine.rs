//! What the tokens say that are no sessions.

use std::fmt;

use serde_json::{Map, Value};

use crate::auth::{Forbidden, require_scopes};

/// What the three have in common.
#[derive(Clone, PartialEq)]
pub(crate) struct Grant {
    pub(crate) id: Option<String>,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) claims: Map<String, Value>,
    /// Seconds since the Unix epoch; `None` for what does not expire.
    pub(crate) expires_at: Option<i64>,
}

/// A verified OAuth access token: an application acts for a person.
#[derive(Clone, PartialEq)]
pub struct OAuth {
    pub(crate) grant: Grant,
    pub(crate) client_id: Option<String>,
}

/// A verified M2M token: another machine of the application calls.
#[derive(Clone, PartialEq)]
pub struct Machine {
    pub(crate) grant: Grant,
}

/// A verified API key of a person or an organization.
#[derive(Clone, PartialEq)]
pub struct ApiKey {
    pub(crate) grant: Grant,
    pub(crate) name: Option<String>,
}

macro_rules! grant_methods {
    ($type:ident) => {
        impl $type {
            /// The token's own id.
            pub fn id(&self) -> Option<&str> {
                self.grant.id.as_deref()
            }

            /// Whom the token is about; never empty.
            pub fn subject(&self) -> &str {
                &self.grant.subject
            }

            /// What the token may be used for.
            pub fn scopes(&self) -> &[String] {
                &self.grant.scopes
            }

            /// Whether this is among the scopes, to the letter.
            pub fn has_scope(&self, scope: &str) -> bool {
                self.grant.scopes.iter().any(|ours| ours == scope)
            }

            /// Asks for a scope.
            ///
            /// # Errors
            ///
            /// [`Forbidden`] without it; over HTTP, 403 `insufficient_scope`.
            pub fn require_scope(&self, scope: &str) -> Result<(), Forbidden> {
                self.require_scopes(&[scope])
            }

            /// Asks for all of `scopes`.
            ///
            /// # Errors
            ///
            /// [`Forbidden`] if one is missing; it names all of them.
            pub fn require_scopes(&self, scopes: &[&str]) -> Result<(), Forbidden> {
                require_scopes(&self.grant.scopes, scopes)
            }

            /// What was attached to the token when it was made, and whatever else it says. Of a JWT it is
            /// every claim.
            pub fn claims(&self) -> &Map<String, Value> {
                &self.grant.claims
            }

            /// Until when the token counts, in seconds since the Unix epoch; `None` if it does not expire.
            pub fn expires_at(&self) -> Option<i64> {
                self.grant.expires_at
            }
        }

        /// Ids and scopes alone: claims may hold what no log should.
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type))
                    .field("id", &self.grant.id)
                    .field("subject", &self.grant.subject)
                    .field("scopes", &self.grant.scopes)
                    .finish_non_exhaustive()
            }
        }
    };
}

grant_methods!(OAuth);
grant_methods!(Machine);
grant_methods!(ApiKey);

impl OAuth {
    /// The person whom the application acts for (`sub`).
    pub fn user_id(&self) -> &str {
        &self.grant.subject
    }

    /// The application (`client_id`).
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }
}

impl Machine {
    /// The machine that calls, `mch_…` (`sub`).
    pub fn machine_id(&self) -> &str {
        &self.grant.subject
    }
}

impl ApiKey {
    /// What its maker called it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The person whose key it is, `user_…`, unless it is an organization's.
    pub fn user_id(&self) -> Option<&str> {
        Some(self.subject()).filter(|subject| subject.starts_with("user_"))
    }

    /// The organization whose key it is, `org_…`, unless it is a person's.
    pub fn organization_id(&self) -> Option<&str> {
        Some(self.subject()).filter(|subject| subject.starts_with("org_"))
    }
}
