use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clerk_verify::Session;
use clerk_verify::axum::SessionAuth;
use foo_types::{AskedBy, Foo, Me, TokenFacts};

use crate::database::Database;
use crate::posts;
use crate::problem::Refusal;

/// The routes, without the layers that every answer passes through.
pub(crate) fn routes(database: Database) -> Router {
    Router::new()
        .merge(posts::routes())
        .with_state(database)
        .route("/me", get(me))
        .route("/foo", get(foo))
        .route("/people/{user_id}/foo", get(foo_of))
        .route("/healthz", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(|| async { Refusal::NotFound })
        .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
}

async fn me(session: SessionAuth) -> Response {
    let organization = session.organization();
    let me = Me {
        user_id: session.user_id().into(),
        session_id: session.session_id().into(),
        organization_id: organization.as_ref().map(|organization| organization.id.into()),
        organization_role: organization.as_ref().and_then(|o| o.role.as_deref()).map(Into::into),
        organization_permissions: organization
            .map(|organization| organization.permissions.iter().map(|name| name.to_string()).collect())
            .unwrap_or_default(),
    };
    ([(CACHE_CONTROL, "private, no-store")], Json(me)).into_response()
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
