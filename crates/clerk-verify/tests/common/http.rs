//! One request to a router, and a refusal's form.
#![allow(dead_code, missing_docs)]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

pub async fn send(app: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

pub async fn get(app: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(app, Method::GET, path, headers).await
}

pub async fn get_with(app: &Router, path: &str, token: &str) -> Answer {
    get(app, path, &[("authorization", &format!("Bearer {token}"))]).await
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn challenge(&self) -> &str {
        self.header("www-authenticate").unwrap_or("")
    }

    /// The problem, whose form is checked on the way.
    pub fn problem(&self) -> Value {
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("private, no-store"));
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], "about:blank");
        let status = StatusCode::from_u16(self.status).unwrap();
        assert_eq!(problem["title"], status.canonical_reason().unwrap());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        problem
    }

    /// Status and reason of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.problem()["reason"].as_str().unwrap().to_owned())
    }
}
