use std::fmt;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why the control port did nothing. Answers as `{"error": {"code", "message"}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ControlError {
    /// No secret, or a wrong one.
    Secret,
    FromAPage,
    AnotherHost,
    NoSuchCall,
    /// What was asked for makes no sense; a sentence that says why.
    Wrong(String),
    /// There is nothing by that name; a sentence that says what is missing.
    NotFound(String),
    Cryptography,
}

impl ControlError {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Secret => (StatusCode::UNAUTHORIZED, "secret_wrong"),
            Self::FromAPage => (StatusCode::FORBIDDEN, "origin_refused"),
            Self::AnotherHost => (StatusCode::MISDIRECTED_REQUEST, "host_refused"),
            Self::NoSuchCall => (StatusCode::NOT_FOUND, "no_such_call"),
            Self::Wrong(_) => (StatusCode::UNPROCESSABLE_ENTITY, "request_wrong"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::Cryptography => (StatusCode::INTERNAL_SERVER_ERROR, "cryptography_failed"),
        }
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "send the secret of control.json in the data folder as Authorization: Bearer …",
            Self::FromAPage => "no page may call this: the request has an Origin",
            Self::AnotherHost => "this port only answers on this machine's own names",
            Self::NoSuchCall => "there is no such call; the README of clerk-dev lists them",
            Self::Wrong(why) | Self::NotFound(why) => why,
            Self::Cryptography => "the system gave no randomness, or no signature could be made",
        })
    }
}

impl From<JsonRejection> for ControlError {
    fn from(rejection: JsonRejection) -> Self {
        Self::Wrong(rejection.body_text())
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let challenge = (status == StatusCode::UNAUTHORIZED).then_some([(WWW_AUTHENTICATE, "Bearer")]);
        let body = json!({ "error": { "code": code, "message": self.to_string() } });
        (status, challenge, Json(body)).into_response()
    }
}
