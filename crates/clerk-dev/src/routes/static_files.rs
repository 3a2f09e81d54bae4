use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::api_error::ApiError;
use crate::instance::Instance;

/// `GET /npm/@clerk/{package}@{tag}/dist/{file}`.
pub(crate) async fn show(
    State(instance): State<Arc<Instance>>,
    Path((scope, package, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = instance.packages.file(&scope, &package, &file).await.ok_or_else(ApiError::file_not_found)?;
    Ok(file.into_response(&headers))
}
