//! Twelve families of attack, each over HTTP against an API that fetches its keys. The tenth is in `logs.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, header};
use axum::routing::get as route;
use clerk_verify::axum::{AuthLayer, Require};
use clerk_verify::{KeySet, ManualClock, Policy, Verifier};
use common::api::{api, routes};
use common::http::{get, get_with, send};
use common::{ISSUER, NOW, PAGE, SigningKey, claims, with};
use serde_json::json;
use tower::ServiceExt as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

fn refused(reason: &str) -> (u16, String) {
    (401, reason.into())
}

#[tokio::test]
async fn family_1_the_algorithm_is_not_the_tokens_to_choose() {
    let api = api().await;
    let (signed, _) = (api.good(), ());
    let payload = signed.split('.').nth(1).unwrap();
    for alg in [
        json!("none"),
        json!("None"),
        json!(["RS256"]),
        json!(null),
        json!("rs256"),
        json!("HS256"),
        json!("RS384"),
        json!("PS256"),
        json!("ES256"),
        json!("EdDSA"),
        json!({}),
    ] {
        // Signed well all the same: what is refused is the header alone.
        let token = api.key.sign_with(&api.header("alg", alg.clone()), &claims());
        assert_eq!(api.ask(&token).await, refused("token-invalid-algorithm"), "{alg}");
    }
    let mut none = api.key.header();
    none.as_object_mut().unwrap().remove("alg");
    assert_eq!(api.ask(&api.key.sign_with(&none, &claims())).await, refused("token-invalid-algorithm"));
    // The public key as an HMAC secret.
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    for secret in [api.key.pem().into_bytes(), Vec::new()] {
        let signed = format!("{}.{payload}", BASE64.encode(api.header("alg", json!("HS256")).to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let token = format!("{signed}.{}", BASE64.encode(tag.as_ref()));
        assert_eq!(api.ask(&token).await, refused("token-invalid-algorithm"));
    }
    assert_eq!(api.jwks.fetches(), 0, "and no key was looked for");
}

#[tokio::test]
async fn family_2_the_signature_is_the_keys_over_these_very_bytes() {
    let api = api().await;
    let good = api.good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let flipped = |at: usize| {
        let mut bytes = signature.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        format!("{signed}.{}", String::from_utf8(bytes).unwrap())
    };
    let other = SigningKey::new("ins_1").sign(&claims());
    for token in [
        other,
        flipped(0),
        flipped(100),
        format!("{signed}.{}", &signature[..signature.len() - 4]),
        format!("{signed}.AAAA{signature}"),
        format!("{signed}.{}", "A".repeat(signature.len() - 1) + "A"),
        api.key.sign(&with("sub", "user_root")).rsplit_once('.').unwrap().0.to_owned() + "." + signature,
    ] {
        let (status, reason) = api.ask(&token).await;
        assert_eq!(status, 401, "{token}");
        assert!(["token-invalid-signature", "token-invalid"].contains(&reason.as_str()), "{reason}");
    }
    assert_eq!(get_with(&api.app, "/session", &format!("{signed}.")).await.status, 401);
    assert_eq!(api.ask(&good).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn family_3_a_token_brings_no_key_and_makes_no_fetches() {
    let api = api().await;
    // Whoever follows a URL of the token's connects to this.
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks", trap.local_addr().unwrap());
    let evil = SigningKey::new("ins_1");
    for (name, value) in [
        ("jwk", evil.jwk()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["AAAA"])),
        ("kid", json!(url)),
        ("kid", json!("__proto__")),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!(7)),
        ("kid", json!("k".repeat(4000))),
        ("kid", json!("\u{0}")),
        ("kid", json!(null)),
    ] {
        let token = evil.sign_with(&api.header(name, value.clone()), &claims());
        assert_eq!(api.ask(&token).await.0, 401, "{name} {value}");
    }
    assert!(trap.accept().is_err(), "somebody followed a token's URL");
    assert!(api.jwks.fetches() <= 1, "{}", api.jwks.fetches());

    // A thousand at once, each with another key id.
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let header = json!({ "alg": "RS256", "kid": format!("ins_{number}_") });
            let token = format!("{}.e30.AA", base64url(&header.to_string()));
            let app = api.app.clone();
            tokio::spawn(async move { get_with(&app, "/session", &token).await.status })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 401);
    }
    assert!(api.jwks.fetches() <= 1, "{}", api.jwks.fetches());
    assert_eq!(api.ask(&api.good()).await.0, 200);
}

