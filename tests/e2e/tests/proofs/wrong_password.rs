//! 4. A wrong password is refused in Clerk's own words, and leaves nothing behind.

use e2e::app::FOO;
use e2e::{Scene, WorldOptions};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_leaves_nothing() {
    let scene = Scene::start(WorldOptions::default()).await;
    let (browser, ada) = (&scene.browser, scene.ada());

    scene.open(FOO).await;
    browser.click("#sign-in-offer button").await;
    scene.fill_in(&ada.email, "not-her-password").await;
    let message = browser.wait_for_text(".cl-formFieldErrorText", |text| !text.is_empty()).await;
    assert!(message.to_lowercase().contains("password is incorrect"), "Clerk says: {message}");
    assert!(browser.has("input[name=password]").await, "the message stands in the form");
    nothing_was_given(&scene).await;

    browser.reload().await;
    browser.wait_for("#sign-in-offer button").await;
    assert!(!browser.has("#foo-name").await);
    nothing_was_given(&scene).await;

    // The same browser gets in with the right one: it was the password that was refused.
    scene.sign_in_at_foo().await;
    assert!(!scene.world.front.issued_tokens().is_empty(), "the count of tokens above could not see any");
    let session = browser.cookies().await.into_iter().find(|cookie| cookie.name.starts_with("__session"));
    assert!(session.is_some_and(|cookie| !cookie.value.is_empty()));
    println!("refused with {message:?}; no token, no __session cookie, signed out after a reload");
}

async fn nothing_was_given(scene: &Scene) {
    let cookies = scene.browser.cookies().await;
    let session: Vec<_> = cookies.iter().filter(|cookie| cookie.name.starts_with("__session")).collect();
    assert!(session.is_empty(), "{session:?}");
    assert_eq!(scene.world.front.issued_tokens().len(), 0);
    let network = scene.network().await;
    assert_eq!(network.with_authorization().len(), 0);
    assert_eq!(network.requests_to(&scene.world.gate.origin()).len(), 0);
}
