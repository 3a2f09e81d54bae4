//! The calls of Clerk's Backend API that say whether an opaque token counts, and the keys.

mod verify;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use crate::api_error::ApiError;
use crate::grants::Kind;
use crate::instance::Instance;
use crate::request_log::log;
use crate::routes::well_known;
use crate::{faults, origin};

/// Where it is: not below the path that the app's server passes on, so that no page reaches it.
pub(crate) const PATH: &str = "/backend";

/// The largest body: one token.
const BODY_LIMIT: usize = 16 * 1024;

pub(crate) fn router(instance: Arc<Instance>) -> Router {
    // Clerk's SDK for JavaScript leaves the version out of the path of the three, other SDKs do not.
    let calls = Router::new()
        .route("/oauth_applications/access_tokens/verify", post(verify::oauth))
        .route("/m2m_tokens/verify", post(verify::m2m))
        .route("/api_keys/verify", post(verify::api_key))
        .route("/jwks", get(well_known::jwks));
    let calls = Router::new()
        .merge(calls.clone())
        .nest("/v1", calls)
        .fallback(not_covered)
        .method_not_allowed_fallback(not_covered)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::clone(&instance))
        .layer(from_fn_with_state(Arc::clone(&instance), faults::spoil))
        .layer(from_fn_with_state(instance, guard))
        .layer(from_fn(log));
    // Around the routes, so that they and the faults see the path below it.
    Router::new().nest_service(PATH, calls)
}

async fn guard(
    State(instance): State<Arc<Instance>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check(&instance, request.uri().path(), request.headers()).inspect_err(|_| {
        tracing::warn!(path = request.uri().path(), "the Backend API refused a call");
    })?;
    Ok(next.run(request).await)
}

/// Only a server on this machine calls this; a page would send its origin.
fn check(instance: &Instance, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(origin::is_loopback) {
        return Err(ApiError::host_not_allowed(instance.origin.as_str()));
    }
    if headers.contains_key(ORIGIN) {
        return Err(ApiError::backend_for_servers());
    }
    let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
    let keys = &instance.secret_keys;
    let machine = path.ends_with("/m2m_tokens/verify") && keys.machine.is_in(given);
    if keys.instance.is_in(given) || machine { Ok(()) } else { Err(ApiError::secret_key_invalid()) }
}

async fn not_covered(request: Request) -> ApiError {
    let (method, path) = (request.method().as_str(), request.uri().path());
    tracing::warn!(method, path, "clerk-dev does not cover this call of the Backend API");
    ApiError::not_covered(method, path)
}

/// The member of the body that holds the token.
fn member(kind: Kind) -> &'static str {
    match kind {
        Kind::OAuth => "access_token",
        Kind::M2m => "token",
        Kind::ApiKey => "secret",
    }
}