fn base64url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn family_3_two_hundred_cold_requests_make_one_fetch() {
    let api = api().await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (app, token) = (api.app.clone(), api.good());
            tokio::spawn(async move { get_with(&app, "/session", &token).await.status })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(api.jwks.fetches(), 1);
}

#[tokio::test]
async fn family_4_times_are_times_and_clocks_may_be_wrong() {
    let api = api().await;
    for (name, value, reason) in [
        ("exp", json!(NOW - 5), "token-expired"),
        ("exp", json!(-1e15), "token-verification-failed"),
        ("exp", json!(1e300), "token-verification-failed"),
        ("exp", json!(null), "token-verification-failed"),
        ("exp", json!("1800000060"), "token-verification-failed"),
        ("nbf", json!(NOW + 6), "token-not-active-yet"),
        ("nbf", json!(1e15), "token-verification-failed"),
        ("iat", json!(NOW + 6), "token-iat-in-the-future"),
        ("iat", json!([NOW]), "token-verification-failed"),
    ] {
        assert_eq!(
            api.ask(&api.key.sign(&with(name, value.clone()))).await,
            refused(reason),
            "{name} {value}"
        );
    }
    let text = claims().to_string().replace(&format!("\"exp\":{}", NOW + 55), "\"exp\":-1e400");
    let token = api.key.sign_text(&api.key.header().to_string(), &text);
    assert_eq!(api.ask(&token).await, refused("token-invalid"));
    let token = api.good();
    for (time, status) in [(-1, 401), (i64::MIN / 1000, 401), (i64::MAX / 1000, 401), (0, 401), (NOW, 200)] {
        api.clock.set(time);
        assert_eq!(api.ask(&token).await.0, status, "{time}");
    }
}

#[tokio::test]
async fn family_5_each_kind_opens_its_own_door_alone() {
    let api = api().await;
    let header = |typ: Option<&str>, cat: Option<&str>| {
        let mut header = json!({ "alg": "RS256", "kid": "ins_1" });
        for (name, value) in [("typ", typ), ("cat", cat)] {
            if let Some(value) = value {
                header[name] = json!(value);
            }
        }
        header
    };
    let (session, template, m2m) = ("cl_B7d4PD111AAA", "cl_B7d4PD222AAA", "cl_B7d4PD333AAA");
    let mut machine = claims();
    machine["sub"] = json!("mch_1");
    // The header, the claims, and the one door that it opens.
    let cases = [
        (header(Some("JWT"), Some(session)), claims(), Some("session")),
        (header(None, None), claims(), Some("session")),
        (header(Some("JWT"), Some("cl_I7d4PD111III")), claims(), Some("session")),
        (header(Some("JWT"), Some(template)), claims(), None),
        (header(Some("JWT"), Some(m2m)), claims(), None),
        (header(Some("JWT"), Some("")), claims(), None),
        (header(Some("JWT"), Some("cl_unheard_of")), claims(), None),
        (header(Some("at+jwt"), None), claims(), Some("oauth")),
        (header(Some("application/at+jwt"), None), claims(), Some("oauth")),
        (header(Some("AT+JWT"), None), claims(), None),
        (header(Some("at+jwt"), None), machine.clone(), None),
        (header(Some("JWT"), Some(m2m)), machine.clone(), Some("machine")),
        (header(Some("JWT"), None), machine.clone(), Some("machine")),
        (header(Some("JWT"), Some(session)), machine.clone(), None),
        (header(Some("JWT"), Some(template)), machine, None),
        // An id_token of Clerk's OIDC is for a client, not for an API.
        (header(Some("JWT"), None), with("aud", "client_1"), None),
    ];
    for (header, claims, door) in cases {
        let token = api.key.sign_with(&header, &claims);
        for path in ["session", "oauth", "machine", "key"] {
            let status = get_with(&api.app, &format!("/{path}"), &token).await.status;
            assert_eq!(status, if door == Some(path) { 200 } else { 401 }, "{header} {claims} at {path}");
        }
        let any = get_with(&api.app, "/any", &token).await.status;
        assert_eq!(any, if door.is_some() { 200 } else { 401 }, "{header} {claims}");
    }
    assert_eq!(api.backend.calls(), 0);
}

