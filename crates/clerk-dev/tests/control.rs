//! The control port: who gets in, and what it sets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use support::{ADA, APP, GRACE, Server, claims, code, host, touch};

const CALLS: [(Method, &str); 5] = [
    (Method::GET, "/state"),
    (Method::PATCH, "/settings"),
    (Method::POST, "/faults"),
    (Method::POST, "/reset"),
    (Method::GET, "/not/there"),
];

#[tokio::test]
async fn no_call_is_answered_without_the_secret() {
    let server = Server::start().await;
    let control = &server.control;
    assert_eq!(control.secret.len(), 64);
    let wrong = "0".repeat(64);
    for (method, path) in CALLS {
        let bare = || control.bare(method.clone(), path).json(&json!({ "status": 500 }));
        let lower = bare().header("authorization", format!("bearer {}", control.secret));
        let twice = bare().bearer_auth(&control.secret).bearer_auth(&control.secret);
        let short = bare().bearer_auth(&control.secret[..63]);
        let in_url = control.bare(method.clone(), &format!("{path}?secret={}", control.secret));
        for request in
            [bare(), bare().bearer_auth(""), bare().bearer_auth(&wrong), lower, twice, short, in_url]
        {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{method} {path}");
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            let answer: Value = response.json().await.unwrap();
            assert_eq!(answer["error"]["code"], "secret_wrong");
        }
    }
    assert_eq!(control.state().await["faults"], json!([]), "nothing was done");
}

#[tokio::test]
async fn no_page_gets_in_not_even_with_the_secret() {
    let server = Server::start().await;
    let control = &server.control;
    for origin in [APP, "null", "http://evil.example", &control.url] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let request =
                control.bare(method, "/state").bearer_auth(&control.secret).header("origin", origin);
            let response = request.header("access-control-request-method", "POST").send().await.unwrap();
            assert_eq!(response.status(), 403, "{origin}");
            let allowing = response.headers().keys().any(|name| name.as_str().starts_with("access-control"));
            assert!(!allowing, "{origin}");
        }
    }
    let rebound = host(control.bare(Method::GET, "/state").bearer_auth(&control.secret), "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), 421);
}

#[tokio::test]
async fn the_secret_does_not_open_the_app_nor_is_the_control_port_there() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let request = browser.request(Method::GET, "/state").bearer_auth(&server.control.secret);
    assert_eq!(browser.send(request).await.0, 404);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone_and_each_start_makes_another_secret() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Server::start().await;
    let file = server.folder.path().join("data/control.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let address = server.control.url.strip_prefix("http://").unwrap().parse().unwrap();
    let _ = server.dev.control(address).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&server.control.url) && !text.contains(&server.control.secret), "{text}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_life_of_tokens_changes_from_the_next_one_on() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    assert_eq!(server.control.set(json!({ "tokenLifeSeconds": 3 })).await["tokenLifeSeconds"], 3);
    let (_, claims) = touch(&mut browser, &session, &[]).await;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3);
    for body in [json!({ "tokenLifeSeconds": 0 }), json!({ "tokenLife": 3 }), json!([])] {
        let (status, answer) = server.control.send(Method::PATCH, "/settings", Some(body)).await;
        assert_eq!((status, &answer["error"]["code"]), (422, &json!("request_wrong")));
    }
    assert_eq!(server.control.state().await["tokenLifeSeconds"], 3);
}

#[tokio::test]
async fn the_clock_moves_for_tokens_and_sessions() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let now = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    for ahead in [120, -120, 0] {
        server.control.set(json!({ "clockAheadSeconds": ahead })).await;
        let (_, claims) = touch(&mut browser, &session, &[]).await;
        let off = claims["iat"].as_i64().unwrap() - now();
        assert!((ahead - 5..=ahead + 5).contains(&off), "{off}");
    }
    server.control.set(json!({ "clockAheadSeconds": 8 * 24 * 3600 })).await;
    let (status, _) = browser.post(&format!("/v1/client/sessions/{session}/tokens"), &[]).await;
    assert_eq!(status, 401, "a session lasts a week");
}

#[tokio::test]
async fn a_revoked_session_is_over_at_its_next_call() {
    let server = Server::start_with(|settings| settings.several_sessions = true).await;
    let mut browser = server.browser();
    let ada = browser.sign_in().await;
    let grace = browser.sign_in_as(GRACE).await;
    let mut other = server.browser();
    let elsewhere = other.sign_in().await;

    let sessions = server.control.state().await["sessions"].clone();
    let ids: Vec<_> = sessions.as_array().unwrap().iter().map(|session| &session["id"]).collect();
    assert_eq!(ids.len(), 3);
    assert!([&ada, &grace, &elsewhere].iter().all(|id| ids.contains(&&json!(id))), "{sessions}");

    let answer = server.control.post("/sessions/revoke", json!({ "session": grace })).await;
    assert_eq!(answer, json!({ "revoked": [grace] }));
    let (status, answer) = browser.post(&format!("/v1/client/sessions/{grace}/tokens"), &[]).await;
    assert_eq!((status, code(&answer)), (401, "signed_out"));
    touch(&mut browser, &ada, &[]).await;

    let revoked = server.control.post("/sessions/revoke", json!({ "person": ADA.0 })).await;
    assert_eq!(revoked["revoked"].as_array().unwrap().len(), 2);
    assert_eq!(browser.get("/v1/client").await.1["response"]["sessions"], json!([]));
    assert_eq!(other.get("/v1/client").await.1["response"]["sessions"], json!([]));
    for (body, wanted) in [
        (json!({ "session": ada }), 404),
        (json!({ "person": "nobody@example.com" }), 404),
        (json!({ "somebody": 1 }), 422),
    ] {
        assert_eq!(server.control.send(Method::POST, "/sessions/revoke", Some(body)).await.0, wanted);
    }
}

#[tokio::test]
async fn a_reset_leaves_nothing_of_what_was_asked_for() {
    let server = Server::start().await;
    let before = server.control.state().await;
    let mut browser = server.browser();
    browser.sign_in().await;
    server
        .control
        .set(json!({ "tokenLifeSeconds": 5, "clockAheadSeconds": -300, "severalSessions": true }))
        .await;
    let template = json!({ "claims": {} });
    server.control.send(Method::PUT, "/templates/mine", Some(template)).await;
    server.control.post("/faults", json!({ "status": 500, "times": 9 })).await;
    assert_ne!(server.control.state().await, before);

    let (status, after) = server.control.send(Method::POST, "/reset", None).await;
    assert_eq!((status, after), (200, before));
    let session = browser.sign_in().await;
    assert_eq!(
        claims(&touch(&mut browser, &session, &[]).await.0["response"]["last_active_token"]["jwt"])["sid"],
        json!(session)
    );
}
