use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde_json::{Map, Value, json};

use super::member;
use crate::api_error::ApiError;
use crate::clock::{Millis, SECOND};
use crate::grants::{Grant, Kind};
use crate::instance::Instance;

type Body = Result<Json<Map<String, Value>>, JsonRejection>;
type Answer = Result<Json<Value>, ApiError>;

/// `POST /oauth_applications/access_tokens/verify`.
pub(super) async fn oauth(State(instance): State<Arc<Instance>>, body: Body) -> Answer {
    verify(&instance, Kind::OAuth, body)
}

/// `POST /m2m_tokens/verify`.
pub(super) async fn m2m(State(instance): State<Arc<Instance>>, body: Body) -> Answer {
    verify(&instance, Kind::M2m, body)
}

/// `POST /api_keys/verify`.
pub(super) async fn api_key(State(instance): State<Arc<Instance>>, body: Body) -> Answer {
    verify(&instance, Kind::ApiKey, body)
}

/// What was revoked or has expired is not found, like what never was: Clerk's SDK takes every 200 for a yes,
/// whatever `revoked` and `expired` say in it.
fn verify(instance: &Instance, kind: Kind, body: Body) -> Answer {
    let member = member(kind);
    // What was wrong is not passed on: it may quote the token.
    let Json(body) = body.map_err(|_| ApiError::param_missing(member))?;
    let token = body.get(member).and_then(Value::as_str).ok_or_else(|| ApiError::param_missing(member))?;
    let now = instance.clock.now();
    let grant = instance.grants.get(token).filter(|grant| grant.kind == kind && grant.counts(now));
    grant.map(|grant| Json(json_of(&grant))).ok_or_else(|| ApiError::token_not_found(kind))
}

fn json_of(grant: &Grant) -> Value {
    // The times of OAuth tokens are seconds, the others' milliseconds.
    let time = |time: Millis| if grant.kind == Kind::OAuth { time.div_euclid(SECOND) } else { time };
    let mut answer = json!({
        "id": grant.id,
        "subject": grant.subject,
        "scopes": grant.scopes,
        "revoked": false,
        "revocation_reason": null,
        "expired": false,
        "expiration": grant.expires_at.map(time),
        "created_at": time(grant.created_at),
        "updated_at": time(grant.updated_at),
    });
    let more = match grant.kind {
        Kind::OAuth => {
            let mut more = json!({
                "object": "clerk_idp_oauth_access_token", "type": "oauth:access_token", "client_id": grant.client_id,
            });
            if !grant.audience.is_empty() {
                add(&mut more, json!({ "aud": grant.audience }));
            }
            more
        }
        Kind::M2m => json!({ "object": "machine_to_machine_token", "claims": grant.claims }),
        Kind::ApiKey => json!({
            "object": "api_key",
            "type": "api_key",
            "name": grant.name,
            "claims": grant.claims,
            "created_by": null,
            "description": null,
            "last_used_at": null,
        }),
    };
    add(&mut answer, more);
    answer
}

fn add(to: &mut Value, more: Value) {
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more);
    }
}
