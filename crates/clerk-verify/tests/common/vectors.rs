//! Runs a file of token vectors: every vector with every setting of `acceptsToken`, and the header cases.
#![allow(dead_code, missing_docs)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use clerk_verify::axum::{AuthLayer, SessionAuth};
use clerk_verify::{
    AcceptsToken, Auth, BackendApi, KeySet, KeySource, ManualClock, Policy, PolicyError, TokenKind, Verifier,
    VerifyError,
};
use serde_json::Value;
use tower::ServiceExt as _;

use super::backend::BackendServer;

pub struct File {
    pub json: Value,
    keys: KeySource,
    clock: ManualClock,
    backend: BackendApi,
}

/// One vector with one setting.
pub struct Case {
    pub id: String,
    pub setting: String,
    pub vector: Value,
    pub required: String,
    pub verdict: Result<Result<Auth, VerifyError>, PolicyError>,
}

/// One request by its headers.
pub struct HeaderCase {
    pub id: String,
    pub required: u16,
    pub status: u16,
}

impl File {
    /// # Errors
    ///
    /// A sentence that says what is wrong with the file.
    pub async fn read(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
        if !json["now"].is_i64() || !json["issuer"].is_string() || !json["vectors"].is_array() {
            return Err("a file of vectors has `now`, `issuer` and `vectors`".into());
        }
        let pem = json["publicKeyPem"].as_str().unwrap_or_default();
        let keys = KeySet::from_pem(pem).map_err(|error| format!("publicKeyPem: {error}"))?;
        let clock = ManualClock::at(json["now"].as_i64().unwrap_or_default());
        let server = BackendServer::start().await;
        let backend = BackendApi::at(&server.url, "sk_test_vectors".parse().unwrap()).unwrap();
        Ok(Self { json, keys: Arc::new(keys).into(), backend: backend.clock(clock.clone()), clock })
    }

    /// With the file's JWKS instead of its PEM.
    pub fn with_jwks(mut self) -> Self {
        self.keys = KeySet::from_jwks(self.json["jwks"].to_string().as_bytes()).unwrap().into();
        self
    }

    pub async fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for vector in self.json["vectors"].as_array().into_iter().flatten() {
            let token = vector["token"].as_str().unwrap_or_default();
            for (setting, required) in vector["required"].as_object().into_iter().flatten() {
                let verdict = match self.policy(&vector["opts"]) {
                    Ok(policy) => Ok(self.verifier(policy).verify(token, accepts(setting)).await),
                    Err(error) => Err(error),
                };
                cases.push(Case {
                    id: vector["id"].as_str().unwrap_or("?").to_owned(),
                    setting: setting.clone(),
                    vector: vector.clone(),
                    required: required.as_str().unwrap_or("?").to_owned(),
                    verdict,
                });
            }
        }
        cases
    }

    pub async fn header_cases(&self) -> Vec<HeaderCase> {
        let policy = self.policy(&Value::Null).unwrap();
        let who = |session: SessionAuth| async move { session.user_id().to_owned() };
        let app = Router::new().route("/", get(who)).layer(AuthLayer::new(self.verifier(policy)));
        let mut cases = Vec::new();
        for case in self.json["headers"].as_array().into_iter().flatten() {
            let query = case["query"].as_str().map(|query| format!("?{}", self.fill(query)));
            let mut request = Request::get(format!("/{}", query.unwrap_or_default()));
            for header in case["headers"].as_array().into_iter().flatten() {
                let value = self.fill(header[1].as_str().unwrap_or_default());
                request = request.header(header[0].as_str().unwrap_or_default(), value);
            }
            let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await;
            cases.push(HeaderCase {
                id: case["id"].as_str().unwrap_or("?").to_owned(),
                required: case["required_status"].as_u64().and_then(|s| s.try_into().ok()).unwrap_or(0),
                status: answer.unwrap().status().as_u16(),
            });
        }
        cases
    }

    /// What is absent: the issuer is the file's; audience and authorized parties are opted out of by name.
    fn policy(&self, opts: &Value) -> Result<Policy, PolicyError> {
        let draft = match &opts["issuer"] {
            Value::Null => Policy::for_issuer(self.json["issuer"].as_str().unwrap_or_default()),
            issuers => Policy::for_issuers(texts(issuers)),
        }?;
        let mut policy = match &opts["authorizedParties"] {
            Value::Null => draft.any_authorized_party(),
            parties => draft.authorized_parties(texts(parties))?,
        };
        policy = match &opts["audience"] {
            Value::Null => policy.any_audience(),
            audience => policy.audience(texts(audience))?,
        };
        // Null is what JSON makes of not-a-number, which is the default.
        Ok(match opts["clockSkewInMs"].as_i64() {
            Some(skew) => policy.clock_skew_millis(skew),
            None => policy,
        })
    }

    fn verifier(&self, policy: Policy) -> Verifier {
        Verifier::new(policy, self.keys.clone()).backend(self.backend.clone()).clock(self.clock.clone())
    }

    fn fill(&self, text: &str) -> String {
        let before = (self.json["now"].as_i64().unwrap_or_default() - 100).to_string();
        text.replace("$GOOD", self.token("ok-v2"))
            .replace("$EXPIRED", self.token("exp-past-60"))
            .replace("$NOW_MINUS_100", &before)
    }

    fn token(&self, id: &str) -> &str {
        let mut vectors = self.json["vectors"].as_array().into_iter().flatten();
        vectors.find(|vector| vector["id"] == id).and_then(|vector| vector["token"].as_str()).unwrap_or("")
    }
}

impl Case {
    pub fn said(&self) -> &'static str {
        match &self.verdict {
            Ok(Ok(_)) => "accept",
            Ok(Err(VerifyError::Rejected(_))) => "reject",
            Ok(Err(VerifyError::Unavailable(_))) => "unavailable",
            Ok(Err(VerifyError::Misconfigured)) => "misconfigured",
            Ok(Err(_)) => "?",
            Err(_) => "config-error",
        }
    }

    /// Why, in a word.
    pub fn reason(&self) -> String {
        match &self.verdict {
            Ok(Ok(auth)) => format!("{:?}", auth.kind()),
            Ok(Err(error)) => error.reason().to_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    pub fn passed(&self) -> bool {
        self.said() == self.required
    }
}

fn accepts(setting: &str) -> AcceptsToken {
    let kinds = setting.split('|').flat_map(|kind| match kind {
        "session_token" => vec![TokenKind::Session],
        "oauth_token" => vec![TokenKind::OAuth],
        "m2m_token" => vec![TokenKind::M2M],
        "api_key" => vec![TokenKind::ApiKey],
        "any" => vec![TokenKind::Session, TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey],
        _ => Vec::new(),
    });
    kinds.collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
        }
        one => vec![one.as_str().unwrap_or_default().to_owned()],
    }
}
