//! Keys over HTTP: how often they are fetched, and what happens when they cannot be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use clerk_verify::{Jwks, ManualClock, Policy, Rejection, Verifier, VerifyError};
use common::{ISSUER, JwksServer, NOW, SigningKey, claims, with};
use serde_json::json;

struct Setup {
    key: SigningKey,
    server: JwksServer,
    clock: ManualClock,
    verifier: Verifier,
}

async fn setup() -> Setup {
    let key = SigningKey::new("ins_1");
    let server = JwksServer::start(key.jwks()).await;
    let clock = ManualClock::at(NOW);
    let jwks = Jwks::from_url(&server.url).unwrap().clock(clock.clone());
    // Hours pass in these tests; the token's own times are not what they are about.
    let policy = Policy::for_issuer(ISSUER).unwrap().any_authorized_party();
    let verifier = Verifier::new(policy, jwks).clock(ManualClock::at(NOW));
    Setup { key, server, clock, verifier }
}

impl Setup {
    async fn verify(&self, token: &str) -> Result<(), VerifyError> {
        self.verifier.verify_session(token).await.map(|_| ())
    }

    async fn good(&self) -> Result<(), VerifyError> {
        self.verify(&self.key.sign(&claims())).await
    }
}

fn rejected(rejection: Rejection) -> Result<(), VerifyError> {
    Err(VerifyError::Rejected(rejection))
}

fn unavailable(result: Result<(), VerifyError>) -> (Duration, &'static str) {
    match result {
        Err(error @ VerifyError::Unavailable(unavailable)) => (unavailable.retry_after(), error.reason()),
        other => panic!("{other:?}"),
    }
}

