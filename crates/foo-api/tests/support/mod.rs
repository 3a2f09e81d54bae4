//! The API on a port of its own, with an issuer that is nothing but a key, under a clock that stands still.
#![allow(dead_code, missing_docs)]

use clerk_verify::axum::SameOriginCookies;
use clerk_verify::{Jwks, ManualClock, Policy, Verifier};
use foo_api::Database;
use foo_types::Problem;
use reqwest::{Client, RequestBuilder};

use crate::common::{ISSUER, JwksServer, NOW, PAGE, SigningKey};

/// The suffix of this instance's cookies is `1Z8AzTQD`.
pub const INSTANCE: &str = "pk_live_Y2xlcmsuY2xlcmsuZGV2JA";

pub struct Api {
    pub url: String,
    pub key: SigningKey,
    pub jwks: JwksServer,
    pub clock: ManualClock,
    pub client: Client,
    pub folder: tempfile::TempDir,
}

impl Api {
    pub async fn start() -> Self {
        Self::on(tempfile::tempdir().unwrap()).await
    }

    /// Over the database in this folder.
    pub async fn on(folder: tempfile::TempDir) -> Self {
        let key = SigningKey::new("ins_1");
        let jwks = JwksServer::start(key.jwks()).await;
        let clock = ManualClock::at(NOW);
        let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
        let keys = Jwks::from_url(&jwks.url).unwrap().clock(clock.clone());
        let verifier = Verifier::new(policy, keys).clock(clock.clone());
        let cookies = SameOriginCookies::new([PAGE]).unwrap().for_instance(&INSTANCE.parse().unwrap());
        let database = Database::open(&folder.path().join("posts.sqlite3")).unwrap();
        let app = foo_api::router(verifier, &[PAGE.to_owned()], cookies, database);
        let listener = foo_api::bind(0).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(foo_api::serve(listener, app, std::future::pending()));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self { url, key, jwks, clock, client: client.build().unwrap(), folder }
    }
}

/// Status and reason of a refusal, whose form is checked on the way.
pub async fn refused(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    assert_eq!(response.headers()["cache-control"], "private, no-store", "{status}");
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status);
    (status, problem.reason.unwrap())
}
