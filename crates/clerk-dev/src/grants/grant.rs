use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;

/// Which of Clerk's three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// An application acts for a person.
    #[serde(rename = "oauth")]
    OAuth,
    /// A machine acts for itself.
    M2m,
    /// A person's or an organization's program acts for it.
    ApiKey,
}

/// An opaque token, but for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) audience: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
    /// `None`: never.
    pub(crate) expires_at: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revocation: Option<Revocation>,
}

/// That a token no longer counts, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revocation {
    pub(crate) reason: Option<String>,
}

impl Kind {
    /// What its opaque tokens, and the ids of all of its tokens, begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::OAuth => "oat",
            Self::M2m => "mt",
            Self::ApiKey => "ak",
        }
    }

    /// What the ids begin with of those that such a token can be for.
    pub(crate) fn subjects(self) -> &'static [&'static str] {
        match self {
            Self::OAuth => &["user_"],
            Self::M2m => &["mch_"],
            Self::ApiKey => &["user_", "org_"],
        }
    }
}

impl Grant {
    pub(crate) fn counts(&self, now: Millis) -> bool {
        self.revocation.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
