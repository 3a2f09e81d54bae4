use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use clerk_verify::axum::SessionAuth;
use clerk_verify::{Session, Verifier};
use foo_types::{AskedBy, Foo, Me, TokenFacts};

use crate::database::Database;
use crate::openapi::{Described, Operation, Token, get};
use crate::problem::Refusal;
use crate::{machines, openapi, posts};

/// The routes for people and machines, which the layers of authentication are for.
pub(crate) fn routes(database: Database) -> Described {
    let get = |path, summary| get(path, summary).token(Token::Session);
    posts::routes()
        .with_state(database)
        .merge(machines::routes())
        .route(get("/me", "Who the API takes the caller for").answers("Me"), me)
        .route(get("/foo", "The signed-in person's resource").answers("Foo"), foo)
        .route(get("/people/{user_id}/foo", "A person's resource; another's is 403").answers("Foo"), foo_of)
}

/// The routes for everybody; one of them describes these and `others`.
pub(crate) fn open_routes(verifier: Verifier, others: Vec<Operation>) -> Router {
    let metrics = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], verifier.metrics());
    let open = Described::new()
        .route(get("/metrics", "Counters of the verifier, for Prometheus"), metrics)
        .route(get("/healthz", "Nothing, while the server runs").status(204), async || {
            StatusCode::NO_CONTENT
        });
    let description = get("/openapi.json", "This description");
    let (routes, mut operations) = open.into_parts();
    operations.extend(others);
    operations.push(description.clone());
    let document = openapi::document(&operations);
    let (description, _) = Described::new().route(description, async || Json(document)).into_parts();
    routes.merge(description)
}

/// Refuses what there is no route for, in the API's own words.
pub(crate) fn refuse_others(routes: Router) -> Router {
    routes
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
