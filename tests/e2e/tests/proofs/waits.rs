//! 14. Clerk hangs, is slow, fails or is wrong about the time: every wait ends in its limit and says why.

use std::time::{Duration, Instant};

use e2e::{Lab, WorldOptions};
use serde_json::{Value, json};

/// How long a wish may wait for a Clerk that is there, in milliseconds; clerk-js alone tries for minutes.
const LIMIT: u32 = 3_000;

/// The same while the page loads, which takes a moment even if all is well.
const LOADING: u32 = 8_000;

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
async fn wish(lab: &Lab, forced: bool, limit: u32) -> String {
    let started = Instant::now();
    let outcomes = lab.tokens(1, forced, limit).await.outcomes;
    let took = started.elapsed();
    assert!(took < Duration::from_millis(u64::from(limit) + 1_500), "{outcomes:?} took {took:?}");
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
    // Of what clerk-js tries again, nobody else hears before it gives up, after minutes.
    let late = "TimedOut { after: 3s }";
    let refused = "ProviderError { code: \"form_param_unknown\"";
    let cases = [
        ("hung", json!({"hang": true}), late),
        ("slow", json!({"delayMillis": 1_000}), "token"),
        ("500", json!({"status": 500}), late),
        ("429", json!({"status": 429, "retryAfter": 7}), late),
        ("malformed", json!({"body": "<!doctype html>"}), late),
        ("broken off", json!({"drop": true}), late),
        ("refused", json!({"status": 422, "code": "form_param_unknown"}), refused),
    ];
    let mut said = Vec::new();
    for (name, how, expected) in cases {
        fault(&lab, "/v1/client/sessions/*/tokens", how).await;
        let outcome = wish(&lab, true, LIMIT).await;
        assert!(outcome.starts_with(expected), "{name}: {outcome}");
        no_fault(&lab).await;
        assert_eq!(wish(&lab, true, LIMIT).await, "token", "after {name}");
        said.push(format!("{name}: {outcome}"));
    }

    offline(&lab, true).await;
    assert_eq!(wish(&lab, true, LIMIT).await, "Offline");
    offline(&lab, false).await;
    assert_eq!(wish(&lab, true, LIMIT).await, "token", "online again");

    // A request that sets no limit for its token waits ten seconds, and says what it waited for.
    fault(&lab, "/v1/client/sessions/*/tokens", json!({"hang": true})).await;
    let _: () = lab.clerk("Clerk.session.clearCache()").await;
    let started = Instant::now();
    let answer = lab.requests(1, "/me").await.to_string();
    assert!(answer.contains("no token came within 10s, so nothing was sent"), "{answer}");
    assert!(started.elapsed() < Duration::from_millis(11_500));
    println!("in a session, limit {LIMIT} ms: {}; offline: Offline", said.join("; "));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_clerk_does_at_the_start_a_wish_ends_and_says_why() {
    let lab = Lab::signed_in(options()).await;
    let browser = lab.browser();
    // clerk-js takes the session from its cookie where Clerk fails, and calls that degraded.
    let cases = [
        ("slow", json!({"delayMillis": 500}), LOADING, "token"),
        ("500", json!({"status": 500}), LOADING, "token"),
        ("malformed", json!({"body": "<!doctype html>"}), LOADING, "token"),
        ("broken off", json!({"drop": true}), LOADING, "token"),
        ("429", json!({"status": 429, "retryAfter": 7}), LOADING, "NotLoaded"),
        ("hung", json!({"hang": true}), LIMIT, "NotLoaded"),
    ];
    for (name, how, limit, expected) in cases {
        for path in ["/v1/client", "/v1/environment"] {
            fault(&lab, path, how.clone()).await;
        }
        browser.reload().await;
        browser.wait_for("#who").await;
        assert_eq!(wish(&lab, false, limit).await, expected, "{name}");
        // Nobody is taken for signed out because Clerk does not say.
        let who = browser.text("#who").await.unwrap_or_default();
        assert!(who == "loading" || who.contains("Ada"), "{name}: {who}");
        if name == "429" {
            browser.wait_for_text("#load-error", |error| error.contains("too_many_requests")).await;
        }
        if name == "hung" {
            let within = |error: String| error.contains("did not load within 20 s").then_some(());
            browser
                .wait_within(Duration::from_secs(22), "loading to be given up", async || {
                    browser.text("#load-error").await.and_then(within)
                })
                .await;
        }
        no_fault(&lab).await;
    }

    // Not even the script comes.
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.setCacheDisabled", json!({"cacheDisabled": true})).await;
    lab.world().front.refuse(Some(("clerk.browser.js", 503)));
    browser.reload().await;
    browser.wait_for_text("#load-error", |error| error.contains("could not be loaded from")).await;
    assert_eq!(wish(&lab, false, LIMIT).await, "NotLoaded");
    println!(
        "At the start: a token where Clerk is slow, fails, talks nonsense or breaks off; NotLoaded with the reason on 429, \
         after 20 s where it hangs, and without the script"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_two_minutes_off_ends_in_an_answer() {
    let lab = Lab::signed_in(options()).await;
    for (ahead, reason) in
        [(-120, "401 None 401 The token has expired"), (120, "401 None 401 The token is not active yet")]
    {
        lab.world()
            .control("PATCH", "/settings", json!({"tokenLifeSeconds": 60, "clockAheadSeconds": ahead}))
            .await;
        lab.browser().reload().await;
        lab.who(|who| who.contains("Ada")).await;
        assert_eq!(wish(&lab, true, LIMIT).await, "token");
        lab.world().front.take_clerk_asked();
        let started = Instant::now();
        let answer = lab.requests(5, "/me").await;
        assert_eq!(answer, json!({reason: 5}));
        assert!(started.elapsed() < Duration::from_millis(u64::from(LIMIT)));
        // One more for a token that clerk-js itself takes for expired.
        let asked = lab.world().front.take_clerk_asked();
        assert!(asked.iter().filter(|asked| asked.contains("/tokens")).count() <= 2, "{asked:?}");
        println!("Clerk's clock {ahead} s off: five requests say {reason:?} after {:?}", started.elapsed());
    }
}
