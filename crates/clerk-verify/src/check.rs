use clerk_core::SessionStatus;
use serde_json::Value;

use crate::keys::{Key, KeySet};
use crate::policy::{Audience, Policy};
use crate::rejection::Rejection;
use crate::session::Session;
use crate::token::SessionJwt;

/// The last second of the year 9999.
const LAST_SANE_TIME: i64 = 253_402_300_799;

/// Verifies a session token with keys that are at hand, as of `now_unix_millis` (milliseconds since the
/// Unix epoch). No clock is read and no network is used.
///
/// # Errors
///
/// The first thing that is wrong. The signature comes before every claim, so that claims can be probed
/// only with a token that Clerk signed.
pub fn verify_session(
    token: &str,
    keys: &KeySet,
    policy: &Policy,
    now_unix_millis: i64,
) -> Result<Session, Rejection> {
    let jwt = SessionJwt::read(token)?;
    let key = keys.find(&jwt.kid).ok_or(Rejection::UnknownKey)?;
    check(jwt, key, policy, now_unix_millis)
}

pub(crate) fn check(
    jwt: SessionJwt<'_>,
    key: &Key,
    policy: &Policy,
    now_millis: i64,
) -> Result<Session, Rejection> {
    if !key.signed(jwt.signed.as_bytes(), &jwt.signature) {
        return Err(Rejection::WrongSignature);
    }
    let claims = jwt.claims;
    let user_id = required_text(claims.get("sub"), "sub")?;
    check_audience(claims.get("aud"), &policy.audience)?;
    if let Some(parties) = &policy.parties {
        let azp = claims.get("azp").and_then(Value::as_str);
        if !azp.is_some_and(|azp| parties.iter().any(|party| party == azp)) {
            return Err(Rejection::WrongAuthorizedParty);
        }
    }
    if let Some(issuer) = &policy.issuer
        && claims.get("iss").and_then(Value::as_str) != Some(issuer)
    {
        return Err(Rejection::WrongIssuer);
    }

    let expires_at = time(claims.get("exp"), "exp")?.ok_or(Rejection::BadClaim("exp"))?;
    let not_before = time(claims.get("nbf"), "nbf")?;
    let issued_at = time(claims.get("iat"), "iat")?;
    let latest = now_millis.saturating_add(policy.skew_millis);
    if expires_at * 1000 <= now_millis.saturating_sub(policy.skew_millis) {
        return Err(Rejection::Expired);
    }
    if not_before.is_some_and(|time| time * 1000 > latest) {
        return Err(Rejection::NotActiveYet);
    }
    if issued_at.is_some_and(|time| time * 1000 > latest) {
        return Err(Rejection::IssuedInTheFuture);
    }

    // A token from a template that carries no category shows itself by having no session.
    let session_id = required_text(claims.get("sid"), "sid")?;
    let status = status(claims.get("sts"))?;
    if status == Some(SessionStatus::Pending) && !policy.admit_pending {
        return Err(Rejection::Pending);
    }
    Ok(Session { user_id, session_id, expires_at, issued_at, not_before, status, claims })
}

fn required_text(claim: Option<&Value>, name: &'static str) -> Result<String, Rejection> {
    match claim.and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Rejection::BadClaim(name)),
    }
}

/// A whole number of seconds between 1970 and 9999, which also keeps the arithmetic from overflowing.
fn time(claim: Option<&Value>, name: &'static str) -> Result<Option<i64>, Rejection> {
    let Some(value) = claim else { return Ok(None) };
    match value.as_i64() {
        Some(time @ 0..=LAST_SANE_TIME) => Ok(Some(time)),
        _ => Err(Rejection::BadClaim(name)),
    }
}

fn check_audience(claim: Option<&Value>, wanted: &Audience) -> Result<(), Rejection> {
    let wanted = match (wanted, claim) {
        (Audience::Any, _) | (Audience::Unnamed, None) => return Ok(()),
        (Audience::Unnamed, Some(_)) => return Err(Rejection::WrongAudience),
        (Audience::OneOf(wanted), _) => wanted,
    };
    let named: Vec<Option<&str>> = match claim {
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![Some(text)],
        _ => return Err(Rejection::WrongAudience),
    };
    let well_formed = named.iter().all(Option::is_some);
    let ours = named.iter().flatten().any(|name| wanted.iter().any(|audience| audience == name));
    if well_formed && ours { Ok(()) } else { Err(Rejection::WrongAudience) }
}

fn status(claim: Option<&Value>) -> Result<Option<SessionStatus>, Rejection> {
    match claim {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(match text.as_str() {
            "active" => SessionStatus::Active,
            "pending" => SessionStatus::Pending,
            _ => SessionStatus::Other,
        })),
        Some(_) => Err(Rejection::BadClaim("sts")),
    }
}
