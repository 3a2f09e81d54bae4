//! Same-origin cookie mode, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use axum::Router;
use axum::http::Method;
use axum::routing::any;
use clerk_verify::axum::{AnyAuth, AuthLayer, OAuthAuth, SameOriginCookies, SessionAuth};
use clerk_verify::{KeySet, ManualClock, Policy, Verifier};
use common::http::{Answer, send};
use common::{ISSUER, NOW, PAGE, SigningKey, claims, with};
use serde_json::json;

const SITE: &str = "sec-fetch-site";

type Headers<'a> = &'a [(&'a str, &'a str)];

fn app(key: &SigningKey) -> Router {
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let keys = KeySet::from_jwks(key.jwks().as_bytes()).unwrap();
    let cookies = SameOriginCookies::new([PAGE]).unwrap();
    let cookies = cookies.for_instance(&"pk_live_Y2xlcmsuY2xlcmsuZGV2JA".parse().unwrap());
    Router::new()
        .route("/", any(|session: SessionAuth| async move { session.user_id().to_owned() }))
        .route("/oauth", any(|_: OAuthAuth| async {}))
        .route("/any", any(|auth: AnyAuth| async move { auth.subject().to_owned() }))
        .route("/perhaps", any(|session: Option<SessionAuth>| async move { session.is_some().to_string() }))
        .route("/either", any(either))
        .layer(
            AuthLayer::new(Verifier::new(policy, keys).clock(ManualClock::at(NOW)))
                .same_origin_cookies(cookies),
        )
}

/// The first of the two finds nothing in a cookie, the second may.
async fn either(token: Option<OAuthAuth>, session: Option<SessionAuth>) -> String {
    format!("{} {}", token.is_some(), session.is_some())
}

async fn ask(app: &Router, method: Method, cookie: &str, more: &[(&str, &str)]) -> Answer {
    let headers: Vec<(&str, &str)> = [("cookie", cookie)].into_iter().chain(more.iter().copied()).collect();
    send(app, method, "/", &headers).await
}

#[tokio::test]
async fn which_requests_may_use_the_cookie() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let cookie = format!("theme=dark; __session={}", key.sign(&claims()));
    let own = ("origin", PAGE);
    // Whether it passes when it changes nothing, and when it does.
    let cases: [(Headers<'_>, bool, bool); 17] = [
        (&[(SITE, "same-origin")], true, true),
        (&[(SITE, "same-origin"), own], true, true),
        (&[(SITE, "none")], true, false),
        (&[(SITE, "none"), own], true, false),
        (&[(SITE, "same-site")], false, false),
        (&[(SITE, "same-site"), own], false, false),
        (&[(SITE, "cross-site")], false, false),
        (&[(SITE, "cross-site"), own], false, false),
        (&[(SITE, "Same-Origin")], false, false),
        (&[(SITE, "")], false, false),
        (&[(SITE, "same-origin"), (SITE, "cross-site")], false, false),
        (&[], true, false),
        (&[own], true, true),
        (&[("origin", "https://evil.example")], false, false),
        (&[("origin", "null")], false, false),
        (&[("origin", "https://foo.com.evil.example")], false, false),
        (&[own, ("origin", "https://evil.example")], false, false),
    ];
    for (headers, safe, unsafe_too) in cases {
        for (method, passes) in [
            (Method::GET, safe),
            (Method::HEAD, safe),
            (Method::POST, unsafe_too),
            (Method::PUT, unsafe_too),
            (Method::DELETE, unsafe_too),
            (Method::PATCH, unsafe_too),
        ] {
            let answer = ask(&app, method.clone(), &cookie, headers).await;
            assert_eq!(answer.status, if passes { 200 } else { 403 }, "{method} {headers:?}");
            if !passes && method != Method::HEAD {
                assert_eq!(answer.refusal(), (403, "cookie-not-same-origin".into()));
            }
        }
    }
}

