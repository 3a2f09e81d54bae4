//! 5. A server that is not there is asked three times, one that refuses is asked once.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::app::FOO;
use e2e::{Scene, WorldOptions, pause};
use serde_json::json;

/// Writes down everything `#foo-waiting` ever says, from before the page's first line runs.
const WATCH: &str = "window.waits = [];
    new MutationObserver(() => {
        const text = document.querySelector('#foo-waiting')?.innerText?.trim();
        if (text && window.waits.at(-1) !== text) window.waits.push(text);
    }).observe(document, {subtree: true, childList: true, characterData: true});";

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_api_is_asked_three_times_and_comes_back_by_the_button() {
    let mut scene = Scene::start(WorldOptions::default()).await;
    let api = scene.world.gate.origin();
    let name = scene.sign_in_at_foo().await;

    scene.world.stop_api().await;
    scene.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH})).await;
    let before = scene.network().await.fetches_for(&api, FOO).len();
    scene.browser.reload().await;
    let failed = scene
        .browser
        .wait_within(Duration::from_secs(40), "the failed state", async || {
            scene.browser.text("[role=alert]#foo-error").await.filter(|text| !text.is_empty())
        })
        .await;
    assert!(scene.browser.has("#foo-retry").await && !scene.browser.has("#foo-name").await);
    let waits: BTreeSet<String> = scene.browser.run("return window.waits", &[]).await;
    let counts: Vec<_> = waits.iter().filter_map(|text| seconds(text)).collect();
    assert!(!counts.is_empty(), "no `retrying in N s` among {waits:?}");

    // No fourth attempt comes.
    pause(4000).await;
    let network = scene.network().await;
    let attempts = &network.fetches_for(&api, FOO)[before..];
    assert_eq!(attempts.len(), 3, "{attempts:#?}");
    let errors: Vec<_> = network
        .requests_to(&api)
        .iter()
        .rev()
        .take(3)
        .map(|sent| sent.net_error.unwrap_or_default())
        .collect();
    assert_eq!(errors, [-102; 3], "each attempt was refused a connection");
    let gaps: Vec<_> = attempts.windows(2).map(|two| two[1].at - two[0].ended.unwrap()).collect();
    println!("three attempts, {gaps:?} ms apart; shown: {waits:?}; then {failed:?}");

    scene.world.start_api().await;
    assert!(scene.browser.has("#foo-retry").await, "it does not come back by itself");
    scene.browser.click("#foo-retry").await;
    assert_eq!(scene.resource().await, name);
    scene.browser.wait_gone("#foo-error").await;
    assert_eq!(scene.network().await.requests_for(&api, FOO).last().unwrap().status, Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_means_is_not_tried_again() {
    let scene = Scene::start(WorldOptions::default()).await;
    let (browser, api) = (&scene.browser, scene.world.gate.origin());
    scene.sign_in_at_foo().await;

    let detail = "Only people with a key may see this.";
    let problem = json!({"type": "about:blank", "title": "Forbidden", "status": 403, "detail": detail});
    let problem_json = ("content-type", "application/problem+json");
    let expose = ("access-control-expose-headers", "WWW-Authenticate, Retry-After, X-Request-Id");
    // Status, body, what the page has to say about it, attempts.
    let cases = [
        (403, problem.to_string(), detail, 1),
        (404, String::new(), "Not Found", 1),
        // The count can tell: this one is worth another attempt.
        (503, String::new(), "Service Unavailable", 3),
    ];
    for (status, body, reason, attempts) in cases {
        scene.world.gate.answer(FOO, status, &[problem_json, expose], &body);
        let before = scene.network().await.fetches_for(&api, FOO).len();
        browser.reload().await;
        let shown = browser
            .wait_within(Duration::from_secs(40), "the failed state", async || {
                browser.text("[role=alert]#foo-error").await.filter(|text| !text.is_empty())
            })
            .await;
        assert!(shown.contains(&status.to_string()) && shown.contains(reason), "{status}: {shown:?}");
        // Longer than the longest wait between two attempts.
        pause(4500).await;
        let network = scene.network().await;
        assert_eq!(network.fetches_for(&api, FOO).len() - before, attempts, "{status}");
        println!("{status}: {attempts} attempt(s), {shown:?}");
    }
    scene.world.gate.let_through();
    browser.click("#foo-retry").await;
    scene.resource().await;
}

/// The N of `retrying in N s`.
fn seconds(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("retrying in ")?;
    rest.split_once(" s")?.0.parse().ok()
}
