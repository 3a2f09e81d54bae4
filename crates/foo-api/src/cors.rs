use std::time::Duration;

use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;

use crate::posts::IDEMPOTENCY_REPLAYED;
use crate::request_id::X_REQUEST_ID;

/// Every cross-origin request with a token is preceded by a preflight. Two hours is Chromium's limit.
const PREFLIGHT_LIFE: Duration = Duration::from_secs(7200);

/// Admits pages of exactly these origins, without credentials: the token is in a header.
pub(crate) fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        // By name: a browser does not take `*` to mean Authorization.
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, HeaderName::from_static("idempotency-key")])
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER, ETAG, LOCATION, IDEMPOTENCY_REPLAYED, X_REQUEST_ID])
        .max_age(PREFLIGHT_LIFE)
}
