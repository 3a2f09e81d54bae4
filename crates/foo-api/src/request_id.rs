use axum::extract::Request;
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;
use tower_http::request_id::{MakeRequestId as _, MakeRequestUuid, RequestId};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives each request an id, for its log lines and its answer. A client's own is not taken over: it could
/// be anything, a token too, and would be logged.
pub(crate) async fn stamp(mut request: Request, next: Next) -> Response {
    let id = MakeRequestUuid.make_request_id(&request);
    if let Some(id) = &id {
        request.extensions_mut().insert(id.clone());
    }
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(X_REQUEST_ID, id.into_header_value());
    }
    response
}

/// The id of a request that was stamped.
pub(crate) fn of<B>(request: &axum::http::Request<B>) -> &str {
    let id = request.extensions().get::<RequestId>();
    id.and_then(|id| id.header_value().to_str().ok()).unwrap_or_default()
}
