//! The clerk-js that runs is the pinned one, byte for byte.

use e2e::{Scene, WorldOptions, tools};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn clerk_is_the_pinned_one_and_its_bytes_are_the_tarballs() {
    let scene = Scene::start(WorldOptions::default()).await;
    scene.sign_in_at_foo().await;
    let version: Value = scene.browser.run("return [Clerk.version, Clerk.uiVersion ?? null]", &[]).await;
    assert_eq!(version[0], tools::pinned_version("clerk-js"));
    if let Some(ui) = version[1].as_str() {
        assert_eq!(ui, tools::pinned_version("clerk-ui"));
    }

    let network = scene.network().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut compared = Vec::new();
    for sent in &network.exchanges {
        let path = sent.path();
        let Some((_, file)) = path.split_once("/dist/").filter(|_| path.starts_with("/__clerk/npm/")) else {
            continue;
        };
        assert_eq!(sent.status, Some(200), "{path}");
        let package = if path.contains("/clerk-js@") { tools::clerk_js() } else { tools::clerk_ui() };
        let served = client.get(&sent.url).send().await.unwrap().bytes().await.unwrap();
        let packed = std::fs::read(package.join("dist").join(file)).unwrap();
        assert!(served == packed, "{path} is not the package's file");
        compared.push(file.to_owned());
    }
    for entry in ["clerk.browser.js", "ui.browser.js"] {
        assert!(compared.iter().any(|file| file == entry), "{entry} was loaded: {compared:?}");
    }
    // Nothing of Clerk's came from anywhere else.
    let elsewhere = |url: &str| url.contains("clerk") && !url.starts_with(&scene.world.front.origin());
    let strays: Vec<_> = network.exchanges.iter().filter(|sent| elsewhere(&sent.url)).collect();
    assert!(strays.is_empty(), "{strays:#?}");
    println!("Clerk {}, UI {}; {} files as in the packages", version[0], version[1], compared.len());
}
