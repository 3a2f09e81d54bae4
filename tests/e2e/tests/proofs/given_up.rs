//! 15. Requests that are given up harm nothing: called off by the cache, stopped by the person, cut off by leaving.

use std::time::Duration;

use e2e::{Lab, WorldOptions, pause};
use serde_json::{Value, json};

async fn is_well(lab: &Lab) {
    lab.world().gate.hold(Duration::ZERO);
    assert_eq!(lab.requests(3, "/me").await, json!({"200": 3}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_requests_are_given_up_lives() {
    let lab = Lab::signed_in(WorldOptions::default()).await;
    let (browser, gate) = (lab.browser(), &lab.world().gate);
    let slow = || gate.hold(Duration::from_secs(2));

    slow();
    for _ in 0..3 {
        assert!(lab.call::<bool>("give_up", &[]).await);
    }
    is_well(&lab).await;

    // The stop button: browsers end every fetch, with an error of their own.
    slow();
    lab.begin("requests", &[json!(20), json!("/me")]).await;
    pause(300).await;
    let _: Value = browser.run("window.stop(); return null", &[]).await;
    let stopped = lab.came().await.to_string();
    assert!(stopped.contains("the server did not answer") && !stopped.contains("threw"), "{stopped}");
    is_well(&lab).await;

    slow();
    lab.begin("requests", &[json!(20), json!("/me")]).await;
    pause(300).await;
    browser.goto(&lab.world().page("/config.json")).await;
    gate.hold(Duration::ZERO);
    browser.back().await;
    lab.who(|who| who.contains("Ada")).await;
    lab.things(|thing| thing.contains("Ada")).await;
    is_well(&lab).await;

    let broken = ["panicked", "RuntimeError", "Uncaught", "unreachable"];
    let console = browser.console().await;
    let found: Vec<_> =
        console.iter().filter(|line| broken.iter().any(|word| line.text.contains(word))).collect();
    assert!(found.is_empty(), "{found:?}");
    println!("given up by the cache, by the stop button ({stopped}), and by leaving: the page goes on");
}