#[tokio::test]
async fn family_6_claims_are_what_they_must_be() {
    let api = api().await;
    for (name, value, reason) in [
        ("sub", json!(""), "token-verification-failed"),
        ("sub", json!(7), "token-verification-failed"),
        ("sid", json!(null), "token-verification-failed"),
        ("azp", json!(null), "token-invalid-authorized-parties"),
        ("azp", json!([PAGE]), "token-invalid-authorized-parties"),
        ("azp", json!("https://foo.com/"), "token-invalid-authorized-parties"),
        ("azp", json!("https://FOO.com"), "token-invalid-authorized-parties"),
        ("azp", json!("https://foo.com.evil.example"), "token-invalid-authorized-parties"),
        ("iss", json!("http://clerk.foo.com"), "token-invalid-issuer"),
        ("iss", json!("https://clerk.foo.com/"), "token-invalid-issuer"),
        ("iss", json!([ISSUER]), "token-invalid-issuer"),
        ("aud", json!("somebody"), "token-verification-failed"),
        ("aud", json!({}), "token-verification-failed"),
        ("sts", json!("pending"), "session-pending"),
    ] {
        assert_eq!(
            api.ask(&api.key.sign(&with(name, value.clone()))).await,
            refused(reason),
            "{name} {value}"
        );
    }
    // Claims that a template or a person can choose grant nothing, and break nothing.
    let app = routes().route("/admin", route(|| async {}).route_layer(Require::role("admin")));
    let keys = KeySet::from_jwks(api.key.jwks().as_bytes()).unwrap();
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let app = app.layer(AuthLayer::new(Verifier::new(policy, keys).clock(ManualClock::at(NOW))));
    for (name, value) in [
        ("org_role", json!("org:admin")),
        ("o", json!("admin")),
        ("o", json!({ "rol": "admin" })),
        ("o", json!({ "id": "", "rol": "admin" })),
        ("role", json!("admin")),
    ] {
        let mut claims = with(name, value.clone());
        claims["org_id"] = json!("org_1");
        claims["fea"] = json!("dashboard");
        assert_eq!(get_with(&app, "/admin", &api.key.sign(&claims)).await.status, 403, "{name} {value}");
    }
}

