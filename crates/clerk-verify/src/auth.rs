use clerk_core::{Condition, TokenKind};

use crate::machine::{ApiKey, Machine, OAuth};
use crate::session::Session;

/// Who sent a request, as a verified token says it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Auth {
    /// A person, signed in.
    Session(Session),
    /// An application that a person let act for them.
    OAuth(OAuth),
    /// Another machine of the same application.
    Machine(Machine),
    /// Whoever holds a key that a person or an organization made.
    ApiKey(ApiKey),
}

impl Auth {
    /// The kind of token that it was.
    pub fn kind(&self) -> TokenKind {
        match self {
            Self::Session(_) => TokenKind::Session,
            Self::OAuth(_) => TokenKind::OAuth,
            Self::Machine(_) => TokenKind::M2M,
            Self::ApiKey(_) => TokenKind::ApiKey,
        }
    }

    /// Whom the token is about: `user_…`, `org_…` or `mch_…`; never empty.
    pub fn subject(&self) -> &str {
        match self {
            Self::Session(session) => session.user_id(),
            Self::OAuth(token) => token.subject(),
            Self::Machine(token) => token.subject(),
            Self::ApiKey(key) => key.subject(),
        }
    }

    /// The person behind it, if there is one: that of a session, of an OAuth token, of a person's API key.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Session(session) => Some(session.user_id()),
            Self::OAuth(token) => Some(token.user_id()),
            Self::Machine(_) => None,
            Self::ApiKey(key) => key.user_id(),
        }
    }

    /// The session, if it is one.
    pub fn session(&self) -> Option<&Session> {
        if let Self::Session(session) = self { Some(session) } else { None }
    }

    /// The scopes; a session has none.
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::Session(_) => &[],
            Self::OAuth(token) => token.scopes(),
            Self::Machine(token) => token.scopes(),
            Self::ApiKey(key) => key.scopes(),
        }
    }
}

/// What is missing for what was asked. Over HTTP it is a 403.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forbidden {
    /// These scopes are required, and not all of them are there.
    Scopes(Vec<String>),
    /// The session lacks this: a role, a permission, a feature, a plan, or a recent reverification.
    Session(Condition),
}

impl Forbidden {
    /// A stable code for programs. `reverification-error` is Clerk's; it has none for the others.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Scopes(_) => "scope-missing",
            Self::Session(Condition::Role(_)) => "role-missing",
            Self::Session(Condition::Permission(_)) => "permission-missing",
            Self::Session(Condition::Feature(_)) => "feature-missing",
            Self::Session(Condition::Plan(_)) => "plan-missing",
            Self::Session(Condition::Reverification(_)) => "reverification-error",
            Self::Session(_) => "forbidden",
        }
    }
}

/// A sentence for people; what is required is known to whoever reads the API's description.
impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scopes(scopes) => write!(f, "The token needs the scope {}", scopes.join(" ")),
            Self::Session(Condition::Role(role)) => write!(f, "This needs the role {role}"),
            Self::Session(Condition::Permission(permission)) => {
                write!(f, "This needs the permission {permission}")
            }
            Self::Session(Condition::Feature(feature)) => write!(f, "This needs the feature {feature}"),
            Self::Session(Condition::Plan(plan)) => write!(f, "This needs the plan {plan}"),
            Self::Session(Condition::Reverification(_)) => {
                f.write_str("This needs a recent sign-in: verify again, and repeat the request")
            }
            Self::Session(_) => f.write_str("This is not allowed"),
        }
    }
}

impl std::error::Error for Forbidden {}

pub(crate) fn require_scopes(have: &[String], wanted: &[&str]) -> Result<(), Forbidden> {
    if wanted.iter().all(|scope| have.iter().any(|ours| ours == scope)) {
        return Ok(());
    }
    Err(Forbidden::Scopes(wanted.iter().map(|scope| (*scope).to_owned()).collect()))
}