#[tokio::test]
async fn the_bearer_decides_and_a_bad_one_never_falls_back() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let cookie = format!("__session={}", key.sign(&claims()));
    let good = format!("Bearer {}", key.sign(&with("sub", "user_bob")));
    let same = (SITE, "same-origin");
    for (authorization, status) in
        [("Bearer bad", 401), ("Bearer", 400), ("Bearer a b", 400), ("bearer bad", 401), (good.as_str(), 200)]
    {
        let answer = ask(&app, Method::GET, &cookie, &[same, ("authorization", authorization)]).await;
        assert_eq!(answer.status, status, "{authorization}");
        if status == 200 {
            assert_eq!(answer.body, "user_bob");
        }
    }
    // A bearer is sent by who means it: where it comes from does not matter.
    let elsewhere = [(SITE, "cross-site"), ("authorization", good.as_str())];
    assert_eq!(ask(&app, Method::POST, &cookie, &elsewhere).await.status, 200);
    // Another scheme is no bearer.
    let basic = [same, ("authorization", "Basic dTpw")];
    assert_eq!(ask(&app, Method::GET, &cookie, &basic).await.body, "user_ada");
}

#[tokio::test]
async fn the_browsers_client_can_only_take_away() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let token = key.sign(&claims());
    let same = [(SITE, "same-origin")];
    for (uat, answer) in [
        (String::new(), (200, None)),
        ((NOW - 100).to_string(), (200, None)),
        ((NOW - 5).to_string(), (200, None)),
        ((NOW - 4).to_string(), (401, Some("session-token-iat-before-client-uat"))),
        ("0".into(), (401, Some("session-token-and-uat-missing"))),
        ("nonsense".into(), (200, None)),
    ] {
        let got = ask(&app, Method::GET, &format!("__session={token}; __client_uat={uat}"), &same).await;
        let reason = (got.status != 200).then(|| got.refusal().1);
        assert_eq!((got.status, reason.as_deref()), answer, "{uat}");
    }
    let bad = format!("__session={}; __client_uat={}", key.sign(&with("exp", NOW - 60)), NOW - 100);
    assert_eq!(ask(&app, Method::GET, &bad, &same).await.refusal(), (401, "token-expired".into()));
}

#[tokio::test]
async fn only_sessions_come_in_cookies() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": key.kid });
    let oauth = format!("__session={}", key.sign_with(&header, &claims()));
    let session = format!("__session={}", key.sign(&claims()));
    for (path, cookie, answer) in [
        ("/oauth", &oauth, (401, "session-token-and-uat-missing")),
        ("/oauth", &session, (401, "session-token-and-uat-missing")),
        ("/any", &oauth, (401, "token-type-mismatch")),
        ("/", &oauth, (401, "token-type-mismatch")),
        ("/", &"__session=ak_1".to_owned(), (401, "token-type-mismatch")),
    ] {
        let got = send(&app, Method::GET, path, &[("cookie", cookie), (SITE, "same-origin")]).await;
        assert_eq!(got.refusal(), (answer.0, answer.1.into()), "{path}");
    }
    let got = send(&app, Method::GET, "/any", &[("cookie", &session), (SITE, "same-origin")]).await;
    assert_eq!(got.body, "user_ada");
    let got = send(&app, Method::GET, "/either", &[("cookie", &session), (SITE, "same-origin")]).await;
    assert_eq!(got.body, "false true", "that it is no OAuth token does not make it nobody's");
    let got = send(&app, Method::GET, "/perhaps", &[(SITE, "cross-site")]).await;
    assert_eq!(got.body, "false", "without a cookie there is nothing to refuse");
}

#[tokio::test]
async fn suffixed_and_doubled_cookies() {
    let key = SigningKey::new("ins_1");
    let app = app(&key);
    let (ada, bob) = (key.sign(&claims()), key.sign(&with("sub", "user_bob")));
    let same = [(SITE, "same-origin")];
    let both = format!("__session={bob}; __session_1Z8AzTQD={ada}");
    assert_eq!(ask(&app, Method::GET, &both, &same).await.body, "user_ada");
    let doubled = format!("__session={bob}; __session={ada}");
    assert_eq!(
        ask(&app, Method::GET, &doubled, &same).await.refusal(),
        (400, "credentials-malformed".into())
    );
}
