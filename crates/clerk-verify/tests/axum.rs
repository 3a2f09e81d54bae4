//! The layer and the extractors, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::{Router, routing::get};
use clerk_verify::axum::{AuthLayer, SessionAuth};
use clerk_verify::{Jwks, KeySet, ManualClock, Policy, Verifier};
use common::{ISSUER, JwksServer, NOW, PAGE, SigningKey, claims, with};
use serde_json::Value;
use tower::ServiceExt as _;

async fn who(session: SessionAuth) -> String {
    session.user_id().to_owned()
}

async fn perhaps(session: Option<SessionAuth>) -> String {
    session.map_or("nobody".into(), |session| session.user_id().to_owned())
}

fn routes() -> Router {
    Router::new()
        .route("/who", get(who))
        .route("/perhaps", get(perhaps))
        .route("/open", get(|| async { "open" }))
}

fn policy() -> Policy {
    Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap()
}

fn app(key: &SigningKey) -> Router {
    let keys = KeySet::from_jwks(key.jwks().as_bytes()).unwrap();
    routes().layer(AuthLayer::new(Verifier::new(policy(), keys).clock(ManualClock::at(NOW))))
}

async fn ask(app: &Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// Status, reason and challenge of a refusal, whose form is checked on the way.
fn refusal((status, headers, body): (StatusCode, HeaderMap, String)) -> (u16, String, Option<String>) {
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "private, no-store");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["title"], status.canonical_reason().unwrap());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    let challenge = headers.get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    (status.as_u16(), problem["reason"].as_str().unwrap().to_owned(), challenge)
}

#[tokio::test]
async fn a_good_token_opens_and_the_scheme_has_no_case() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let token = key.sign(&claims());
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer ", " Bearer"] {
        let (status, _, body) = ask(&app, "/who", &[("authorization", &format!("{scheme} {token}"))]).await;
        assert_eq!((status.as_u16(), body.as_str()), (200, "user_ada"), "{scheme}");
    }
}

#[tokio::test]
async fn no_credentials_are_asked_for_without_an_error() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let token = key.sign(&claims());
    let cookie = format!("__session={token}; __client_uat={}", NOW - 100);
    let none: [&[(&str, &str)]; 5] = [
        &[],
        &[("authorization", "")],
        &[("authorization", "Basic dTpw")],
        &[("cookie", &cookie)],
        &[("x-forwarded-authorization", &format!("Bearer {token}"))],
    ];
    for headers in none {
        let (status, reason, challenge) = refusal(ask(&app, "/who", headers).await);
        assert_eq!((status, reason.as_str()), (401, "session-token-and-uat-missing"));
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="api""#));
    }
    let (status, ..) = ask(&app, &format!("/who?__session={token}&access_token={token}"), &[]).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn malformed_credentials_are_a_bad_request() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let bearer = format!("Bearer {}", key.sign(&claims()));
    let junk = format!("{bearer} extra");
    let joined = format!("{bearer}, {bearer}");
    let cases: [&[(&str, &str)]; 5] = [
        &[("authorization", "Bearer xx"), ("authorization", &bearer)],
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("authorization", &junk)],
        &[("authorization", &joined)],
        &[("authorization", "Bearer")],
    ];
    for headers in cases {
        let (status, reason, challenge) = refusal(ask(&app, "/who", headers).await);
        assert_eq!((status, reason.as_str()), (400, "credentials-malformed"));
        assert!(challenge.unwrap().contains(r#"error="invalid_request""#));
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_and_never_shown() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let good = key.sign(&claims());
    let cases = [
        ("bad".to_owned(), "token-invalid"),
        ("null".to_owned(), "token-invalid"),
        ("undefined".to_owned(), "token-invalid"),
        ("bnVsbA.e30.AA".to_owned(), "token-invalid"),
        (key.sign(&with("exp", NOW - 60)), "token-expired"),
        (key.sign(&with("azp", "https://evil.example")), "token-invalid-authorized-parties"),
        (key.sign(&with("sts", "pending")), "session-pending"),
        (SigningKey::new("ins_1").sign(&claims()), "token-invalid-signature"),
    ];
    for (token, wanted) in cases {
        let bearer = format!("Bearer {token}");
        let cookie = format!("__session={good}; __client_uat={}", NOW - 100);
        let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
        let answer = ask(&app, "/who", &headers).await;
        let shown = format!("{:?} {}", answer.1, answer.2);
        if token.contains('.') {
            assert!(token.split('.').all(|part| !shown.contains(part)), "{shown}");
        }
        let (status, reason, challenge) = refusal(answer);
        assert_eq!(status, 401);
        assert_eq!(reason, wanted);
        assert!(challenge.unwrap().contains(r#"error="invalid_token""#));
    }
}

#[tokio::test]
async fn the_layer_protects_nothing_by_itself() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let bearer = format!("Bearer {}", key.sign(&claims()));
    assert_eq!(ask(&app, "/open", &[("authorization", "Bearer bad")]).await.0, 200);
    assert_eq!(ask(&app, "/perhaps", &[]).await.2, "nobody");
    assert_eq!(ask(&app, "/perhaps", &[("authorization", &bearer)]).await.2, "user_ada");
    assert_eq!(ask(&app, "/perhaps", &[("authorization", "Bearer bad")]).await.0, 401);
    // Not signed in yet is not signed in; but whoever is expired has to fetch another token.
    let pending = format!("Bearer {}", key.sign(&with("sts", "pending")));
    assert_eq!(ask(&app, "/perhaps", &[("authorization", &pending)]).await.2, "nobody");
    assert_eq!(ask(&app, "/who", &[("authorization", &pending)]).await.0, 401);
    let expired = format!("Bearer {}", key.sign(&with("exp", NOW - 60)));
    assert_eq!(ask(&app, "/perhaps", &[("authorization", &expired)]).await.0, 401);
    // As good as any otherwise: a forged one is no visitor.
    let forged = format!("Bearer {}", SigningKey::new("ins_1").sign(&with("sts", "pending")));
    assert_eq!(ask(&app, "/perhaps", &[("authorization", &forged)]).await.0, 401);
}

#[tokio::test]
async fn without_the_layer_nobody_is_let_in() {
    for path in ["/who", "/perhaps"] {
        let (status, reason, challenge) = refusal(ask(&routes(), path, &[]).await);
        assert_eq!((status, reason.as_str(), challenge), (500, "auth-layer-missing", None));
    }
}

#[tokio::test]
async fn no_keys_is_the_servers_trouble_not_the_clients() {
    let key = SigningKey::new("ins_1");
    let server = JwksServer::start("").await;
    server.fail(500);
    let app = routes().layer(AuthLayer::new(Verifier::new(policy(), Jwks::from_url(&server.url).unwrap())));
    let bearer = format!("Bearer {}", key.sign(&claims()));
    let answer = ask(&app, "/who", &[("authorization", &bearer)]).await;
    assert_eq!(answer.1["retry-after"], "1");
    assert_eq!(refusal(answer), (503, "jwk-remote-failed-to-load".into(), None));
    assert_eq!(ask(&app, "/who", &[]).await.0, 401, "who sends nothing is told to sign in");
}
