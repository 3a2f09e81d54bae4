//! 14. Clerk hangs, is slow, fails or is wrong about the time: every wait ends in its limit and says why.

use std::time::{Duration, Instant};

use e2e::{Lab, WorldOptions};
use serde_json::{Value, json};

/// How long each wish may wait. clerk-js alone tries for minutes.
const LIMIT: u32 = 3_000;

/// The tokens live longer than the test takes: clerk-js asks for none by itself.
fn options() -> WorldOptions {
    WorldOptions { token_life: Some(Duration::from_secs(300)), ..WorldOptions::default() }
}

async fn fault(lab: &Lab, path: &str, mut fault: Value) {
    fault["path"] = json!(path);
    fault["times"] = json!(1_000);
    lab.world().control("POST", "/faults", fault).await;
}

async fn no_fault(lab: &Lab) {
    lab.world().control("DELETE", "/faults", json!({})).await;
}

/// What one wish for a token came to, after checking that it took no longer than it may.
async fn wish(lab: &Lab, forced: bool) -> String {
    let started = Instant::now();
    let outcomes = lab.tokens(1, forced, LIMIT).await.outcomes;
    let took = started.elapsed();
    assert!(took < Duration::from_millis(u64::from(LIMIT) + 1_500), "{outcomes:?} took {took:?}");
    assert_eq!(outcomes.len(), 1);
    outcomes.into_keys().next().expect("an outcome")
}

async fn offline(lab: &Lab, offline: bool) {
    let network = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    lab.browser().devtools("Network.enable", json!({})).await;
    lab.browser().devtools("Network.emulateNetworkConditions", network).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_clerk_does_in_a_session_a_wish_ends_and_says_why() {
    let lab = Lab::signed_in(options()).await;
    let cases = [
        ("hung", json!({"hang": true})),
        ("slow", json!({"delayMillis": 1_000})),
        ("500", json!({"status": 500})),
        ("429", json!({"status": 429, "retryAfter": 7})),
        ("malformed", json!({"body": "<!doctype html>"})),
        ("broken off", json!({"drop": true})),
    ];
    for (name, how) in cases {
        fault(&lab, "/v1/client/sessions/*/tokens", how).await;
        println!("mid-session, {name}: {}", wish(&lab, true).await);
        no_fault(&lab).await;
        assert_eq!(wish(&lab, true).await, "token", "after {name}");
    }
    offline(&lab, true).await;
    println!("mid-session, offline: {}", wish(&lab, true).await);
    offline(&lab, false).await;
    assert_eq!(wish(&lab, true).await, "token", "online again");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_clerk_does_at_the_start_a_wish_ends_and_says_why() {
    let lab = Lab::signed_in(options()).await;
    let cases = [
        ("slow", json!({"delayMillis": 500})),
        ("500", json!({"status": 500})),
        ("429", json!({"status": 429, "retryAfter": 7})),
        ("malformed", json!({"body": "<!doctype html>"})),
        ("broken off", json!({"drop": true})),
        ("hung", json!({"hang": true})),
    ];
    for (name, how) in cases {
        for path in ["/v1/client", "/v1/environment"] {
            fault(&lab, path, how.clone()).await;
        }
        lab.browser().reload().await;
        lab.browser().wait_for("#who").await;
        let outcome = wish(&lab, false).await;
        let (who, error) = (lab.browser().text("#who").await, lab.browser().text("#load-error").await);
        println!("at the start, {name}: {outcome}; {who:?} {error:?}");
        no_fault(&lab).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_two_minutes_off_ends_in_an_answer() {
    let lab = Lab::signed_in(options()).await;
    for ahead in [-120, 120] {
        lab.world().control("PATCH", "/settings", json!({"tokenLifeSeconds": 60, "clockAheadSeconds": ahead})).await;
        lab.browser().reload().await;
        lab.browser().wait_for("#who").await;
        let outcome = wish(&lab, true).await;
        lab.world().front.take_clerk_asked();
        let started = Instant::now();
        let answer = lab.requests(5, "/me").await;
        let asked = lab.world().front.take_clerk_asked();
        println!("clock {ahead} s: {outcome}; {answer} after {:?}; Clerk was asked {asked:?}", started.elapsed());
    }
}
