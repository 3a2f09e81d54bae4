use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::Body;
use super::error::ControlError;
use crate::grants::{Grant, Issued, Order, OrderError, issue};
use crate::instance::Instance;

/// Which token no longer counts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    /// Itself, or its id.
    token: String,
    reason: Option<String>,
}

/// `POST /tokens`.
pub(super) async fn issue_one(
    State(instance): State<Arc<Instance>>,
    Body(order): Body<Order>,
) -> Result<Json<Issued>, ControlError> {
    issue(&instance, order).map(Json).map_err(|error| match error {
        OrderError::NoSuchToken(why) => ControlError::Wrong(why),
        OrderError::Cryptography => ControlError::Cryptography,
    })
}

/// `GET /tokens`: those that were issued, but for themselves. JWTs are not among them.
pub(super) async fn list(State(instance): State<Arc<Instance>>) -> Json<Value> {
    let mut all = instance.grants.all();
    all.sort_by_key(|grant| grant.created_at);
    let all: Vec<_> = all.iter().map(shown).collect();
    Json(json!({ "tokens": all }))
}

/// `POST /tokens/revoke`.
pub(super) async fn revoke(
    State(instance): State<Arc<Instance>>,
    Body(body): Body<Revoke>,
) -> Result<Json<Value>, ControlError> {
    let revoked =
        instance.grants.revoke(&body.token, body.reason, instance.clock.now()).ok_or_else(|| {
            ControlError::NotFound(
                "no opaque token is called that; a JWT counts until it expires, with Clerk too".to_owned(),
            )
        })?;
    tracing::info!(id = revoked.id, "revoked a token, as asked for");
    Ok(Json(shown(&revoked)))
}

fn shown(grant: &Grant) -> Value {
    json!({
        "id": grant.id,
        "kind": grant.kind,
        "subject": grant.subject,
        "scopes": grant.scopes,
        "expiresAt": grant.expires_at,
        "revoked": grant.revocation.is_some(),
        "revocationReason": grant.revocation.as_ref().and_then(|revocation| revocation.reason.as_ref()),
    })
}
