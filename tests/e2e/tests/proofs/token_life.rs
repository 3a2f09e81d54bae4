//! 3. A token that has run out is replaced before the next request, with and without a reload.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::app::{FOO, claims};
use e2e::{Scene, WorldOptions, pause};
use reqwest::StatusCode;

/// How long after its `exp` a token counts as well expired: more than any verifier's leeway for clocks.
const WELL: u64 = 7;

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_replaced_by_a_fresh_one() {
    let scene =
        Scene::start(WorldOptions { token_life: Some(Duration::from_secs(20)), ..WorldOptions::default() })
            .await;
    scene.sign_in_at_foo().await;
    scene.open_more().await;

    let first = last_token(&scene).await;
    wait_until_refused(&scene, &first).await;
    scene.browser.click("#foo-refresh").await;
    let second = a_newer_one(&scene, &first, 2).await;

    wait_until_refused(&scene, &second).await;
    scene.browser.reload().await;
    scene.resource().await;
    scene.open_more().await;
    let third = a_newer_one(&scene, &second, 3).await;
    println!(
        "jti {} (iat {}), after its end {} (iat {}), and through a reload {} (iat {}); all answered 200",
        claims(&first)["jti"],
        claims(&first)["iat"],
        claims(&second)["jti"],
        claims(&second)["iat"],
        claims(&third)["jti"],
        claims(&third)["iat"]
    );
}

/// The token of the last request to the API, which has to have been answered with 200.
async fn last_token(scene: &Scene) -> String {
    let network = scene.network().await;
    let asked = network.requests_for(&scene.world.gate.origin(), FOO);
    let last = asked.last().expect("a request");
    assert_eq!(last.status, Some(200));
    last.bearer().expect("a token").to_owned()
}

/// Waits until the token is well expired, and makes sure that the API says so too.
async fn wait_until_refused(scene: &Scene, token: &str) {
    let claims = claims(token);
    let (issued, expires) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert_eq!(expires - issued, 20);
    while now() < expires + WELL {
        pause(200).await;
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}{FOO}", scene.world.gate.origin());
    let refused = client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

/// The page shows, and the log has, the `count`th request: with another, later token, answered with 200.
async fn a_newer_one(scene: &Scene, old: &str, count: usize) -> String {
    let old = claims(old);
    let shown = scene
        .browser
        .wait_for_text("#foo-token-id", |id| !id.is_empty() && Some(id) != old["jti"].as_str())
        .await;
    let network = scene.network().await;
    let asked = network.requests_for(&scene.world.gate.origin(), FOO);
    assert_eq!(asked.len(), count, "one request for each asking, none refused in between: {asked:#?}");
    let token = last_token(scene).await;
    let new = claims(&token);
    assert_eq!(new["jti"].as_str(), Some(shown.as_str()));
    assert!(new["iat"].as_u64() > old["iat"].as_u64());
    assert!(new["exp"].as_u64().unwrap() > now(), "the request carried a living token");
    assert_eq!((&new["sub"], &new["sid"]), (&old["sub"], &old["sid"]), "of the same person and session");
    token
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
