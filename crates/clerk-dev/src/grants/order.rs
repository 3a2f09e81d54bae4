use aws_lc_rs::error::Unspecified;
use clerk_core::TokenKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::grant::{Grant, Kind};
use crate::clock::{DAY, Millis, SECOND};
use crate::ids;
use crate::instance::Instance;
use crate::people::ADA;
use crate::tokens::NOT_BEFORE;

/// The OAuth application and the machine that tokens are for unless another is named.
const APPLICATION: &str = "client_00000000000DevelopmentOAuth";
const MACHINE: &str = "mch_00000000000BackgroundWorker";

/// How long an M2M token that is a JWT lives unless said otherwise: a JWT must end, and this is what Clerk's
/// guides choose.
const MACHINE_LIFE: Millis = 3_600 * SECOND;

/// A century, in seconds: no sum of two times overflows.
const LONGEST: u64 = 100 * 365 * 24 * 3_600;

/// A token that somebody wants.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Order {
    kind: Kind,
    #[serde(default)]
    format: Format,
    /// An id, or the e-mail address of one of the people.
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    /// From now; negative for one that is over already.
    #[serde(default)]
    expires_in_seconds: Option<i64>,
    #[serde(default)]
    audience: Vec<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    claims: Option<Map<String, Value>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Opaque,
    Jwt,
}

/// A token, made. No `Debug`: the token is in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Issued {
    pub(crate) token: String,
    id: String,
    kind: Kind,
    format: Format,
    subject: String,
    scopes: Vec<String>,
    /// Milliseconds since the Unix epoch; `null` for never.
    expires_at: Option<Millis>,
}

/// Why there is no such token.
#[derive(Debug)]
pub(crate) enum OrderError {
    /// Clerk has no such token either; a sentence that says what there is.
    NoSuchToken(String),
    Cryptography,
}

impl From<Unspecified> for OrderError {
    fn from(_: Unspecified) -> Self {
        Self::Cryptography
    }
}

/// Makes a token. An opaque one is remembered, so that it can be verified and revoked.
pub(crate) fn issue(instance: &Instance, order: Order) -> Result<Issued, OrderError> {
    let now = instance.clock.now();
    let format = order.format;
    let grant = order.into_grant(instance, now)?;
    let token = match format {
        Format::Opaque => {
            // More than an id has, as Clerk's secrets are longer too.
            let token = format!("{}{}", ids::random(grant.kind.prefix())?, ids::random_hex::<8>()?);
            instance.grants.add(&token, grant.clone(), now);
            token
        }
        Format::Jwt => jwt(instance, &grant)?,
    };
    let Grant { id, kind, subject, scopes, expires_at, .. } = grant;
    tracing::info!(id, ?kind, subject, "issued a token");
    Ok(Issued { token, id, kind, format, subject, scopes, expires_at })
}

impl Order {
    fn into_grant(self, instance: &Instance, now: Millis) -> Result<Grant, OrderError> {
        let Self { kind, format, scopes, audience, claims, .. } = self;
        let refuse = |why: &str| Err(OrderError::NoSuchToken(why.to_owned()));
        if kind == Kind::ApiKey && format == Format::Jwt {
            return refuse("an API key is no JWT: leave the format out");
        }
        if kind != Kind::OAuth && (self.client_id.is_some() || !audience.is_empty()) {
            return refuse(
                "a client and an audience are for OAuth tokens; an M2M token's audience is a claim",
            );
        }
        if kind == Kind::OAuth && claims.is_some() {
            return refuse("claims are for M2M tokens and API keys");
        }
        if kind != Kind::ApiKey && self.name.is_some() {
            return refuse("a name is for API keys");
        }
        if scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return refuse("a scope is a word: give each on its own");
        }
        let default_life = match (kind, format) {
            (Kind::OAuth, _) => Some(DAY),
            (Kind::M2m, Format::Jwt) => Some(MACHINE_LIFE),
            (Kind::M2m, Format::Opaque) | (Kind::ApiKey, _) => None,
        };
        if self.expires_in_seconds.is_some_and(|seconds| seconds.unsigned_abs() > LONGEST) {
            return refuse("expiresInSeconds is more than a century");
        }
        let life = self.expires_in_seconds.map(|seconds| seconds * SECOND).or(default_life);
        Ok(Grant {
            id: ids::random(kind.prefix())?,
            kind,
            subject: subject(instance, kind, self.subject)?,
            scopes,
            claims,
            audience,
            client_id: (kind == Kind::OAuth)
                .then(|| self.client_id.unwrap_or_else(|| APPLICATION.to_owned())),
            name: (kind == Kind::ApiKey).then(|| self.name.unwrap_or_else(|| "clerk-dev".to_owned())),
            created_at: now,
            updated_at: now,
            expires_at: life.map(|life| now.saturating_add(life)),
            revocation: None,
        })
    }
}

fn subject(instance: &Instance, kind: Kind, given: Option<String>) -> Result<String, OrderError> {
    let Some(given) = given else {
        return Ok(if kind == Kind::M2m { MACHINE } else { ADA }.to_owned());
    };
    let subject = match instance.people.iter().find(|person| person.answers_to(&given)) {
        Some(person) => person.id().to_owned(),
        None => given,
    };
    let fits = |prefix: &&str| subject.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    if kind.subjects().iter().any(fits) {
        return Ok(subject);
    }
    let wanted: Vec<_> = kind.subjects().iter().map(|prefix| format!("{prefix}…")).collect();
    Err(OrderError::NoSuchToken(format!("the subject must be {}", wanted.join(" or "))))
}

/// The forms that `@clerk/backend` reads: scopes are one text with spaces, an M2M token's claims stand beside
/// the others.
fn jwt(instance: &Instance, grant: &Grant) -> Result<String, Unspecified> {
    let seconds = |time: Millis| time.div_euclid(SECOND);
    let issued = seconds(grant.created_at);
    let mut claims = grant.claims.clone().unwrap_or_default();
    let mut add = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    add("iss", json!(instance.tokens.issuer()));
    add("sub", json!(grant.subject));
    add("jti", json!(grant.id));
    // A JWT always ends; one that is over was issued before that.
    let expires = seconds(grant.expires_at.unwrap_or(grant.created_at));
    let issued = issued.min(expires.saturating_sub(1));
    add("iat", json!(issued));
    add("nbf", json!(issued - NOT_BEFORE));
    add("exp", json!(expires));
    let scopes = grant.scopes.join(" ");
    match grant.kind {
        Kind::OAuth => {
            add("scope", json!(scopes));
            add("client_id", json!(grant.client_id));
            if !grant.audience.is_empty() {
                add("aud", json!(grant.audience));
            }
            instance.tokens.sign("at+jwt", TokenKind::OAuth.category(), &claims)
        }
        _ => {
            if !scopes.is_empty() {
                add("scopes", json!(scopes));
            }
            instance.tokens.sign("JWT", TokenKind::M2M.category(), &claims)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_clerks_length() {
        assert_eq!(APPLICATION.len(), "client_".len() + 27);
        assert_eq!(MACHINE.len(), "mch_".len() + 27);
    }
}
