use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::api_error::ApiError;
use crate::browser::Browser;
use crate::instance::Instance;
use crate::wire::{self, Envelope};

/// `GET /v1/client`: who is signed in.
///
/// Sets no cookie: an answer to a tab that lags behind would overwrite the one another tab signs in with.
pub(crate) async fn show(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
) -> Result<Json<Envelope<wire::Client>>, ApiError> {
    let client = instance.client(browser.key.as_ref())?;
    Ok(Json(Envelope { response: instance.client_json(&client)?, client: None }))
}