#[tokio::test]
async fn family_7_there_is_one_way_to_write_a_token() {
    let api = api().await;
    let good = api.good();
    let parts: Vec<&str> = good.split('.').collect();
    let deep = format!(r#"{{"alg":"RS256","kid":"ins_1","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    let twice = claims().to_string().replacen('{', r#"{"sub":"user_root","#, 1);
    let header = api.key.header().to_string();
    for token in [
        format!("{good}="),
        format!("{good}."),
        format!("{good}.{good}"),
        format!(".{}.{}", parts[1], parts[2]),
        parts[0].to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        "...".into(),
        "bnVsbA.e30.AA".into(),
        "W10.e30.AA".into(),
        format!("{}.AA.{}", parts[0], parts[2]),
        api.key.sign_text(&deep, &claims().to_string()),
        api.key.sign_text(&header, &twice),
        api.key.sign_text(&header, &format!("\u{feff}{}", claims())),
        api.key.sign_text(&header, &format!("{} {{}}", claims())),
        api.key.sign_with(&api.header("crit", json!([])), &claims()),
        api.key.sign_with(&api.header("crit", json!(["b64"])), &claims()),
        "x".repeat(8192),
        api.key.sign(&with("padding", "x".repeat(100_000))),
    ] {
        assert_eq!(api.ask(&token).await, refused("token-invalid"), "{}", &token[..token.len().min(80)]);
    }
    for bad in [
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        good.replacen('.', "\t.", 1),
        good.replacen('.', " .", 1),
        format!("{{\"payload\":\"{}\"}}", parts[1]),
    ] {
        assert_eq!(get_with(&api.app, "/session", &bad).await.status, 400);
    }
    assert_eq!(api.ask(&good).await.0, 200);
}

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

#[tokio::test]
async fn family_11_an_hour_without_keys_loses_no_request() {
    let api = api().await;
    assert_eq!(api.ask(&api.good()).await.0, 200);
    api.jwks.fail(500);
    api.jwks.delay(Duration::ZERO);
    for minute in 0..60 {
        api.clock.advance(Duration::from_secs(60));
        assert_eq!(api.ask(&api.good()).await.0, 200, "minute {minute}");
        let forged = SigningKey::new("ins_unknown").sign(&claims());
        assert_ne!(api.ask(&forged).await.0, 200);
        tokio::task::yield_now().await;
    }
    api.jwks.publish(api.key.jwks());
    api.clock.advance(Duration::from_secs(60));
    assert_eq!(api.ask(&api.good()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn family_11_forged_tokens_hold_up_nobody_while_there_are_no_keys() {
    let api = api().await;
    api.jwks.fail(503);
    let forged = SigningKey::new("ins_1").sign(&claims());
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let (app, token) = (api.app.clone(), forged.clone());
            tokio::spawn(async move { get_with(&app, "/session", &token).await.refusal() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), (503, "jwk-remote-failed-to-load".into()));
    }
    assert_eq!(api.jwks.fetches(), 1);
    // Who goes away in the middle of a fetch leaves the others what they wait for.
    api.jwks.publish(api.key.jwks());
    api.jwks.delay(Duration::from_millis(200));
    api.clock.advance(Duration::from_secs(1));
    let (app, token) = (api.app.clone(), api.good());
    let gone = tokio::time::timeout(Duration::from_millis(20), get_with(&app, "/session", &token)).await;
    assert!(gone.is_err());
    assert_eq!(api.ask(&api.good()).await.0, 200);
    assert_eq!(api.jwks.fetches(), 2);
}

#[tokio::test]
async fn family_12_one_instances_token_is_nothing_to_another() {
    let (one, two) = (api().await, api().await);
    assert_eq!(one.ask(&one.good()).await.0, 200);
    assert_eq!(two.ask(&two.good()).await.0, 200);
    // Both call their key `ins_1`, and their issuer alike: only the key itself tells them apart.
    assert_eq!(one.ask(&two.good()).await, refused("token-invalid-signature"));
    assert_eq!(two.ask(&one.good()).await, refused("token-invalid-signature"));
    let app = Router::new().merge(Router::new().nest("/one", one.app.clone())).nest("/two", two.app.clone());
    assert_eq!(get_with(&app, "/one/session", &one.good()).await.status, 200);
    assert_eq!(get_with(&app, "/two/session", &one.good()).await.status, 401);
    let stranger = one.key.sign(&with("iss", "https://clerk.bar.com"));
    assert_eq!(one.ask(&stranger).await, refused("token-invalid-issuer"));
    let name = HeaderName::from_static("x-clerk-issuer");
    let token = format!("Bearer {stranger}");
    let headers = [("authorization", token.as_str()), (name.as_str(), ISSUER)];
    assert_eq!(get(&one.app, "/session", &headers).await.status, 401, "the request has no say in it");
}
