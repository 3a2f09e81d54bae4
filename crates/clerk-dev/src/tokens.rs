use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::{SessionClaims, SessionStatus, TokenKind};
use serde::Serialize;

use crate::client::Session;
use crate::clock::{Millis, SECOND};
use crate::ids;
use crate::origin::AppOrigin;
use crate::signing_key::SigningKey;

/// How many seconds before `iat` Clerk's tokens count already, for clocks that are a little behind.
const NOT_BEFORE: i64 = 10;

/// Makes session tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    key: SigningKey,
    issuer: String,
    /// Requests of other origins never get here, so this is whom every token is for.
    authorized_party: String,
    /// Seconds.
    life: i64,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    kid: &'a str,
    typ: &'static str,
}

impl Tokens {
    /// `life` counts in whole seconds.
    pub(crate) fn new(key: SigningKey, origin: &AppOrigin, life: Duration) -> Self {
        Self {
            key,
            issuer: format!("{}{}", origin.as_str(), crate::BASE_PATH),
            authorized_party: origin.as_str().to_owned(),
            life: i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 2),
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A new token of `session`: a signed JWT.
    pub(crate) fn issue(&self, session: &Session, now: Millis) -> Result<String, Unspecified> {
        let iat = now / SECOND;
        let claims = SessionClaims {
            sub: session.user_id.clone(),
            sid: session.id.clone(),
            iss: self.issuer.clone(),
            azp: Some(self.authorized_party.clone()),
            iat,
            nbf: Some(iat - NOT_BEFORE),
            exp: iat.saturating_add(self.life),
            jti: Some(ids::random_hex::<10>()?),
            sts: Some(SessionStatus::Active),
            fva: Some(session.factor_ages(now)),
            o: None,
            v: Some(2),
        };
        let header =
            Header { alg: "RS256", cat: TokenKind::Session.category(), kid: self.key.id(), typ: "JWT" };
        let message = format!("{}.{}", part(&header)?, part(&claims)?);
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }
}

fn part(value: &impl Serialize) -> Result<String, Unspecified> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).map_err(|_| Unspecified)?))
}
