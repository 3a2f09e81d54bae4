//! An instance of Clerk that is nothing but a key: it signs tokens and publishes its JWKS.
#![allow(dead_code, missing_docs)]

pub mod api;
pub mod backend;
pub mod http;
pub mod vectors;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://clerk.foo.com";
pub const PAGE: &str = "https://foo.com";

pub struct SigningKey {
    pub kid: String,
    pair: RsaKeyPair,
}

impl SigningKey {
    pub fn new(kid: &str) -> Self {
        Self { kid: kid.into(), pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    pub fn jwk(&self) -> Value {
        let parts = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public_key());
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(parts.n), "e": URL_SAFE_NO_PAD.encode(parts.e),
        })
    }

    pub fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    pub fn pem(&self) -> String {
        let der = self.pair.public_key().as_der().unwrap();
        let body = STANDARD.encode(der.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid, "cat": "cl_B7d4PD111AAA" })
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The claims of a session token that was made five seconds ago.
pub fn claims() -> Value {
    json!({
        "sub": "user_ada", "sid": "sess_1", "iss": ISSUER, "azp": PAGE, "jti": "token-1",
        "iat": NOW - 5, "nbf": NOW - 15, "exp": NOW + 55, "sts": "active", "v": 2,
    })
}

pub fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

pub fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

/// A server that publishes a JWKS and counts who asks.
#[derive(Clone)]
pub struct JwksServer {
    pub url: String,
    fetches: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
    paths: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub delay: Duration,
}

impl JwksServer {
    pub async fn start(body: impl Into<String>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap());
        let answer = Answer { status: 200, body: body.into(), delay: Duration::from_millis(50) };
        let (fetches, paths) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let server = Self { url, fetches, answer: Arc::new(Mutex::new(answer)), paths };
        let state = server.clone();
        let app = Router::new().fallback(move |uri: Uri| state.clone().respond(uri));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    async fn respond(self, uri: Uri) -> Response {
        self.paths.lock().unwrap().push(uri.path().to_owned());
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        tokio::time::sleep(answer.delay).await;
        let status = StatusCode::from_u16(answer.status).unwrap();
        // A redirect, if the status is one, leads to itself.
        (status, [(header::LOCATION, self.url.clone())], answer.body).into_response()
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }

    pub fn publish(&self, body: impl Into<String>) {
        let mut answer = self.answer.lock().unwrap();
        answer.status = 200;
        answer.body = body.into();
    }

    pub fn fail(&self, status: u16) {
        self.answer.lock().unwrap().status = status;
    }

    pub fn delay(&self, delay: Duration) {
        self.answer.lock().unwrap().delay = delay;
    }

    /// Waits until `count` fetches were made; those behind a request take a moment.
    pub async fn until_fetched(&self, count: usize) {
        for _ in 0..200 {
            if self.fetches() >= count {
                // And for the answer to be read.
                tokio::time::sleep(Duration::from_millis(120)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} fetches, not {count}", self.fetches());
    }
}
