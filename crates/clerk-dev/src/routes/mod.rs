//! The calls of Clerk's Frontend API that this server covers.

mod client;
mod environment;
mod form;
mod me;
mod sessions;
mod sign_ins;
mod static_files;
pub(crate) mod well_known;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{from_fn, from_fn_with_state, map_request, map_response};
use axum::response::Response;
use axum::routing::{get, post};

use crate::api_error::ApiError;
use crate::backend;
use crate::faults;
use crate::guard::guard;
use crate::instance::Instance;
use crate::method_override::method_override;
use crate::request_log::log;

/// The largest body; the longest that clerk-js sends here is a form with an address and a password.
const BODY_LIMIT: usize = 16 * 1024;

pub(crate) fn router(instance: Arc<Instance>) -> Router {
    let routes = Router::new()
        .nest("/v1", frontend_api())
        .route("/.well-known/jwks.json", get(well_known::jwks))
        .route("/.well-known/openid-configuration", get(well_known::openid_configuration))
        .route("/npm/{scope}/{package}/dist/{*file}", get(static_files::show))
        .fallback(not_covered)
        .method_not_allowed_fallback(not_covered)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::clone(&instance));
    // What the method says decides the route, so it has to be put right around the routes, not inside.
    let guarded = Router::new()
        .fallback_service(routes)
        .layer(from_fn_with_state(Arc::clone(&instance), faults::spoil))
        .layer(map_request(method_override))
        .layer(from_fn_with_state(Arc::clone(&instance), guard))
        .layer(from_fn(log));
    Router::new().nest_service(crate::BASE_PATH, guarded).merge(backend::router(instance))
}

fn frontend_api() -> Router<Arc<Instance>> {
    Router::new()
        .route("/environment", get(environment::show).patch(environment::show))
        .route("/client", get(client::show))
        .route("/client/sign_ins", post(sign_ins::create))
        .route("/client/sign_ins/{id}", get(sign_ins::show))
        .route("/client/sign_ins/{id}/attempt_first_factor", post(sign_ins::attempt))
        .route("/client/sign_ins/{id}/prepare_first_factor", post(sign_ins::prepare))
        .route("/client/sessions", axum::routing::delete(sessions::end_all))
        .route("/client/sessions/{id}/touch", post(sessions::touch))
        .route("/client/sessions/{id}/end", post(sessions::end))
        .route("/client/sessions/{id}/remove", post(sessions::remove))
        .route("/client/sessions/{id}/tokens", post(sessions::token))
        .route("/client/sessions/{id}/tokens/{template}", post(sessions::token_from_template))
        .route("/me", get(me::show))
        .route("/me/organization_memberships", get(me::memberships))
        .route("/me/organization_invitations", get(me::nothing))
        .route("/me/organization_suggestions", get(me::nothing))
        .layer(map_response(never_keep))
}

/// Answers hold tokens and who is signed in.
async fn never_keep(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn not_covered(request: Request) -> ApiError {
    let (method, path) = (request.method().as_str(), request.uri().path());
    tracing::warn!(method, path, "clerk-dev does not cover this call");
    ApiError::not_covered(method, path)
}
