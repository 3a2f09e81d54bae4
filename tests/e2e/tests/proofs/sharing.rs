//! 1. Signing in leads back to the resource, and however many ask for it, one request is made.

use std::time::Duration;

use e2e::app::{FOO, claims};
use e2e::{Scene, WorldOptions, eventually, pause};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn three_components_share_one_request() {
    let scene = Scene::start(WorldOptions::default()).await;
    let (browser, api) = (&scene.browser, scene.world.gate.origin());

    scene.open(FOO).await;
    browser.wait_for("#sign-in-offer button").await;
    assert!(!browser.has("#foo-name").await);
    pause(500).await;
    let before = scene.network().await;
    assert!(before.requests_to(&api).is_empty(), "signed out, and yet something was asked for");

    // Held long enough for the third component to ask while the first request is on its way.
    scene.world.gate.hold(Duration::from_millis(1500));
    browser.click("#sign-in-offer button").await;
    scene.fill_in(&scene.ada().email, &scene.ada().password).await;
    eventually("the first request at the API", async || (scene.world.gate.arrivals(FOO) > 0).then_some(()))
        .await;
    pause(200).await;
    let opened: u64 = browser
        .run("document.querySelector(arguments[0]).click(); return Date.now()", &[json!("#foo-more-toggle")])
        .await;
    let name = scene.resource().await;
    let shown = browser.wait_for_text("#foo-more #foo-token-id", |id| !id.is_empty()).await;
    assert_eq!(scene.path().await, FOO);

    // What comes late would come within the next moments.
    pause(1000).await;
    let network = scene.network().await;
    let fetches = network.fetches_for(&api, FOO);
    assert_eq!(fetches.len(), 1, "one request for three components: {fetches:#?}");
    let sent = network.requests_for(&api, FOO);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].status, Some(200));
    let token = claims(sent[0].bearer().expect("a token"));
    assert_eq!(
        token["jti"].as_str(),
        Some(shown.as_str()),
        "the third component shows what the one request brought"
    );
    let (began, ended) = (fetches[0].at, fetches[0].ended.expect("an end"));
    assert!(began < opened && opened < ended, "opened at {opened}, on its way from {began} to {ended}");

    // Another key is another request, of the same path; coming back to the first key is none.
    scene.world.gate.hold(Duration::ZERO);
    scene.follow("/requests").await;
    browser.type_into("#request-url", FOO).await;
    browser.click("#request-send").await;
    browser.wait_for_text("#request-result[data-settled=true]", |text| text.contains("200")).await;
    scene.follow(FOO).await;
    scene.resource().await;
    pause(500).await;
    let statuses: Vec<_> =
        scene.network().await.requests_for(&api, FOO).iter().map(|sent| sent.status).collect();
    assert_eq!(statuses, [Some(200), Some(200)]);
    println!(
        "one request for /foo, on its way for {} ms; a component asked {} ms after it began; {name:?} in the first, {shown} in the third; another key made a second",
        ended - began,
        opened - began
    );
}
