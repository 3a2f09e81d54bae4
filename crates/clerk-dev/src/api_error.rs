use std::borrow::Cow;

use aws_lc_rs::error::Unspecified;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::grants::Kind;
use crate::ids;
use crate::wire;

/// A refusal, as the Frontend API writes it. clerk-js goes by `code` and status; people read the message.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    long_message: Cow<'static, str>,
    /// The form's field that is at fault.
    param_name: Option<&'static str>,
    /// The session that there is already.
    session_id: Option<Box<str>>,
    /// What is known of the browser, where it seems to know something else.
    client: Option<Box<wire::Client>>,
}

#[derive(Serialize)]
struct Envelope {
    errors: [Item; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<EnvelopeMeta>,
    clerk_trace_id: String,
}

#[derive(Serialize)]
struct Item {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    long_message: Cow<'static, str>,
    meta: ItemMeta,
}

#[derive(Serialize)]
struct ItemMeta {
    #[serde(skip_serializing_if = "Option::is_none")]
    param_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Box<str>>,
}

#[derive(Serialize)]
struct EnvelopeMeta {
    client: Box<wire::Client>,
}

impl ApiError {
    fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        long_message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            long_message: long_message.into(),
            param_name: None,
            session_id: None,
            client: None,
        }
    }

    fn of_form(
        param_name: &'static str,
        code: &'static str,
        message: &'static str,
        long_message: &'static str,
    ) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { param_name: Some(param_name), ..Self::new(status, code, message, long_message) }
    }

    /// The session is not alive. clerk-js signs out on 401 and on nothing else.
    pub(crate) fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "signed_out", "Signed out", "You are signed out")
    }

    /// This person is signed in in this browser already, maybe beside others.
    pub(crate) fn already_signed_in(session_id: String, client: wire::Client) -> Self {
        let error = Self::new(
            StatusCode::BAD_REQUEST,
            "identifier_already_signed_in",
            "Already signed in",
            "You're already signed in with this account.",
        );
        Self { session_id: Some(session_id.into()), client: Some(Box::new(client)), ..error }
    }

    /// Only one session at a time.
    pub(crate) fn session_exists(client: wire::Client) -> Self {
        let error = Self::new(
            StatusCode::BAD_REQUEST,
            "session_exists",
            "Session already exists",
            "You're already signed in. Sign out before signing in as somebody else.",
        );
        Self { client: Some(Box::new(client)), ..error }
    }

    pub(crate) fn identifier_not_found() -> Self {
        let message = "Couldn't find your account.";
        Self::of_form("identifier", "form_identifier_not_found", message, message)
    }

    pub(crate) fn password_incorrect() -> Self {
        Self::of_form(
            "password",
            "form_password_incorrect",
            "is incorrect",
            "Password is incorrect. Try again, or use another method.",
        )
    }

    pub(crate) fn identifier_missing() -> Self {
        Self::of_form("identifier", "form_param_nil", "is missing", "Enter your email address.")
    }

    pub(crate) fn password_missing() -> Self {
        Self::of_form("password", "form_param_nil", "is missing", "Enter your password.")
    }

    pub(crate) fn form_unreadable() -> Self {
        let message = "The request's body is not the form it should be.";
        Self::new(StatusCode::BAD_REQUEST, "request_body_invalid", message, message)
    }

    pub(crate) fn strategy_not_offered() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "strategy_for_user_invalid",
            "Invalid verification strategy",
            "This development server only signs in with a password.",
        )
    }

    pub(crate) fn sign_in_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "resource_not_found",
            "Resource not found",
            "No sign in attempt was found. Start again with your email address.",
        )
    }

    pub(crate) fn template_not_found(name: &str) -> Self {
        let message = format!("No JWT template exists with name: {name}");
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", message.clone(), message)
    }

    pub(crate) fn organization_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "organization_not_found_or_unauthorized",
            "not found or unauthorized",
            "There is no such organization, or this person does not belong to it.",
        )
    }

    pub(crate) fn file_not_found() -> Self {
        let message = "The package has no such file.";
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", "Resource not found", message)
    }

    /// A call of Clerk's that this server does not have.
    pub(crate) fn not_covered(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "resource_not_found",
            "Resource not found",
            format!("This development server does not cover {method} {path}."),
        )
    }

    /// A call of the Backend API without this instance's key.
    pub(crate) fn secret_key_invalid() -> Self {
        let message =
            "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.";
        Self::new(StatusCode::UNAUTHORIZED, "clerk_key_invalid", message, message)
    }

    pub(crate) fn backend_for_servers() -> Self {
        let message = "The Backend API is for servers; this request comes from a page.";
        Self::new(StatusCode::FORBIDDEN, "origin_invalid", "Invalid HTTP Origin header", message)
    }

    pub(crate) fn param_missing(name: &'static str) -> Self {
        Self::of_form(name, "form_param_missing", "is missing", "The body must be JSON that holds it.")
    }

    pub(crate) fn token_not_found(kind: Kind) -> Self {
        let message = match kind {
            Kind::OAuth => "OAuth token not found",
            Kind::M2m => "Machine token not found",
            Kind::ApiKey => "API key not found",
        };
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", message, message)
    }

    /// An error that somebody asked for; `None` is the code that Clerk's have with that status.
    pub(crate) fn asked_for(status: StatusCode, code: Option<String>) -> Self {
        let (usual, message) = match status {
            StatusCode::UNAUTHORIZED => ("authentication_invalid", "Invalid authentication"),
            StatusCode::FORBIDDEN => ("authorization_invalid", "Unauthorized request"),
            StatusCode::NOT_FOUND => ("resource_not_found", "Resource not found"),
            StatusCode::TOO_MANY_REQUESTS => ("too_many_requests", "Too many requests"),
            _ if status.is_server_error() => ("internal_clerk_error", "Oops, an unexpected error occurred"),
            _ => ("asked_for", "An error, as asked for"),
        };
        let code = code.map_or(Cow::Borrowed(usual), Cow::Owned);
        Self::new(status, code, message, "clerk-dev's control port was asked for this error.")
    }

    pub(crate) fn host_not_allowed(app_origin: &str) -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host_invalid",
            "Invalid host",
            format!("This development server only answers for {app_origin}; open the app there."),
        )
    }

    pub(crate) fn origin_not_allowed(app_origin: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "origin_invalid",
            "Invalid HTTP Origin header",
            format!("This development server only answers pages of {app_origin}; open the app there."),
        )
    }
}

impl From<Unspecified> for ApiError {
    fn from(_: Unspecified) -> Self {
        let message = "The system gave no randomness, or no signature could be made.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_clerk_error", message, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let envelope = Envelope {
            errors: [Item {
                code: self.code,
                message: self.message,
                long_message: self.long_message,
                meta: ItemMeta { param_name: self.param_name, session_id: self.session_id },
            }],
            meta: self.client.map(|client| EnvelopeMeta { client }),
            clerk_trace_id: ids::random_hex::<16>().unwrap_or_default(),
        };
        (self.status, Json(envelope)).into_response()
    }
}
