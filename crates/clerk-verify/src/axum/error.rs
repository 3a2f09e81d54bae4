use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use clerk_core::Condition;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::auth::Forbidden;
use crate::rejection::Rejection;
use crate::verifier::VerifyError;

/// What a person sees must not outlive their session in a cache.
pub(super) const NOT_TO_BE_STORED: HeaderValue = HeaderValue::from_static("private, no-store");

/// Why a request is not let through; as a response, the answer that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// No `Authorization` header, or one of another scheme than `Bearer`, and no cookie that counts: 401.
    NoCredentials,
    /// Two `Authorization` headers, or one that is not `Bearer` and one token, or two session cookies: 400.
    MalformedCredentials,
    /// A session cookie on a request that no page of this origin made: 403.
    NotSameOrigin,
    /// A session cookie from before the browser's sessions last changed: 401.
    OlderThanClient,
    /// A token that is not accepted, 401, or cannot be verified, 503 or 500.
    Verify(VerifyError),
    /// Who asks is known, and may not do this: 403.
    Forbidden(Forbidden),
    /// The route is outside the layer: 500, and a mistake in the server.
    MissingLayer,
}

impl From<VerifyError> for AuthError {
    fn from(error: VerifyError) -> Self {
        Self::Verify(error)
    }
}

impl From<Rejection> for AuthError {
    fn from(rejection: Rejection) -> Self {
        Self::Verify(rejection.into())
    }
}

impl From<Forbidden> for AuthError {
    fn from(forbidden: Forbidden) -> Self {
        Self::Forbidden(forbidden)
    }
}

impl AuthError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::OlderThanClient | Self::Verify(VerifyError::Rejected(_)) => {
                StatusCode::UNAUTHORIZED
            }
            Self::MalformedCredentials => StatusCode::BAD_REQUEST,
            Self::NotSameOrigin | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Verify(VerifyError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Verify(VerifyError::Misconfigured) | Self::MissingLayer => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// A stable code for programs; Clerk's own, where Clerk has one.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoCredentials => "session-token-and-uat-missing",
            Self::MalformedCredentials => "credentials-malformed",
            Self::NotSameOrigin => "cookie-not-same-origin",
            Self::OlderThanClient => "session-token-iat-before-client-uat",
            // That it is about the server's key is no business of the client's.
            Self::Verify(VerifyError::Misconfigured) => "unexpected-error",
            Self::Verify(error) => error.reason(),
            Self::Forbidden(forbidden) => forbidden.reason(),
            Self::MissingLayer => "auth-layer-missing",
        }
    }

    /// The answer's body: problem details (RFC 9457), with the `reason`. If all that is missing is a recent
    /// reverification, it also says so as Clerk's front ends read it (`clerk_error`).
    pub fn problem(&self) -> serde_json::Value {
        let status = self.status();
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.to_string(),
            "reason": self.reason(),
        });
        if let (Self::Forbidden(Forbidden::Session(Condition::Reverification(wanted))), Some(problem)) =
            (self, problem.as_object_mut())
        {
            let error = json!({
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": { "reverification": wanted },
            });
            problem.insert("clerk_error".into(), error);
        }
        problem
    }

    /// The challenge of RFC 6750 §3, for `WWW-Authenticate`. Without credentials it names no error (§3.1);
    /// where other credentials would not help there is none.
    pub fn challenge(&self) -> Option<String> {
        let (error, more) = match self {
            Self::NoCredentials => return Some(r#"Bearer realm="api""#.into()),
            Self::MalformedCredentials => ("invalid_request", String::new()),
            Self::OlderThanClient | Self::Verify(VerifyError::Rejected(_)) => {
                ("invalid_token", String::new())
            }
            Self::Forbidden(Forbidden::Scopes(scopes)) => {
                ("insufficient_scope", format!(r#", scope="{}""#, scopes.join(" ")))
            }
            _ => return None,
        };
        Some(format!(r#"Bearer realm="api", error="{error}", error_description="{self}"{more}"#))
    }

    /// `Retry-After`, in whole seconds, of a 503.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let Self::Verify(VerifyError::Unavailable(unavailable)) = self else { return None };
        Some(unavailable.retry_after().as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials => f.write_str("Sign in, and send the token as Authorization: Bearer"),
            Self::MalformedCredentials => {
                f.write_str("Send one Authorization header, with Bearer and one token")
            }
            Self::NotSameOrigin => {
                f.write_str("A session cookie counts only on requests of this origin's own pages")
            }
            Self::OlderThanClient => f.write_str("The session is older than the last sign-in or sign-out"),
            Self::Verify(error) => error.fmt(f),
            Self::Forbidden(forbidden) => forbidden.fmt(f),
            Self::MissingLayer => f.write_str("The server cannot authenticate this request"),
        }
    }
}

impl std::error::Error for AuthError {}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Body::from(self.problem().to_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, NOT_TO_BE_STORED);
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Malformed;

    /// The sentence stands between quotes in a header.
    #[test]
    fn descriptions_fit_into_a_challenge() {
        let rejections = [
            Rejection::Malformed(Malformed::TooLong),
            Rejection::Malformed(Malformed::Json),
            Rejection::WrongKind(None),
            Rejection::Opaque,
            Rejection::NotFound,
            Rejection::Revoked,
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
        let errors = rejections.map(AuthError::from);
        let scopes = Forbidden::Scopes(vec!["read:foo".into(), "write:foo".into()]).into();
        let more = [AuthError::MalformedCredentials, AuthError::OlderThanClient, scopes];
        for error in errors.into_iter().chain(more) {
            let text = error.to_string();
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
            assert!(!text.contains(['"', '\\']), "{text}");
            assert!(error.into_response().headers().contains_key(WWW_AUTHENTICATE), "{text}");
        }
    }
}