/// Verifies many tokens at once.
async fn at_once(setup: &Setup, tokens: Vec<String>) -> Vec<Result<(), VerifyError>> {
    let mut tasks = Vec::new();
    for token in tokens {
        let verifier = setup.verifier.clone();
        tasks.push(tokio::spawn(async move { verifier.verify_session(&token).await.map(|_| ()) }));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

fn forged(count: usize) -> Vec<String> {
    let key = SigningKey::new("forged");
    (0..count)
        .map(|number| {
            let header = json!({ "alg": "RS256", "kid": format!("ins_{number}x") });
            key.sign_with(&header, &claims())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cold_requests_make_one_fetch() {
    let setup = setup().await;
    let results = at_once(&setup, vec![setup.key.sign(&claims()); 200]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(setup.server.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_make_one_fetch_per_interval() {
    let setup = setup().await;
    for round in 1..=3 {
        let results = at_once(&setup, forged(100)).await;
        assert!(results.iter().all(|result| *result == rejected(Rejection::UnknownKey)), "{results:?}");
        assert_eq!(setup.server.fetches(), round);
        setup.clock.advance(Duration::from_secs(29));
        assert_eq!(at_once(&setup, forged(5)).await.len(), 5);
        assert_eq!(setup.server.fetches(), round, "within the interval");
        setup.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn tokens_that_no_key_could_verify_make_no_fetch() {
    let setup = setup().await;
    let none = json!({ "alg": "none", "kid": "ins_1" });
    for token in ["bnVsbA.e30.AA", "ak_x", "x", &setup.key.sign_with(&none, &claims())] {
        assert!(matches!(setup.verify(token).await, Err(VerifyError::Rejected(_))), "{token}");
    }
    assert_eq!(setup.server.fetches(), 0);
    for kid in [json!(null), json!(""), json!(7), json!("a b"), json!("k".repeat(129)), json!("\u{e9}")] {
        let token = setup.key.sign_with(&json!({ "alg": "RS256", "kid": kid }), &claims());
        assert_eq!(setup.verify(&token).await, rejected(Rejection::UnknownKey), "{kid}");
    }
    assert_eq!(setup.server.fetches(), 0);
}

#[tokio::test]
async fn an_outage_loses_no_request() {
    let setup = setup().await;
    assert_eq!(setup.good().await, Ok(()));
    setup.server.fail(500);
    setup.server.delay(Duration::ZERO);
    for _ in 0..60 {
        setup.clock.advance(Duration::from_secs(60));
        assert_eq!(setup.good().await, Ok(()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(setup.server.fetches() > 10, "the issuer is asked again: {}", setup.server.fetches());
    // Nobody knows whether the issuer has this one: no answer is not "no".
    assert_eq!(unavailable(setup.verify(&forged(1)[0]).await).1, "jwk-remote-failed-to-load");

    // Not for ever.
    setup.clock.advance(Duration::from_secs(24 * 60 * 60));
    unavailable(setup.good().await);
    setup.server.publish(setup.key.jwks());
    setup.clock.advance(Duration::from_secs(30));
    assert_eq!(setup.good().await, Ok(()));
}

#[tokio::test]
async fn old_keys_are_refreshed_behind_the_request() {
    let setup = setup().await;
    assert_eq!(setup.good().await, Ok(()));
    setup.server.delay(Duration::from_secs(3));
    setup.clock.advance(Duration::from_secs(300));
    let start = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(setup.good().await, Ok(()));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    setup.server.until_fetched(2).await;
    assert_eq!(setup.server.fetches(), 2);
}

#[tokio::test]
async fn a_new_key_is_picked_up_and_an_old_one_dropped() {
    let setup = setup().await;
    assert_eq!(setup.good().await, Ok(()));
    let new = SigningKey::new("ins_2");
    setup.server.publish(json!({ "keys": [setup.key.jwk(), new.jwk()] }).to_string());
    assert_eq!(setup.verify(&new.sign(&claims())).await, rejected(Rejection::UnknownKey));
    setup.clock.advance(Duration::from_secs(30));
    assert_eq!(setup.verify(&new.sign(&claims())).await, Ok(()));
    assert_eq!(setup.good().await, Ok(()));

    setup.server.publish(new.jwks());
    setup.clock.advance(Duration::from_secs(300));
    assert_eq!(setup.good().await, Ok(()), "served stale once");
    setup.server.until_fetched(3).await;
    assert_eq!(setup.good().await, rejected(Rejection::UnknownKey));
    assert_eq!(setup.verify(&new.sign(&claims())).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_keys_at_all_is_no_verdict() {
    let setup = setup().await;
    setup.server.fail(503);
    let results = at_once(&setup, vec![setup.key.sign(&claims()); 50]).await;
    for result in results {
        assert_eq!(unavailable(result), (Duration::from_secs(1), "jwk-remote-failed-to-load"));
    }
    assert_eq!(setup.server.fetches(), 1);
    setup.clock.advance(Duration::from_secs(1));
    assert_eq!(unavailable(setup.good().await).0, Duration::from_secs(2));
    assert_eq!(setup.server.fetches(), 2);
    setup.server.publish(setup.key.jwks());
    unavailable(setup.good().await);
    assert_eq!(setup.server.fetches(), 2, "not before its time");
    setup.clock.advance(Duration::from_secs(2));
    assert_eq!(setup.good().await, Ok(()));
}

#[tokio::test]
async fn a_document_that_is_no_jwks_is_refused_and_the_old_one_kept() {
    let setup = setup().await;
    assert_eq!(setup.good().await, Ok(()));
    let mut private = setup.key.jwk();
    private["d"] = json!("AQAB");
    let documents = [
        "<!doctype html>".to_owned(),
        json!({ "keys": [] }).to_string(),
        json!({ "keys": [private] }).to_string(),
        format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(300_000)),
    ];
    for (number, document) in documents.into_iter().enumerate() {
        setup.server.publish(document);
        setup.clock.advance(Duration::from_secs(400));
        assert_eq!(setup.good().await, Ok(()));
        setup.server.until_fetched(number + 2).await;
        assert_eq!(unavailable(setup.verify(&forged(1)[0]).await).1, "jwk-remote-invalid");
    }
    assert_eq!(setup.good().await, Ok(()));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let setup = setup().await;
    setup.server.fail(302);
    assert_eq!(unavailable(setup.good().await).1, "jwk-remote-failed-to-load");
    assert_eq!(setup.server.fetches(), 1);
}

#[tokio::test]
async fn who_goes_away_does_not_cancel_what_others_wait_for() {
    let setup = setup().await;
    setup.server.delay(Duration::from_millis(300));
    let token = setup.key.sign(&claims());
    let impatient = tokio::time::timeout(Duration::from_millis(50), setup.verify(&token)).await;
    assert!(impatient.is_err());
    assert_eq!(setup.good().await, Ok(()));
    assert_eq!(setup.server.fetches(), 1);
}

/// The clock stands still but for the waits.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_waited_for_within_bounds() {
    let setup = setup().await;
    setup.server.delay(Duration::from_secs(60));
    let start = tokio::time::Instant::now();
    assert_eq!(unavailable(setup.good().await).1, "jwk-remote-failed-to-load");
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(6), "{waited:?}");
    assert_eq!(setup.server.fetches(), 1, "it was asked, and did not answer");
}

#[tokio::test]
async fn a_key_set_is_its_own_instances() {
    let (one, two) = (setup().await, setup().await);
    assert_eq!(one.good().await, Ok(()));
    assert_eq!(two.good().await, Ok(()));
    assert_eq!(one.verify(&two.key.sign(&with("sub", "user_x"))).await, rejected(Rejection::WrongSignature));
}
