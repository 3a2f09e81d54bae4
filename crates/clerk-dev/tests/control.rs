//! The control port: who gets in, and what it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use support::{ADA, APP, GRACE, Server, claims, code, host, touch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
async fn the_next_answers_of_a_path_go_wrong_and_no_others() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let tokens = format!("/v1/client/sessions/{session}/tokens");
    for (status, usual) in [
        (401, "authentication_invalid"),
        (404, "resource_not_found"),
        (429, "too_many_requests"),
        (500, "internal_clerk_error"),
        (503, "internal_clerk_error"),
    ] {
        let fault = json!({
            "path": "/v1/client/sessions/*/tokens", "method": "POST", "times": 2, "status": status, "retryAfter": 7,
        });
        server.control.post("/faults", fault).await;
        assert_eq!(browser.get("/v1/client").await.0, 200);
        for _ in 0..2 {
            let response = browser.request(Method::POST, &tokens).send().await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["retry-after"], "7");
            let answer: Value = response.json().await.unwrap();
            assert_eq!(code(&answer), usual);
        }
        assert_eq!(browser.post(&tokens, &[]).await.0, 200);
    }
}

#[tokio::test]
async fn all_paths_can_fail_until_told_otherwise() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    let fault = json!({ "times": 1_000, "status": 503, "code": "maintenance", "retryAfter": date });
    server.control.post("/faults", fault).await;
    for path in ["/v1/client", "/v1/environment", "/.well-known/jwks.json", "/not/there"] {
        let response = browser.request(Method::GET, path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &date.parse().unwrap())
        );
        assert_eq!(code(&response.json().await.unwrap()), "maintenance");
    }
    assert_eq!(server.control.state().await["faults"][0]["times"], 996);
    let (_, state) = server.control.send(Method::DELETE, "/faults", None).await;
    assert_eq!(state["faults"], json!([]));
    assert_eq!(browser.get("/v1/client").await.0, 200);
}

#[tokio::test]
async fn what_the_guard_refuses_uses_no_fault_up() {
    let server = Server::start().await;
    server.control.post("/faults", json!({ "status": 500 })).await;
    let mut browser = server.browser();
    let stranger = browser.bare(Method::GET, "/v1/client");
    assert_eq!(browser.send(stranger).await.0, 421);
    assert_eq!(browser.get("/v1/client").await.0, 500);
}

#[tokio::test]
async fn a_body_of_ones_own_comes_in_place_of_the_answer() {
    let server = Server::start().await;
    let browser = server.browser();
    server.control.post("/faults", json!({ "path": "/v1/client", "body": "{\"response\":" })).await;
    let response = browser.request(Method::GET, "/v1/client").send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (reqwest::StatusCode::OK, &"application/json".parse().unwrap())
    );
    assert_eq!(response.text().await.unwrap(), "{\"response\":");
}

#[tokio::test]
async fn a_late_answer_tells_what_was_when_it_was_asked() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    server.control.post("/faults", json!({ "path": "/v1/client", "delayMillis": 500 })).await;
    let mut late = browser.clone();
    let started = Instant::now();
    let late = tokio::spawn(async move { late.get("/v1/client").await });
    while server.control.state().await["faults"] != json!([]) {}
    server.control.post("/sessions/revoke", json!({ "session": session })).await;
    let (_, answer) = late.await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(500));
    assert_eq!(answer["response"]["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(browser.get("/v1/client").await.1["response"]["sessions"], json!([]));
}

/// Sends a request by hand, and reads whatever comes until the connection ends, within a limit.
async fn raw(server: &Server, limit: Duration) -> Option<Vec<u8>> {
    let address = server.base.strip_prefix("http://").unwrap().strip_suffix("/__clerk").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /__clerk/v1/client HTTP/1.1\r\nhost: localhost:8080\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(limit, stream.read_to_end(&mut all)).await.ok().map(|read| {
        // An end by reset is an end too.
        let _ = read;
        all
    })
}

#[tokio::test]
async fn a_dropped_connection_ends_without_a_byte_and_a_hanging_one_does_not_end() {
    let server = Server::start().await;
    server.control.post("/faults", json!({ "path": "/v1/client", "drop": true })).await;
    let received = raw(&server, Duration::from_secs(10)).await;
    assert_eq!(received.as_deref(), Some(&b""[..]));
    server.control.post("/faults", json!({ "path": "/v1/client", "hang": true })).await;
    assert_eq!(raw(&server, Duration::from_millis(300)).await, None);
    assert_eq!(server.browser().get("/v1/client").await.0, 200, "others go on");
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let server = Server::start().await;
    for fault in
        [json!({}), json!({ "path": "v1", "status": 500 }), json!({ "status": 99 }), json!({ "stats": 1 })]
    {
        let (status, answer) = server.control.send(Method::POST, "/faults", Some(fault)).await;
        assert_eq!((status, &answer["error"]["code"]), (422, &json!("request_wrong")), "{answer}");
    }
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
