//! A Backend API that answers by what the token contains, as the vectors' README has it.
#![allow(dead_code, missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

#[derive(Clone)]
pub struct BackendServer {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    state: Mutex<Set>,
}

struct Set {
    delay: Duration,
    /// Instead of what the token says.
    answer: Option<(u16, String)>,
    seen: Vec<(String, HeaderMap, Value)>,
}

impl BackendServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let set = Set { delay: Duration::ZERO, answer: None, seen: Vec::new() };
        let zero = || AtomicUsize::new(0);
        let inner =
            Inner { calls: zero(), in_flight: zero(), most_in_flight: zero(), state: Mutex::new(set) };
        let server = Self { url, inner: Arc::new(inner) };
        let app = Router::new().fallback(respond).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    pub fn calls(&self) -> usize {
        self.inner.calls.load(Ordering::SeqCst)
    }

    pub fn most_in_flight(&self) -> usize {
        self.inner.most_in_flight.load(Ordering::SeqCst)
    }

    pub fn delay(&self, delay: Duration) {
        self.inner.state.lock().unwrap().delay = delay;
    }

    pub fn answer(&self, status: u16, body: impl Into<String>) {
        self.inner.state.lock().unwrap().answer = Some((status, body.into()));
    }

    pub fn by_token(&self) {
        self.inner.state.lock().unwrap().answer = None;
    }

    /// Path, headers and body of the last request.
    pub fn last(&self) -> (String, HeaderMap, Value) {
        self.inner.state.lock().unwrap().seen.last().unwrap().clone()
    }
}

async fn respond(State(server): State<BackendServer>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let inner = &server.inner;
    inner.calls.fetch_add(1, Ordering::SeqCst);
    let now = inner.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    inner.most_in_flight.fetch_max(now, Ordering::SeqCst);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (delay, fixed) = {
        let mut set = inner.state.lock().unwrap();
        set.seen.push((uri.path().to_owned(), headers, body.clone()));
        (set.delay, set.answer.clone())
    };
    tokio::time::sleep(delay).await;
    inner.in_flight.fetch_sub(1, Ordering::SeqCst);
    if let Some((status, body)) = fixed {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let (member, object) = match uri.path() {
        "/oauth_applications/access_tokens/verify" => ("access_token", "clerk_idp_oauth_access_token"),
        "/m2m_tokens/verify" => ("token", "machine_to_machine_token"),
        "/api_keys/verify" => ("secret", "api_key"),
        _ => return StatusCode::IM_A_TEAPOT.into_response(),
    };
    match body[member].as_str() {
        Some(token) => by_token(token, object),
        None => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

fn by_token(token: &str, object: &str) -> Response {
    let errors = [("notfound", 404), ("e401", 401), ("e429", 429), ("e500", 500)];
    if let Some((_, status)) = errors.into_iter().find(|(word, _)| token.contains(word)) {
        let status = StatusCode::from_u16(status).unwrap();
        let body = json!({ "errors": [{ "message": "secret-from-the-backend", "code": "x" }] }).to_string();
        let retry = (status == StatusCode::TOO_MANY_REQUESTS).then_some([(header::RETRY_AFTER, "7")]);
        return (status, retry, JSON, body).into_response();
    }
    let (subject, scope) = match object == "machine_to_machine_token" {
        true => ("mch_1", "mch_2"),
        false if token.contains("org") => ("org_1", "read:foo"),
        false => ("user_1", "read:foo"),
    };
    let body = json!({
        "object": object, "id": "token_1", "subject": subject, "scopes": [scope], "name": "ci", "type": object,
        "client_id": "client_1", "revoked": token.contains("revoked"), "expired": token.contains("expired"),
        "expiration": null,
    });
    (JSON, body.to_string()).into_response()
}
