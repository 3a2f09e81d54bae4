use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clerk_verify::Session;
use clerk_verify::axum::SessionAuth;
use foo_types::{AskedBy, Foo, TokenFacts};

use crate::problem::Refusal;

/// The routes, without the layers that every answer passes through.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/foo", get(foo))
        .route("/people/{user_id}/foo", get(foo_of))
        .route("/healthz", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(|| async { Refusal::NotFound })
        .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
}

async fn foo(session: SessionAuth) -> Response {
    resource(&session)
}

async fn foo_of(
    session: SessionAuth,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(user_id) = path.map_err(|_| Refusal::NotFound)?;
    if user_id != session.user_id() {
        return Err(Refusal::NotYours);
    }
    Ok(resource(&session))
}

fn resource(session: &Session) -> Response {
    let foo = Foo {
        id: "foo".into(),
        name: "The protected resource".into(),
        asked_by: AskedBy {
            user_id: session.user_id().into(),
            session_id: session.session_id().into(),
            authorized_party: session.authorized_party().map(Into::into),
        },
        token: TokenFacts {
            id: session.token_id().map(Into::into),
            // Clerk's session tokens always say when they were issued.
            issued_at: session.issued_at().unwrap_or_default(),
            expires_at: session.expires_at(),
        },
    };
    ([(CACHE_CONTROL, "private, no-store")], Json(foo)).into_response()
}
