use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::form::FormBody;
use crate::api_error::ApiError;
use crate::browser::Browser;
use crate::client::{Session, SessionStatus};
use crate::clock;
use crate::instance::Instance;
use crate::wire::{self, Envelope};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    organization_id: String,
}

/// `POST /v1/client/sessions/{id}/touch`: this is the session that is used.
pub(crate) async fn touch(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
) -> Result<Json<Envelope<wire::Session>>, ApiError> {
    let key = browser.key.ok_or_else(ApiError::signed_out)?;
    let client = instance
        .store
        .update(&key, |client, now| client.touch(&id, now).map(|_| client.clone()))
        .flatten()
        .ok_or_else(ApiError::signed_out)?;
    let client = instance.client_json(&client)?;
    let response = client.session(&id).ok_or_else(ApiError::signed_out)?;
    Ok(Json(Envelope { response, client: Some(client) }))
}

/// `POST /v1/client/sessions/{id}/tokens`.
pub(crate) async fn token(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
    FormBody(form): FormBody<TokenForm>,
) -> Result<Json<wire::Token>, ApiError> {
    let session = live(&instance, &browser, &id)?;
    if !form.organization_id.is_empty() {
        return Err(ApiError::organization_not_found());
    }
    Ok(Json(wire::Token::new(instance.tokens.issue(&session, clock::now())?)))
}

/// `POST /v1/client/sessions/{id}/tokens/{template}`: there are no templates.
pub(crate) async fn token_from_template(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path((id, template)): Path<(String, String)>,
) -> ApiError {
    match live(&instance, &browser, &id) {
        Ok(_) => ApiError::template_not_found(&template),
        Err(error) => error,
    }
}

/// `POST /v1/client/sessions/{id}/end`.
pub(crate) async fn end(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
) -> Result<Json<Envelope<wire::Session>>, ApiError> {
    finish(&instance, browser, &id, SessionStatus::Ended)
}

/// `POST /v1/client/sessions/{id}/remove`: signs out of one session.
pub(crate) async fn remove(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
) -> Result<Json<Envelope<wire::Session>>, ApiError> {
    finish(&instance, browser, &id, SessionStatus::Removed)
}

/// `DELETE /v1/client/sessions`: signs out.
pub(crate) async fn end_all(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
) -> Result<Json<Envelope<wire::Client>>, ApiError> {
    if let Some(key) = &browser.key {
        instance.store.update(key, |client, now| client.end_all(now));
        tracing::info!("signed out");
    }
    let client = instance.client(browser.key.as_ref())?;
    Ok(Json(Envelope { response: instance.client_json(&client)?, client: None }))
}

fn finish(
    instance: &Instance,
    browser: Browser,
    id: &str,
    status: SessionStatus,
) -> Result<Json<Envelope<wire::Session>>, ApiError> {
    let key = browser.key.ok_or_else(ApiError::signed_out)?;
    let (session, client) = instance
        .store
        .update(&key, |client, now| client.end(id, status, now).map(|session| (session, client.clone())))
        .flatten()
        .ok_or_else(ApiError::signed_out)?;
    tracing::info!(user = session.user_id, "signed out");
    let response = instance.ended_json(&session).ok_or_else(ApiError::signed_out)?;
    Ok(Json(Envelope { response, client: Some(instance.client_json(&client)?) }))
}

fn live(instance: &Instance, browser: &Browser, id: &str) -> Result<Session, ApiError> {
    let client = browser.key.as_ref().and_then(|key| instance.store.get(key));
    client.and_then(|client| client.session(id).cloned()).ok_or_else(ApiError::signed_out)
}
