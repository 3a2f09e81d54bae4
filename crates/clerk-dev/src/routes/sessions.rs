use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::form::FormBody;
use crate::api_error::ApiError;
use crate::browser::Browser;
use crate::client::{Organization, Session, SessionStatus};
use crate::instance::{Instance, membership};
use crate::organizations::Membership;
use crate::templates::Subject;
use crate::wire::{self, Envelope};

/// Absent: as before. Empty: none, which is how clerk-js writes `null`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TouchForm {
    active_organization_id: Option<String>,
}

/// Absent: the session's active organization. Empty: none.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    organization_id: Option<String>,
}

/// `POST /v1/client/sessions/{id}/touch`: this is the session that is used, and maybe an organization.
pub(crate) async fn touch(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
    FormBody(form): FormBody<TouchForm>,
) -> Result<Json<Envelope<wire::Session>>, ApiError> {
    let session = live(&instance, &browser, &id)?;
    let key = browser.key.ok_or_else(ApiError::signed_out)?;
    let organization = match form.active_organization_id {
        None => Organization::AsBefore,
        Some(id) => Organization::Now(active(&session, id)?.map(|m| m.organization.id().to_owned())),
    };
    let client = instance
        .store
        .update(&key, |client, now| client.touch(&id, organization, now).map(|_| client.clone()))
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
    let organization_id = form.organization_id.or_else(|| session.organization_id.clone());
    let membership = active(&session, organization_id.unwrap_or_default())?;
    let person = instance.person(&session.user_id).ok_or_else(ApiError::signed_out)?;
    let jwt = instance.tokens.of_session(&session, person, membership, instance.clock.now())?;
    Ok(Json(wire::Token::new(jwt)))
}

/// `POST /v1/client/sessions/{id}/tokens/{template}`.
pub(crate) async fn token_from_template(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path((id, template)): Path<(String, String)>,
) -> Result<Json<wire::Token>, ApiError> {
    let session = live(&instance, &browser, &id)?;
    let template =
        instance.templates.get(&template).ok_or_else(|| ApiError::template_not_found(&template))?;
    let person = instance.person(&session.user_id).ok_or_else(ApiError::signed_out)?;
    let membership = session.organization_id.as_deref().and_then(|id| membership(&session, id));
    let claims = template.claims_for(&Subject { person, membership });
    let now = instance.clock.now();
    let jwt = instance.tokens.of_template(person.id(), claims, template.life(), now)?;
    Ok(Json(wire::Token::new(jwt)))
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

/// The organization of that id, which the session's person must belong to; none for none.
fn active(session: &Session, organization_id: String) -> Result<Option<Membership>, ApiError> {
    if organization_id.is_empty() {
        return Ok(None);
    }
    membership(session, &organization_id).map(Some).ok_or_else(ApiError::organization_not_found)
}

fn live(instance: &Instance, browser: &Browser, id: &str) -> Result<Session, ApiError> {
    let client = browser.key.as_ref().and_then(|key| instance.store.get(key));
    client.and_then(|client| client.session(id).cloned()).ok_or_else(ApiError::signed_out)
}
