use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use foo_types::Problem;

use crate::database::QueryFailed;

/// The API's own refusals; those of authentication are `clerk-verify`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such path, or a post that the caller may not know of.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The resource is another person's.
    NotYours,
    /// `limit` is no number from 1 to 100, or something else in the query cannot be read.
    BadPage,
    /// `cursor` is none that the API gave.
    BadCursor,
    /// The body does not say that it is JSON.
    NotJson,
    /// The body is no JSON of the right form.
    BadJson,
    /// The body is longer than 64 kB.
    BodyTooLarge,
    /// The body did not come in ten seconds.
    BodyTooSlow,
    /// The title is empty or too long.
    BadTitle,
    /// The post's body is too long.
    LongBody,
    /// `Idempotency-Key` is empty, too long, or there are several.
    BadIdempotencyKey,
    /// `Idempotency-Key` was used before, with another body.
    IdempotencyMismatch,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// The post has another version than `If-Match` names.
    PreconditionFailed,
    /// The database cannot be written to just now; nothing was done.
    Busy,
    /// The request took too long.
    TimedOut,
    /// Something went wrong here; the log says what.
    Internal,
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NotFound => (S::NOT_FOUND, "not-found", "There is nothing here"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has no such method")
            }
            Self::NotYours => (S::FORBIDDEN, "not-yours", "This resource is another person's"),
            Self::BadPage => (S::BAD_REQUEST, "page-invalid", "The limit must be a number from 1 to 100"),
            Self::BadCursor => (
                S::BAD_REQUEST,
                "cursor-invalid",
                "Begin again without a cursor: this one was not given here",
            ),
            Self::NotJson => (S::UNSUPPORTED_MEDIA_TYPE, "body-not-json", "Send JSON, and say so"),
            Self::BadJson => {
                (S::BAD_REQUEST, "body-invalid", "Send an object with a title and a body, both text")
            }
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body-too-large", "Send at most 64 kB"),
            Self::BodyTooSlow => {
                (S::REQUEST_TIMEOUT, "body-too-slow", "Send the whole request within ten seconds")
            }
            Self::BadTitle => {
                (S::UNPROCESSABLE_ENTITY, "title-invalid", "The title must have 1 to 200 characters")
            }
            Self::LongBody => {
                (S::UNPROCESSABLE_ENTITY, "body-too-long", "The body may have up to 20,000 characters")
            }
            Self::BadIdempotencyKey => (
                S::BAD_REQUEST,
                "idempotency-key-invalid",
                "Send one Idempotency-Key of 1 to 255 visible characters",
            ),
            Self::IdempotencyMismatch => (
                S::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "This Idempotency-Key was used for another request; take a new one for a new request",
            ),
            Self::PreconditionRequired => (
                S::PRECONDITION_REQUIRED,
                "if-match-required",
                "Send If-Match with the ETag of the version that you have read",
            ),
            Self::PreconditionFailed => (
                S::PRECONDITION_FAILED,
                "version-changed",
                "Somebody has changed it since you read it; read it again",
            ),
            Self::Busy => (S::SERVICE_UNAVAILABLE, "busy", "Nothing was done; try again"),
            Self::TimedOut => (S::SERVICE_UNAVAILABLE, "timed-out", "This took too long; try again"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here; try again"),
        }
    }
}

impl From<QueryFailed> for Refusal {
    fn from(failed: QueryFailed) -> Self {
        match failed {
            QueryFailed::NotBegun => Self::Busy,
            QueryFailed::Failed(why) => {
                tracing::error!(why, "a query failed");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, reason, detail) = self.parts();
        let problem = Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or_default().into(),
            status: status.as_u16(),
            detail: Some(detail.into()),
            reason: Some(reason.into()),
        };
        // Five texts and a number always have a JSON.
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_failed_is_told_from_what_was_not_begun_and_the_client_learns_no_more() {
        let secret = "no such table: secret";
        for (failed, status, retry) in
            [(QueryFailed::NotBegun, 503, Some("1")), (QueryFailed::of(secret), 500, None)]
        {
            let answer = Refusal::from(failed).into_response();
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), retry);
            let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
            assert!(!String::from_utf8_lossy(&body).contains("secret"));
        }
    }
}
