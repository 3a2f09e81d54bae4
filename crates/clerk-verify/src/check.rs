use clerk_core::SessionStatus;
use serde_json::{Map, Value};

use crate::accepts::AcceptsToken;
use crate::auth::Auth;
use crate::keys::{Key, KeySet};
use crate::machine::{Grant, Machine, OAuth};
use crate::policy::{Audience, Policy};
use crate::rejection::Rejection;
use crate::session::Session;
use crate::token::{Jwt, JwtKind, Token};

/// The last second of the year 9999.
const LAST_SANE_TIME: i64 = 253_402_300_799;

/// Verifies a JWT of one of the kinds that `accepts` names, with keys that are at hand, as of
/// `now_unix_millis` (milliseconds since the Unix epoch). No clock is read and no network is used.
///
/// Opaque tokens (`oat_…`, `mt_…`, `ak_…`) say nothing by themselves; a [`Verifier`](crate::Verifier) asks
/// Clerk about them, and here they are refused ([`Rejection::Opaque`]).
///
/// # Errors
///
/// The first thing that is wrong. The kind comes first, and the signature before every claim, so that
/// claims can be probed only with a token that Clerk signed.
pub fn verify_token(
    token: &str,
    accepts: impl Into<AcceptsToken>,
    keys: &KeySet,
    policy: &Policy,
    now_unix_millis: i64,
) -> Result<Auth, Rejection> {
    match Token::read(token, accepts.into())? {
        Token::Opaque(..) => Err(Rejection::Opaque),
        Token::Jwt(jwt) => {
            let key = keys.find(&jwt.kid).ok_or(Rejection::UnknownKey)?;
            check(jwt, key, policy, now_unix_millis)
        }
    }
}

/// [`verify_token`] for sessions alone.
///
/// # Errors
///
/// Those of [`verify_token`].
pub fn verify_session(
    token: &str,
    keys: &KeySet,
    policy: &Policy,
    now_unix_millis: i64,
) -> Result<Session, Rejection> {
    match verify_token(token, AcceptsToken::SESSION, keys, policy, now_unix_millis)? {
        Auth::Session(session) => Ok(session),
        other => Err(Rejection::WrongKind(Some(other.kind()))),
    }
}

pub(crate) fn check(jwt: Jwt<'_>, key: &Key, policy: &Policy, now_millis: i64) -> Result<Auth, Rejection> {
    if !key.signed(jwt.signed.as_bytes(), &jwt.signature) {
        return Err(Rejection::WrongSignature);
    }
    claims(jwt.kind, jwt.claims, policy, now_millis)
}

/// What a token of this kind has to say, whoever signed it: call it only after the signature was checked.
pub(crate) fn claims(
    kind: JwtKind,
    claims: Map<String, Value>,
    policy: &Policy,
    now_millis: i64,
) -> Result<Auth, Rejection> {
    let subject = required_text(claims.get("sub"), "sub")?;
    check_audience(claims.get("aud"), policy.audience_of(kind))?;
    // Only a page has an origin.
    if let (JwtKind::Session, Some(parties)) = (kind, &policy.parties) {
        let azp = claims.get("azp").and_then(Value::as_str);
        if !azp.is_some_and(|azp| parties.iter().any(|party| party == azp)) {
            return Err(Rejection::WrongAuthorizedParty);
        }
    }
    if let Some(issuers) = &policy.issuers {
        let issuer = claims.get("iss").and_then(Value::as_str);
        if !issuer.is_some_and(|issuer| issuers.iter().any(|ours| ours == issuer)) {
            return Err(Rejection::WrongIssuer);
        }
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
    match kind {
        JwtKind::Session => {
            // A token from a template that carries no category shows itself by having no session.
            let session_id = required_text(claims.get("sid"), "sid")?;
            let status = status(claims.get("sts"))?;
            if status == Some(SessionStatus::Pending) && !policy.admit_pending {
                return Err(Rejection::Pending);
            }
            let user_id = subject;
            Ok(Auth::Session(Session {
                user_id,
                session_id,
                expires_at,
                issued_at,
                not_before,
                status,
                claims,
            }))
        }
        JwtKind::OAuth => {
            let client_id = text(&claims, "client_id");
            let scopes = first_scopes(&claims, ["scp", "scope"]);
            Ok(Auth::OAuth(OAuth { grant: grant(subject, scopes, claims, expires_at), client_id }))
        }
        // The category says machine; the subject has to be one.
        JwtKind::M2M if !subject.starts_with("mch_") => Err(Rejection::BadClaim("sub")),
        JwtKind::M2M => {
            let scopes = first_scopes(&claims, ["scopes", "aud"]);
            Ok(Auth::Machine(Machine { grant: grant(subject, scopes, claims, expires_at) }))
        }
    }
}

fn grant(subject: String, scopes: Vec<String>, claims: Map<String, Value>, expires_at: i64) -> Grant {
    Grant { id: text(&claims, "jti"), subject, scopes, claims, expires_at: Some(expires_at) }
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The scopes in the first of these claims that is there; what is no text names no scope.
fn first_scopes(claims: &Map<String, Value>, names: [&str; 2]) -> Vec<String> {
    match names.into_iter().find_map(|name| claims.get(name).filter(|value| !value.is_null())) {
        Some(Value::String(text)) => text.split_ascii_whitespace().map(Into::into).collect(),
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

pub(crate) fn required_text(claim: Option<&Value>, name: &'static str) -> Result<String, Rejection> {
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

pub(crate) fn check_audience(claim: Option<&Value>, wanted: &Audience) -> Result<(), Rejection> {
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
    let well_formed = named.iter().all(|name| name.is_some_and(|name| !name.is_empty()));
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
