//! Tokens for others than people in a browser: issued and revoked by the control port, verified as Clerk's
//! Backend API does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::{JwtHeader, TokenKind};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{ADA, APP, Answer, Server, claims, code, host};

/// Kind, path, and the body's member that holds the token.
const CALLS: [(&str, &str, &str); 3] = [
    ("oauth", "/oauth_applications/access_tokens/verify", "access_token"),
    ("m2m", "/m2m_tokens/verify", "token"),
    ("api-key", "/api_keys/verify", "secret"),
];

const MACHINE: &str = "mch_00000000000BackgroundWorker";

fn bare(server: &Server, path: &str) -> RequestBuilder {
    server.browser().http.request(Method::POST, format!("{}{path}", server.backend()))
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn verify(server: &Server, kind: &str, token: &Value) -> Answer {
    let (_, path, member) = CALLS.into_iter().find(|(name, ..)| *name == kind).unwrap();
    let key = server.dev.secret_key().as_str();
    answer(bare(server, path).bearer_auth(key).json(&json!({ member: token }))).await
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn header(token: &Value) -> JwtHeader {
    let part = token.as_str().unwrap().split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn an_oauth_token_says_whom_it_acts_for() {
    let server = Server::start().await;
    let order = json!({
        "kind": "oauth", "subject": ADA.0, "scopes": ["reports:read", "email"], "expiresInSeconds": 60,
        "audience": ["https://api.foo.com"], "clientId": "client_mine",
    });
    let issued = server.control.issue(order).await;
    assert!(issued["token"].as_str().unwrap().starts_with("oat_"), "{issued}");
    let (status, answer) = verify(&server, "oauth", &issued["token"]).await;
    assert_eq!(status, 200, "{answer}");
    let created = answer["created_at"].as_i64().unwrap();
    assert!((now() - 5..=now()).contains(&created), "seconds: {created}");
    let wanted = json!({
        "object": "clerk_idp_oauth_access_token", "type": "oauth:access_token", "id": issued["id"],
        "client_id": "client_mine", "subject": server.dev.people()[0].id(), "scopes": ["reports:read", "email"],
        "aud": ["https://api.foo.com"], "revoked": false, "revocation_reason": null, "expired": false,
        "expiration": created + 60, "created_at": created, "updated_at": created,
    });
    assert_eq!(answer, wanted);
}

#[tokio::test]
async fn a_machines_token_and_an_api_key_say_their_claims() {
    let server = Server::start().await;
    let order = json!({ "kind": "m2m", "scopes": ["mch_other"], "claims": { "team": 7 } });
    let issued = server.control.issue(order).await;
    assert!(issued["token"].as_str().unwrap().starts_with("mt_"));
    let (_, answer) = verify(&server, "m2m", &issued["token"]).await;
    let created = answer["created_at"].as_i64().unwrap();
    assert!((now() - 5..=now()).contains(&(created / 1_000)), "milliseconds: {created}");
    let wanted = json!({
        "object": "machine_to_machine_token", "id": issued["id"], "subject": MACHINE, "scopes": ["mch_other"],
        "claims": { "team": 7 }, "revoked": false, "revocation_reason": null, "expired": false,
        "expiration": null, "created_at": created, "updated_at": created,
    });
    assert_eq!(answer, wanted);

    let order = json!({ "kind": "api-key", "subject": "org_1", "name": "ci", "expiresInSeconds": 9 });
    let issued = server.control.issue(order).await;
    assert!(issued["token"].as_str().unwrap().starts_with("ak_"));
    let (_, answer) = verify(&server, "api-key", &issued["token"]).await;
    let created = answer["created_at"].as_i64().unwrap();
    let wanted = json!({
        "object": "api_key", "type": "api_key", "id": issued["id"], "name": "ci", "subject": "org_1", "scopes": [],
        "claims": null, "revoked": false, "revocation_reason": null, "expired": false,
        "expiration": created + 9_000, "created_by": null, "description": null, "last_used_at": null,
        "created_at": created, "updated_at": created,
    });
    assert_eq!(answer, wanted);
}

#[tokio::test]
async fn jwts_are_of_the_kinds_that_they_were_ordered_as() {
    let server = Server::start().await;
    let order = json!({ "kind": "oauth", "format": "jwt", "scopes": ["a", "b"], "expiresInSeconds": 60 });
    let oauth = server.control.issue(order).await["token"].clone();
    let said = claims(&oauth);
    assert_eq!(TokenKind::of_jwt(&header(&oauth), said["sub"].as_str().unwrap()), Some(TokenKind::OAuth));
    assert_eq!((&said["scope"], &said["sub"]), (&json!("a b"), &json!(server.dev.people()[0].id())));
    assert_eq!(said["iss"], server.dev.issuer());
    assert!(said["client_id"].as_str().unwrap().starts_with("client_") && said.get("aud").is_none());
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 60);

    let order = json!({
        "kind": "m2m", "format": "jwt", "subject": "mch_mine", "scopes": ["mch_a", "mch_b"],
        "claims": { "team": 7, "sub": "user_root" },
    });
    let machine = server.control.issue(order).await["token"].clone();
    let said = claims(&machine);
    assert_eq!(TokenKind::of_jwt(&header(&machine), said["sub"].as_str().unwrap()), Some(TokenKind::M2M));
    assert_eq!(header(&machine).cat.as_deref(), TokenKind::M2M.category());
    assert_eq!((&said["scopes"], &said["team"]), (&json!("mch_a mch_b"), &json!(7)));
    assert_eq!(said["sub"], "mch_mine", "a claim of one's own names no other subject");

    let late = json!({ "kind": "oauth", "format": "jwt", "expiresInSeconds": -30 });
    let said = claims(&server.control.issue(late).await["token"]);
    assert!(said["exp"].as_i64().unwrap() <= now() - 29 && said["iat"].as_i64() < said["exp"].as_i64());
}

#[tokio::test]
async fn what_does_not_count_is_not_found() {
    let server = Server::start().await;
    let messages = [
        ("oauth", "OAuth token not found"),
        ("m2m", "Machine token not found"),
        ("api-key", "API key not found"),
    ];
    for (kind, message) in messages {
        let issued = server.control.issue(json!({ "kind": kind })).await;
        let expired = server.control.issue(json!({ "kind": kind, "expiresInSeconds": -1 })).await;
        assert_eq!(verify(&server, kind, &issued["token"]).await.0, 200);
        for (other, ..) in CALLS.into_iter().filter(|(name, ..)| *name != kind) {
            assert_eq!(verify(&server, other, &issued["token"]).await.0, 404, "{kind} as {other}");
        }
        let by = if kind == "m2m" { &issued["id"] } else { &issued["token"] };
        let revoked = server.control.post("/tokens/revoke", json!({ "token": by, "reason": "lost" })).await;
        assert_eq!((&revoked["id"], &revoked["revoked"]), (&issued["id"], &json!(true)));
        assert_eq!(revoked["revocationReason"], "lost");
        for token in [&issued["token"], &expired["token"], &issued["id"], &json!("ak_never"), &json!("")] {
            let (status, answer) = verify(&server, kind, token).await;
            assert_eq!((status, code(&answer)), (404, "resource_not_found"));
            assert_eq!(answer["errors"][0]["message"], message);
        }
    }
}

#[tokio::test]
async fn time_ends_a_token() {
    let server = Server::start().await;
    let issued = server.control.issue(json!({ "kind": "oauth", "expiresInSeconds": 60 })).await;
    server.control.set(json!({ "clockAheadSeconds": 59 })).await;
    assert_eq!(verify(&server, "oauth", &issued["token"]).await.0, 200);
    server.control.set(json!({ "clockAheadSeconds": 61 })).await;
    assert_eq!(verify(&server, "oauth", &issued["token"]).await.0, 404);
}

#[tokio::test]
async fn only_a_secret_key_opens_it_and_no_page_does() {
    let server = Server::start().await;
    let issued = server.control.issue(json!({ "kind": "m2m" })).await;
    let body = json!({ "token": issued["token"], "secret": issued["token"] });
    let machine = server.dev.machine_secret_key().as_str();
    let instance = server.dev.secret_key().as_str();
    assert!(instance.starts_with("sk_test_") && machine.starts_with("ak_"));
    let call = |path: &str| bare(&server, path).json(&body);
    for key in [instance, machine] {
        assert_eq!(answer(call("/m2m_tokens/verify").bearer_auth(key)).await.0, 200);
        assert_eq!(answer(call("/v1/m2m_tokens/verify").bearer_auth(key)).await.0, 200);
    }
    let last = if instance.ends_with('x') { 'y' } else { 'x' };
    let wrong = format!("{}{last}", &instance[..instance.len() - 1]);
    let refused = [
        call("/m2m_tokens/verify"),
        call("/m2m_tokens/verify").bearer_auth(&wrong),
        call("/m2m_tokens/verify").bearer_auth(&server.control.secret),
        call("/api_keys/verify").bearer_auth(machine),
        call("/not/there"),
    ];
    for request in refused {
        let (status, answer) = answer(request).await;
        assert_eq!((status, code(&answer)), (401, "clerk_key_invalid"));
    }
    for origin in [APP, "null"] {
        let request = call("/m2m_tokens/verify").bearer_auth(instance).header("origin", origin);
        assert_eq!(answer(request).await.0, 403);
    }
    let rebound = host(call("/m2m_tokens/verify").bearer_auth(instance), "evil.example");
    assert_eq!(answer(rebound).await.0, 421);

    let mut through_the_app = server.browser();
    let request = through_the_app.request(Method::POST, "/backend/m2m_tokens/verify").bearer_auth(instance);
    assert_eq!(through_the_app.send(request).await.0, 404);
}

#[tokio::test]
async fn a_body_without_a_token_is_told_from_a_token_that_is_not_there() {
    let server = Server::start().await;
    let key = server.dev.secret_key().as_str();
    for (_, path, member) in CALLS {
        for body in ["", "{", "[]", "{}", r#"{"token":1,"secret":1,"access_token":1}"#] {
            let request = bare(&server, path).bearer_auth(key).header("content-type", "application/json");
            let (status, answer) = answer(request.body(body)).await;
            assert_eq!((status, code(&answer)), (422, "form_param_missing"), "{path} {body}");
            assert_eq!(answer["errors"][0]["meta"]["param_name"], member);
        }
    }
    let keys = server.browser().http.get(format!("{}/v1/jwks", server.backend())).bearer_auth(key);
    let (status, keys) = answer(keys).await;
    assert_eq!((status, &keys["keys"][0]["kty"]), (200, &json!("RSA")));
}

#[tokio::test]
async fn the_backend_api_fails_when_told_to() {
    let server = Server::start().await;
    let issued = server.control.issue(json!({ "kind": "api-key" })).await;
    for status in [404, 401, 429, 500, 503] {
        let fault = json!({ "path": "/api_keys/verify", "status": status, "retryAfter": 3 });
        server.control.post("/faults", fault).await;
        let key = server.dev.secret_key().as_str();
        let request = bare(&server, "/api_keys/verify").json(&json!({ "secret": issued["token"] }));
        let response = request.bearer_auth(key).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (status, &"3".parse().unwrap())
        );
        assert_eq!(response.headers()["content-type"], "application/json", "or the SDK does not read it");
        assert_eq!(verify(&server, "api-key", &issued["token"]).await.0, 200);
    }
}

#[tokio::test]
async fn what_clerk_has_not_either_is_refused() {
    let server = Server::start().await;
    for order in [
        json!({ "kind": "session" }),
        json!({ "kind": "api-key", "format": "jwt" }),
        json!({ "kind": "oauth", "subject": "mch_1" }),
        json!({ "kind": "oauth", "subject": "user_" }),
        json!({ "kind": "m2m", "subject": ADA.0 }),
        json!({ "kind": "m2m", "name": "x" }),
        json!({ "kind": "api-key", "clientId": "x" }),
        json!({ "kind": "oauth", "claims": {} }),
        json!({ "kind": "oauth", "scopes": ["a b"] }),
        json!({ "kind": "oauth", "expiresInSeconds": i64::MAX }),
        json!({ "kind": "oauth", "expires": 1 }),
    ] {
        let (status, answer) = server.control.send(Method::POST, "/tokens", Some(order.clone())).await;
        assert_eq!((status, &answer["error"]["code"]), (422, &json!("request_wrong")), "{order}");
    }
    let jwt = server.control.issue(json!({ "kind": "m2m", "format": "jwt" })).await;
    let body = json!({ "token": jwt["token"] });
    let (status, answer) = server.control.send(Method::POST, "/tokens/revoke", Some(body)).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn tokens_outlive_the_server_and_are_not_in_its_file() {
    let server = Server::start().await;
    let issued = server.control.issue(json!({ "kind": "api-key", "scopes": ["a"] })).await;
    let gone = server.control.issue(json!({ "kind": "api-key" })).await;
    server.control.post("/tokens/revoke", json!({ "token": gone["id"] })).await;
    let data = server.folder.path().join("data");
    for entry in std::fs::read_dir(&data).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(issued["token"].as_str().unwrap()), "{text}");
    }
    let again = Server::start_with(|settings| settings.data_dir = data).await;
    assert_eq!(verify(&again, "api-key", &issued["token"]).await.0, 200);
    assert_eq!(verify(&again, "api-key", &gone["token"]).await.0, 404);
    let (_, all) = again.control.send(Method::GET, "/tokens", None).await;
    assert_eq!(all["tokens"].as_array().unwrap().len(), 2);
    again.control.send(Method::POST, "/reset", None).await;
    assert_eq!(verify(&again, "api-key", &issued["token"]).await.0, 404);
}
