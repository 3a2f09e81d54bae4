//! What goes wrong when it is asked to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::Response;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Browser, Control, Server, code};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::ServiceExt as _;

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

/// Sends a request by hand, and reads whatever comes until the connection ends.
async fn raw(server: &Server) -> Vec<u8> {
    let address = server.base.strip_prefix("http://").unwrap().strip_suffix("/__clerk").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /__clerk/v1/client HTTP/1.1\r\nhost: localhost:8080\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut all = Vec::new();
    // An end by reset is an end too.
    let _ = stream.read_to_end(&mut all).await;
    all
}

#[tokio::test]
async fn a_dropped_connection_ends_without_a_byte() {
    let server = Server::start().await;
    server.control.post("/faults", json!({ "path": "/v1/client", "drop": true })).await;
    assert_eq!(raw(&server).await, b"");
    assert_eq!(server.browser().get("/v1/client").await.0, 200, "others go on");
}

/// The routes without a connection, so that time can be the test's.
struct Direct {
    app: Router,
    control: Router,
    secret: String,
}

impl Direct {
    /// Stops the clock.
    fn of(server: &Server) -> Self {
        let control = server.dev.control("127.0.0.1:1".parse().unwrap()).unwrap();
        let secret = Control::of(&server.folder.path().join("data")).secret;
        tokio::time::pause();
        Self { app: server.dev.router(), control, secret }
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {}", self.secret))
            .header("content-type", "application/json");
        json_of(
            self.control.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap(),
        )
        .await
    }

    fn client(&self, browser: &Browser) -> impl Future<Output = Response> + use<> {
        let request = Request::get("/__clerk/v1/client")
            .header("host", "localhost:8080")
            .header("cookie", browser.cookie.clone().unwrap());
        let answer = self.app.clone().oneshot(request.body(Body::empty()).unwrap());
        async move { answer.await.unwrap() }
    }
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_late_answer_tells_what_was_when_it_was_asked() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let direct = Direct::of(&server);
    direct.control("POST", "/faults", json!({ "path": "/v1/client", "delayMillis": 3_000 })).await;

    let started = Instant::now();
    let late = tokio::spawn(direct.client(&browser));
    while direct.control("GET", "/state", json!({})).await["faults"] != json!([]) {
        tokio::task::yield_now().await;
    }
    direct.control("POST", "/sessions/revoke", json!({ "session": session })).await;
    let late = json_of(late.await.unwrap()).await;
    let waited = started.elapsed().as_millis();
    assert!((3_000..3_100).contains(&waited), "{waited}");
    assert_eq!(late["response"]["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(json_of(direct.client(&browser).await).await["response"]["sessions"], json!([]));
}

#[tokio::test]
async fn what_hangs_hangs_and_others_go_on() {
    let server = Server::start().await;
    let mut browser = server.browser();
    browser.sign_in().await;
    let direct = Direct::of(&server);
    direct.control("POST", "/faults", json!({ "path": "/v1/client", "hang": true })).await;
    let hour = Duration::from_secs(3_600);
    assert!(tokio::time::timeout(hour, direct.client(&browser)).await.is_err());
    assert_eq!(direct.client(&browser).await.status(), 200);
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
