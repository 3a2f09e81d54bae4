//! 8. Where sign-in returns to is a path of this app, whatever the address asks for.

use e2e::{Scene, WorldOptions, pause};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// The query parameters that could be taken for the one to return to.
const PARAMETERS: [&str; 3] = ["redirect_url", "return_to", "next"];

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_returns_to_a_path_of_the_app() {
    let scene = Scene::start(WorldOptions::default()).await;
    let evil = format!("127.0.0.1:{}", scene.world.recorder.port());
    let forms = [
        format!("//{evil}"),
        format!("http://{evil}"),
        format!("https://{evil}"),
        format!("/\\{evil}"),
        format!("\\\\{evil}"),
        format!("/\t/{evil}"),
        format!("///{evil}"),
        "javascript:window.pwned=1".to_owned(),
        "data:text/html,evil".to_owned(),
    ];

    // Whoever is signed in already is sent on at once: every form, however often encoded.
    let home = scene.world.page("/");
    scene.open("/sign-in?redirect_url=%2Ffoo").await;
    scene.fill_in(&scene.ada().email, &scene.ada().password).await;
    assert_eq!(settled(&scene).await, scene.world.page("/foo"), "a path of the app is where it leads");
    for form in &forms {
        let once = encode(form);
        for value in [form.clone(), encode(&once), once] {
            let query = PARAMETERS.map(|name| format!("{name}={value}")).join("&");
            for address in [format!("/sign-in?{query}"), format!("/sign-in?{query}#/?{query}")] {
                scene.open(&address).await;
                stayed_at_home(&scene, &home, &address).await;
            }
        }
    }
    scene.open("/sign-in?redirect_url=/foo").await;
    assert_eq!(settled(&scene).await, scene.world.page("/foo"));

    // Through Clerk's own form, which is led back by clerk-js: the four kinds, plain and encoded.
    for form in [&forms[0], &forms[1], &forms[3], &forms[7]] {
        for value in [form.clone(), encode(form)] {
            scene.browser.devtools("Storage.clearCookies", json!({})).await;
            let address = format!("/sign-in?redirect_url={value}#/?redirect_url={value}");
            scene.open("/requests").await;
            scene.open(&address).await;
            scene.fill_in(&scene.ada().email, &scene.ada().password).await;
            stayed_at_home(&scene, &home, &address).await;
        }
    }
    assert!(scene.world.recorder.seen().is_empty(), "{:?}", scene.world.recorder.seen());
    println!(
        "{} forms, each thrice in two places, all led home; so did the four kinds through the form",
        forms.len()
    );
}

async fn stayed_at_home(scene: &Scene, home: &str, address: &str) {
    assert_eq!(settled(scene).await, home, "from {address:?}");
    let pwned: Value = scene.browser.run("return window.pwned ?? null", &[]).await;
    assert_eq!(pwned, json!(null), "from {address:?}");
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The address, once the sign-in page is left and nothing moves any more.
async fn settled(scene: &Scene) -> String {
    scene
        .browser
        .wait("the sign-in page to be left", async || (scene.path().await != "/sign-in").then_some(()))
        .await;
    pause(300).await;
    scene.browser.url().await
}
