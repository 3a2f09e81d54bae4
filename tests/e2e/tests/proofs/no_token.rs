//! Without a token no request leaves, and the page says why.

use std::time::Duration;

use e2e::app::FOO;
use e2e::{Scene, WorldOptions, pause};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_is_not_sent() {
    let scene = Scene::start(WorldOptions::default()).await;
    let (browser, api) = (&scene.browser, scene.world.gate.origin());
    scene.sign_in_at_foo().await;
    let asked = async || scene.network().await.requests_to(&api).len();
    let before = asked().await;

    // clerk-js gives null when signed out; the rest is what code makes of it.
    for odd in ["null", "undefined", "''", "'null'", "'undefined'", "' '", "7", "{}", "'a b'", "'a\\nb'"] {
        let script =
            format!("window.real ??= Clerk.session.getToken; Clerk.session.getToken = async () => ({odd})");
        let _: Value = browser.run(&format!("{script}; return null"), &[]).await;
        browser.click("#foo-refresh").await;
        let said = browser.wait_for_text("#foo-error, #foo-waiting", |text| !text.is_empty()).await;
        println!("{odd}: {said:?}");
        browser.wait_for("#foo-refresh:enabled").await;
    }
    pause(1000).await;
    assert_eq!(asked().await, before, "a request left without a token");

    let _: Value = browser.run("Clerk.session.getToken = window.real; return null", &[]).await;
    browser.click("#foo-refresh").await;
    browser.wait_gone("#foo-error").await;
    assert!(asked().await > before, "with a token it does");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_clerk_does_not_load_nothing_is_asked_and_the_page_says_so() {
    let scene = Scene::start(WorldOptions::default()).await;
    scene.sign_in_at_foo().await;
    let api = scene.world.gate.origin();
    for (part, status) in [("/npm/@clerk/clerk-js", 404), ("/npm/@clerk/clerk-js", 500)] {
        let before = scene.network().await.requests_to(&api).len();
        scene.world.front.refuse(Some((part, status)));
        scene.open(FOO).await;
        let said = scene
            .browser
            .wait_within(Duration::from_secs(40), "the page to say that Clerk did not load", async || {
                scene.browser.text("[role=alert]#clerk-error").await.filter(|text| !text.is_empty())
            })
            .await;
        println!("{part} answers {status}: {said:?}");
        assert!(!scene.browser.has("#foo-name").await && !scene.browser.has("#sign-in-offer").await);
        assert_eq!(scene.network().await.requests_to(&api).len(), before, "something was asked for");
    }
    scene.world.front.refuse(None);
    scene.open(FOO).await;
    scene.resource().await;
}
