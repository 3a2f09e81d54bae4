use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::instance::Instance;
use crate::wire::environment::environment;

/// `GET` and `PATCH /v1/environment`.
pub(crate) async fn show(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(environment(&instance.origin, instance.several_sessions()))
}
