use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

/// Logs method, path, status and time of each request. Never the query, headers or bodies: tokens,
/// cookies and passwords travel there.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let milliseconds = started.elapsed().as_millis();
    tracing::debug!(%method, path, status = response.status().as_u16(), milliseconds, "answered");
    response
}
