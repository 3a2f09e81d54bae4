//! What a request is made of: its headers, its path, its origin.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use axum::routing::get as route;
use clerk_verify::axum::{AuthLayer, Require};
use clerk_verify::{KeySet, ManualClock, Policy, Verifier};
use tower::ServiceExt as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::common::api::api;
use crate::common::http::{get, send};
use crate::common::{ISSUER, NOW, PAGE};

#[tokio::test]
async fn family_8_one_header_one_token() {
    let api = api().await;
    let good = api.good();
    let bearer = format!("Bearer {good}");
    let two = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(get(&api.app, "/session", &two).await.refusal(), (400, "credentials-malformed".into()));
    for (value, status) in [
        (format!("bEaReR {good}"), 200),
        (format!("Bearer   {good}"), 200),
        (format!("{bearer}, {bearer}"), 400),
        (format!("{bearer} x"), 400),
        (format!("Bearer \"{good}\""), 400),
        (good.clone(), 401),
        (format!("DPoP {good}"), 401),
        (format!("Token {good}"), 401),
    ] {
        assert_eq!(get(&api.app, "/session", &[("authorization", &value)]).await.status, status, "{value}");
    }
    // Bytes that are no ASCII.
    let mut request = Request::get("/session").body(Body::empty()).unwrap();
    let value = HeaderValue::from_bytes(&[bearer.as_bytes(), b"\xff"].concat()).unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, value);
    assert_eq!(api.app.clone().oneshot(request).await.unwrap().status(), 400);
    // Nowhere else.
    let cookie = format!("__session={good}; __client_uat={}", NOW - 100);
    for (name, value) in [
        ("x-forwarded-authorization", bearer.as_str()),
        ("proxy-authorization", &bearer),
        ("x-api-key", &good),
        ("cookie", &cookie),
        ("x-authorization", &bearer),
        ("clerk-authorization", &bearer),
    ] {
        assert_eq!(get(&api.app, "/session", &[(name, value)]).await.status, 401, "{name}");
    }
    for name in ["__session", "access_token", "token", "__clerk_db_jwt", "authorization"] {
        assert_eq!(get(&api.app, &format!("/session?{name}={good}"), &[]).await.status, 401, "{name}");
    }
    let form = Request::post("/session").header("content-type", "application/x-www-form-urlencoded");
    let form = form.body(Body::from(format!("access_token={good}"))).unwrap();
    assert_ne!(api.app.clone().oneshot(form).await.unwrap().status(), 200);
}

#[tokio::test]
async fn family_9_cors_is_outermost_and_no_path_leads_around_the_guard() {
    let api = api().await;
    let keys = KeySet::from_jwks(api.key.jwks().as_bytes()).unwrap();
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let auth = AuthLayer::new(Verifier::new(policy, keys).clock(ManualClock::at(NOW)));
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list([HeaderValue::from_static(PAGE)]))
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(Duration::from_secs(7200));
    let inner = Router::new().route("/{id}", route(|| async { "secret" })).fallback(|| async { "secret" });
    let app = Router::new()
        .nest("/private", inner)
        .fallback(|| async { "secret" })
        .layer(Require::session())
        .layer(auth)
        .layer(cors);
    let preflight = [
        ("origin", PAGE),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = send(&app, Method::OPTIONS, "/private/x", &preflight).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(answer.header("access-control-max-age"), Some("7200"));
    let answer = get(&app, "/private/x", &[("origin", PAGE)]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, Some(PAGE)));
    assert!(answer.header("access-control-expose-headers").unwrap().contains("www-authenticate"));
    for origin in ["https://evil.example", "null"] {
        let answer = get(&app, "/private/x", &[("origin", origin)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    for path in [
        "/private/x",
        "/private/x/",
        "//private/x",
        "/private//x",
        "/private/%78",
        "/private/x?y=/public",
        "/PRIVATE/x",
        "/private/../private/x",
        "/private/x%2f",
        "/private/x;y",
        "/",
        "/other",
        "/private/%2e%2e/x",
        "/private/./x",
    ] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::TRACE] {
            let answer = send(&app, method.clone(), path, &[]).await;
            assert_eq!(answer.status, 401, "{method} {path}");
            assert!(!answer.body.contains("secret"));
        }
    }
    // Every OPTIONS is a preflight to the CORS layer; it answers by itself.
    assert_eq!(send(&app, Method::OPTIONS, "/private/x", &[]).await.body, "");
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    assert_eq!(get(&app, "/private/x", &upgrade).await.status, 401);
}
