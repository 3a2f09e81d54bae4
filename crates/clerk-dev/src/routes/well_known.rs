use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::instance::Instance;

/// `GET /.well-known/jwks.json`: the key that verifies the tokens.
pub(crate) async fn jwks(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(json!({ "keys": [instance.tokens.key().public_jwk()] }))
}

/// `GET /.well-known/openid-configuration`: where the keys are, for verifiers that start from the issuer.
pub(crate) async fn openid_configuration(State(instance): State<Arc<Instance>>) -> Json<Value> {
    let issuer = instance.tokens.issuer();
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    }))
}
