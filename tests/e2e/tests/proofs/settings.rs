//! 8. A wrong setting is named on the page, with what to do; nothing is asked for with it.

use e2e::{Config, Scene, WorldOptions, pause};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_setting_is_named() {
    let scene = Scene::start(WorldOptions::default()).await;
    let world = &scene.world;
    let with = |key: &'static str, value: serde_json::Value| world.config_with(|config| config[key] = value);
    let without = |key: &'static str| {
        world.config_with(|config| {
            config.as_object_mut().unwrap().remove(key);
        })
    };
    let html =
        Config { status: 200, content_type: "text/html", body: "<!doctype html><title>app</title>".into() };
    // What is wrong, the config, what the page has to name.
    let wrong = [
        ("no config.json", Config::missing(), "config.json"),
        ("a server error", Config { status: 500, ..Config::missing() }, "config.json"),
        ("an empty config.json", Config::json(""), "config.json"),
        ("config.json is no JSON", Config::json("{\"publishableKey\": "), "config.json"),
        ("config.json is a list", Config::json("[]"), "config.json"),
        ("config.json is the app's own page", html.clone(), "config.json"),
        ("the same, called JSON", Config { content_type: "application/json", ..html }, "config.json"),
        ("no settings in it", Config::json("{}"), "publishableKey"),
        ("no publishable key", without("publishableKey"), "publishableKey"),
        ("an empty publishable key", with("publishableKey", json!("")), "publishableKey"),
        ("a malformed publishable key", with("publishableKey", json!("pk_test_%%%")), "publishableKey"),
        ("a secret key", with("publishableKey", json!("sk_test_abcdefghijkl")), "publishableKey"),
        ("a publishable key that is a number", with("publishableKey", json!(7)), "publishableKey"),
        ("a proxy path that is no path", with("proxyPath", json!("evil")), "proxyPath"),
        ("a proxy on another origin", with("proxyPath", json!("//evil.example")), "proxyPath"),
        ("no API origin", without("apiOrigin"), "apiOrigin"),
        ("an empty API origin", with("apiOrigin", json!("")), "apiOrigin"),
        ("a malformed API origin", with("apiOrigin", json!("not a url")), "apiOrigin"),
        ("an API origin without a scheme", with("apiOrigin", json!("api.foo.com")), "apiOrigin"),
        ("plain http off loopback", with("apiOrigin", json!("http://api.foo.com")), "apiOrigin"),
        (
            "plain http on a look-alike",
            with("apiOrigin", json!("http://localhost.evil.example")),
            "apiOrigin",
        ),
    ];
    let mut problems = Vec::new();
    for (what, config, name) in wrong {
        world.front.set_config(config);
        scene.open("/foo").await;
        let shown = scene
            .browser
            .wait(&format!("{name} to be named: {what}"), async || {
                scene.browser.text("[role=alert]#setting-error").await.filter(|text| !text.is_empty())
            })
            .await;
        println!("{what}: {shown}");
        if !shown.contains(name) {
            problems.push(format!("{what}: {name} is not named in {shown:?}"));
        }
        if shown.contains("sk_test_abcdefghijkl") {
            problems.push(format!("{what}: a secret is shown"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    pause(500).await;
    let network = scene.network().await;
    assert!(network.requests_to(&world.gate.origin()).is_empty(), "the API was asked");
    let clerk = network.exchanges.iter().filter(|sent| sent.path().starts_with("/__clerk")).count();
    assert_eq!(clerk, 0, "Clerk was loaded");
    let settings = network.requests_for(&world.front.origin(), "/config.json");
    assert!(settings.len() >= 21, "each page asked for its settings anew: {}", settings.len());

    // The right ones, on the same build, put it right.
    world.front.set_config(world.config());
    scene.open("/foo").await;
    scene.browser.wait_for("#sign-in-offer").await;
    assert!(!scene.browser.has("#setting-error").await);
}
