use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::verifier::VerifyError;

/// Why a request is not let through; as a response, the answer that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// No `Authorization` header, or one of another scheme than `Bearer`: 401.
    NoCredentials,
    /// Two `Authorization` headers, or one that is not `Bearer` and one token: 400.
    MalformedCredentials,
    /// A token that is not accepted, 401, or cannot be verified for lack of keys, 503.
    Verify(VerifyError),
    /// The route is outside the layer: 500, and a mistake in the server.
    MissingLayer,
}

impl AuthError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::Verify(VerifyError::Rejected(_)) => StatusCode::UNAUTHORIZED,
            Self::MalformedCredentials => StatusCode::BAD_REQUEST,
            Self::Verify(VerifyError::KeysUnavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::MissingLayer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A stable code for programs; Clerk's own, where Clerk has one.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoCredentials => "session-token-and-uat-missing",
            Self::MalformedCredentials => "credentials-malformed",
            Self::Verify(error) => error.reason(),
            Self::MissingLayer => "auth-layer-missing",
        }
    }

    /// The challenge of RFC 6750 §3. Without credentials it names no error (§3.1).
    fn challenge(&self) -> Option<String> {
        let error = match self {
            Self::NoCredentials => return Some(r#"Bearer realm="api""#.into()),
            Self::MalformedCredentials => "invalid_request",
            Self::Verify(VerifyError::Rejected(_)) => "invalid_token",
            Self::Verify(VerifyError::KeysUnavailable(_)) | Self::MissingLayer => return None,
        };
        Some(format!(r#"Bearer realm="api", error="{error}", error_description="{self}""#))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials => {
                f.write_str("Sign in, and send the session token as Authorization: Bearer")
            }
            Self::MalformedCredentials => {
                f.write_str("Send one Authorization header, with Bearer and one token")
            }
            Self::Verify(error) => error.fmt(f),
            Self::MissingLayer => f.write_str("The server cannot authenticate this request"),
        }
    }
}

impl std::error::Error for AuthError {}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let status = self.status();
        let problem = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.to_string(),
            "reason": self.reason(),
        });
        let mut response = (status, Body::from(problem.to_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Self::Verify(VerifyError::KeysUnavailable(unavailable)) = self {
            let seconds = unavailable.retry_after().as_millis().div_ceil(1000);
            headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::{Malformed, Rejection};

    /// The sentence stands between quotes in a header.
    #[test]
    fn descriptions_fit_into_a_challenge() {
        let rejections = [
            Rejection::Malformed(Malformed::TooLong),
            Rejection::Malformed(Malformed::Json),
            Rejection::WrongKind(None),
            Rejection::WrongAlgorithm,
            Rejection::UnknownKey,
            Rejection::WrongSignature,
            Rejection::BadClaim("sub"),
            Rejection::WrongAudience,
            Rejection::WrongAuthorizedParty,
            Rejection::WrongIssuer,
            Rejection::Expired,
            Rejection::NotActiveYet,
            Rejection::IssuedInTheFuture,
            Rejection::Pending,
        ];
        let errors = rejections.map(|rejection| AuthError::Verify(rejection.into()));
        for error in errors.into_iter().chain([AuthError::MalformedCredentials]) {
            let text = error.to_string();
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
            assert!(!text.contains(['"', '\\']), "{text}");
            assert!(error.into_response().headers().contains_key(WWW_AUTHENTICATE), "{text}");
        }
    }
}
