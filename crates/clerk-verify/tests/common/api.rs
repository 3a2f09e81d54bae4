#![allow(dead_code, missing_docs)]

use axum::Router;
use axum::routing::get as route;
use clerk_verify::axum::{AnyAuth, ApiKeyAuth, AuthLayer, MachineAuth, OAuthAuth, SessionAuth};
use clerk_verify::{BackendApi, Jwks, ManualClock, Policy, Verifier};
use serde_json::{Value, json};

use super::backend::BackendServer;
use super::http::get_with;
use super::{ISSUER, JwksServer, NOW, PAGE, SigningKey, claims};

/// An API that fetches its keys and asks about opaque tokens.
pub struct Api {
    pub key: SigningKey,
    pub jwks: JwksServer,
    pub backend: BackendServer,
    /// Of the token's times, and of the keys' age.
    pub clock: ManualClock,
    pub app: Router,
}

pub fn routes() -> Router {
    Router::new()
        .route("/session", route(|auth: SessionAuth| async move { auth.user_id().to_owned() }))
        .route("/oauth", route(|_: OAuthAuth| async {}))
        .route("/machine", route(|_: MachineAuth| async {}))
        .route("/key", route(|_: ApiKeyAuth| async {}))
        .route("/any", route(|auth: AnyAuth| async move { auth.subject().to_owned() }))
}

pub async fn api() -> Api {
    let key = SigningKey::new("ins_1");
    let jwks = JwksServer::start(key.jwks()).await;
    let backend = BackendServer::start().await;
    let clock = ManualClock::at(NOW);
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let keys = Jwks::from_url(&jwks.url).unwrap().clock(clock.clone());
    let opaque =
        BackendApi::at(&backend.url, "sk_test_own_secret".parse().unwrap()).unwrap().clock(clock.clone());
    let verifier = Verifier::new(policy, keys).backend(opaque).clock(clock.clone());
    Api { key, jwks, backend, clock, app: routes().layer(AuthLayer::new(verifier)) }
}

impl Api {
    /// A token of now.
    pub fn good(&self) -> String {
        let now = clerk_verify::Clock::unix_millis(&self.clock) / 1000;
        let mut claims = claims();
        for (name, time) in [("iat", now - 5), ("nbf", now - 15), ("exp", now + 55)] {
            claims[name] = json!(time);
        }
        self.key.sign(&claims)
    }

    /// Status, and whom it is or why not.
    pub async fn ask(&self, token: &str) -> (u16, String) {
        let answer = get_with(&self.app, "/session", token).await;
        if answer.status == 200 { (200, answer.body) } else { answer.refusal() }
    }

    pub fn header(&self, name: &str, value: Value) -> Value {
        let mut header = self.key.header();
        header[name] = value;
        header
    }
}
