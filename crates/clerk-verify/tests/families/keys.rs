//! Where keys come from: what a token names, how often they are fetched, outages, other instances.

use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderName;
use serde_json::json;

use crate::common::api::api;
use crate::common::http::{get, get_with};
use crate::common::{ISSUER, SigningKey, claims, with};
use crate::{base64url, refused};

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
async fn family_11_an_hour_without_keys_loses_no_request() {
    let api = api().await;
    assert_eq!(api.ask(&api.good()).await.0, 200);
    api.jwks.fail(500);
    api.jwks.delay(Duration::ZERO);
    let unknown = SigningKey::new("ins_unknown");
    for minute in 0..60 {
        api.clock.advance(Duration::from_secs(60));
        assert_eq!(api.ask(&api.good()).await.0, 200, "minute {minute}");
        assert_ne!(api.ask(&unknown.sign(&claims())).await.0, 200);
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
