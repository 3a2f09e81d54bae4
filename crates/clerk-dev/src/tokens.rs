use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::{SessionClaims, SessionStatus, TokenKind};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::client::Session;
use crate::clock::{Millis, SECOND};
use crate::entitlements::Entitlements;
use crate::ids;
use crate::organizations::Membership;
use crate::origin::AppOrigin;
use crate::people::Person;
use crate::signing_key::SigningKey;

/// How many seconds before `iat` Clerk's tokens count already, for clocks that are a little behind.
pub(crate) const NOT_BEFORE: i64 = 10;

/// Makes tokens: signed JWTs.
#[derive(Debug)]
pub(crate) struct Tokens {
    key: SigningKey,
    issuer: String,
    /// Requests of other origins never get here, so this is whom every token is for.
    authorized_party: String,
    /// Seconds.
    life: AtomicI64,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    kid: &'a str,
    typ: &'static str,
}

#[derive(Serialize)]
struct SessionToken {
    #[serde(flatten)]
    session: SessionClaims,
    /// Its `o` instead of the one in `session`, which does not name permissions.
    #[serde(flatten)]
    entitlements: Entitlements,
}

impl Tokens {
    /// `life` counts in whole seconds.
    pub(crate) fn new(key: SigningKey, origin: &AppOrigin, life: Duration) -> Self {
        Self {
            key,
            issuer: format!("{}{}", origin.as_str(), crate::BASE_PATH),
            authorized_party: origin.as_str().to_owned(),
            life: AtomicI64::new(i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 2)),
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// How long the session tokens live that are made from now on, in seconds.
    pub(crate) fn life(&self) -> i64 {
        self.life.load(Ordering::Relaxed)
    }

    pub(crate) fn set_life(&self, seconds: i64) {
        self.life.store(seconds, Ordering::Relaxed);
    }

    /// A new token of `session`, which is `person`'s, in the organization of `membership`.
    pub(crate) fn of_session(
        &self,
        session: &Session,
        person: &Person,
        membership: Option<Membership>,
        now: Millis,
    ) -> Result<String, Unspecified> {
        let iat = now / SECOND;
        let claims = SessionClaims {
            sub: session.user_id.clone(),
            sid: session.id.clone(),
            iss: self.issuer.clone(),
            azp: Some(self.authorized_party.clone()),
            iat,
            nbf: Some(iat - NOT_BEFORE),
            exp: iat.saturating_add(self.life()),
            jti: Some(ids::random_hex::<10>()?),
            sts: Some(SessionStatus::Active),
            fva: Some(session.factor_ages(now)),
            o: None,
            v: Some(2),
        };
        let entitlements = Entitlements::new(person, membership);
        self.sign("JWT", TokenKind::Session.category(), &SessionToken { session: claims, entitlements })
    }

    /// A new token of a template: it names the person and no session.
    pub(crate) fn of_template(
        &self,
        user_id: &str,
        claims: Map<String, Value>,
        life: i64,
        now: Millis,
    ) -> Result<String, Unspecified> {
        let iat = now / SECOND;
        let mut all = claims;
        let standard = json!({
            "sub": user_id,
            "iss": self.issuer,
            "azp": self.authorized_party,
            "iat": iat,
            "nbf": iat - NOT_BEFORE,
            "exp": iat.saturating_add(life),
            "jti": ids::random_hex::<10>()?,
        });
        if let Value::Object(standard) = standard {
            all.extend(standard);
        }
        self.sign("JWT", TokenKind::Template.category(), &all)
    }

    /// A JWT of any claims. `typ` and `category` say which kind of token it is.
    pub(crate) fn sign(
        &self,
        typ: &'static str,
        category: Option<&'static str>,
        claims: &impl Serialize,
    ) -> Result<String, Unspecified> {
        let header = Header { alg: "RS256", cat: category, kid: self.key.id(), typ };
        let message = format!("{}.{}", part(&header)?, part(claims)?);
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }
}

fn part(value: &impl Serialize) -> Result<String, Unspecified> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).map_err(|_| Unspecified)?))
}
