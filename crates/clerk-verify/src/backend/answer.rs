use std::sync::Arc;

use clerk_core::TokenKind;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Verdict;
use crate::auth::Auth;
use crate::machine::{ApiKey, Grant, Machine, OAuth};
use crate::rejection::Rejection;

/// Of what the Backend API says about a token, what is used here. The three calls differ in little.
#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
    subject: String,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// Clerk answers 404 for what was revoked or has expired. Should it ever not, the answer still counts.
    #[serde(default)]
    revoked: Option<bool>,
    #[serde(default)]
    expired: Option<bool>,
    #[serde(default)]
    expiration: Option<i64>,
    #[serde(default)]
    claims: Option<Map<String, Value>>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    aud: Option<Value>,
    #[serde(default)]
    act: Option<Value>,
}

/// Times up to here are seconds, beyond it milliseconds: the one would be the year 5138, the other 1973.
/// Clerk documents seconds for OAuth tokens and milliseconds for the others.
const LAST_SECONDS: i64 = 99_999_999_999;

/// `None` for what is no answer of the Backend API.
pub(super) fn read(kind: TokenKind, body: &[u8]) -> Option<Verdict> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    if answer.revoked == Some(true) {
        return Some(Err(Rejection::Revoked.into()));
    }
    if answer.expired == Some(true) {
        return Some(Err(Rejection::Expired.into()));
    }
    let is_right = match kind {
        TokenKind::M2M => answer.subject.starts_with("mch_"),
        _ => !answer.subject.is_empty(),
    };
    if !is_right {
        return None;
    }
    let mut claims = answer.claims.unwrap_or_default();
    // An OAuth token has no claims of its own; these two are read as a JWT's are.
    if kind == TokenKind::OAuth {
        let read = [("aud", answer.aud), ("act", answer.act)];
        claims.extend(read.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let seconds = |time: i64| if time > LAST_SECONDS { time / 1000 } else { time };
    let grant = Grant {
        id: answer.id.filter(|id| !id.is_empty()),
        subject: answer.subject,
        scopes: answer.scopes.unwrap_or_default(),
        claims,
        expires_at: answer.expiration.map(seconds),
    };
    Some(Ok(Arc::new(match kind {
        TokenKind::OAuth => Auth::OAuth(OAuth { grant, client_id: answer.client_id }),
        TokenKind::M2M => Auth::Machine(Machine { grant }),
        TokenKind::ApiKey => Auth::ApiKey(ApiKey { grant, name: answer.name }),
        _ => return None,
    })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verifier::VerifyError;

    fn read(kind: TokenKind, body: Value) -> Option<Verdict> {
        super::read(kind, body.to_string().as_bytes())
    }

    #[test]
    fn each_kind_says_who_it_is() {
        let body = json!({
            "object": "clerk_idp_oauth_access_token", "id": "oat_1", "client_id": "client_1", "type": "oauth_token",
            "subject": "user_1", "scopes": ["read:foo"], "revoked": false, "revocation_reason": null,
            "expired": false, "expiration": 1_800_000_060, "created_at": 1, "updated_at": 1, "aud": ["x"],
        });
        let Some(Ok(auth)) = read(TokenKind::OAuth, body) else { panic!() };
        let Auth::OAuth(token) = &*auth else { panic!() };
        assert_eq!(
            (token.id(), token.client_id(), token.user_id()),
            (Some("oat_1"), Some("client_1"), "user_1")
        );
        assert_eq!((token.scopes(), token.expires_at()), (&["read:foo".to_owned()][..], Some(1_800_000_060)));
        assert_eq!(token.claims().get("aud"), Some(&json!(["x"])));

        let body = json!({
            "id": "ak_1", "subject": "org_1", "name": "ci", "scopes": [], "claims": { "a": 1 },
            "expiration": 1_800_000_060_000_i64, "revoked": false, "expired": false,
        });
        let Some(Ok(auth)) = read(TokenKind::ApiKey, body) else { panic!() };
        let Auth::ApiKey(key) = &*auth else { panic!() };
        assert_eq!((key.user_id(), key.organization_id(), key.name()), (None, Some("org_1"), Some("ci")));
        assert_eq!((key.expires_at(), key.claims().get("a")), (Some(1_800_000_060), Some(&json!(1))));
    }

    #[test]
    fn what_is_over_is_refused_although_the_status_is_200() {
        let rejected = |rejection: Rejection| Some(Err(VerifyError::from(rejection)));
        let body = |name: &str| json!({ "id": "x", "subject": "user_1", "scopes": [], name: true });
        assert_eq!(read(TokenKind::ApiKey, body("revoked")), rejected(Rejection::Revoked));
        assert_eq!(read(TokenKind::ApiKey, body("expired")), rejected(Rejection::Expired));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for body in
            ["", "null", "{}", "<html>", r#"{"subject":""}"#, r#"{"subject":"user_1","revoked":"yes"}"#]
        {
            assert_eq!(super::read(TokenKind::ApiKey, body.as_bytes()), None, "{body}");
        }
        assert_eq!(read(TokenKind::M2M, json!({ "subject": "user_1" })), None);
    }
}
