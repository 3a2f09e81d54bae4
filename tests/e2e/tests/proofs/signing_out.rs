//! 6. Who signs out takes the resource along: before the next paint, in every tab, for good.

use e2e::app::FOO;
use e2e::{Scene, WorldOptions, pause};
use serde::Deserialize;
use serde_json::{Value, json};

/// Notes, for each frame that is painted, whether the resource is in it, and when clerk-js told of the end.
///
/// A `ResizeObserver` on an element that is new in the frame is called after all scripts of that frame and
/// before its paint: what it sees is what is painted.
const WATCH: &str = r#"
window.watch = (name) => {
  const seen = (window.seen = {frames: [], told: null, broadcast: null, shown_again: null});
  const shows = () => document.querySelector('#foo-name') !== null || (document.body?.innerText ?? '').includes(name);
  const frame = () => {
    const probe = document.createElement('i');
    (document.body ?? document.documentElement)?.append(probe);
    const observer = new ResizeObserver(() => {
      observer.disconnect();
      seen.frames.push({at: performance.now(), shows: shows()});
      probe.remove();
    });
    observer.observe(probe);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  addEventListener('pageshow', (event) => { if (event.persisted) seen.shown_again = performance.now(); });
  new BroadcastChannel('clerk').onmessage = (event) => {
    if (event.data?.type === 'signout') seen.broadcast ??= performance.now();
  };
  const listen = () => {
    if (!window.Clerk?.loaded) return setTimeout(listen, 20);
    Clerk.addListener(({session}) => { if (!session) seen.told ??= performance.now(); }, {skipInitialEmit: true});
  };
  listen();
};
"#;

#[derive(Debug, Deserialize)]
struct Frame {
    at: f64,
    shows: bool,
}

#[derive(Debug, Deserialize)]
struct Seen {
    frames: Vec<Frame>,
    /// When clerk-js told its listeners that there is no session.
    told: Option<f64>,
    /// When clerk-js's word came from another tab.
    broadcast: Option<f64>,
    /// When the document came out of the back-forward cache.
    shown_again: Option<f64>,
}

async fn watch(scene: &Scene, name: &str) {
    let _: Value =
        scene.browser.run(&format!("{WATCH}; window.watch(arguments[0]); return null"), &[json!(name)]).await;
    scene
        .browser
        .wait("frames with the resource", async || {
            seen(scene).await.frames.iter().any(|frame| frame.shows).then_some(())
        })
        .await;
}

async fn seen(scene: &Scene) -> Seen {
    scene.browser.run("return window.seen", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resource_goes_with_the_session_in_every_tab() {
    let scene = Scene::start(WorldOptions::default()).await;
    let browser = &scene.browser;
    let name = scene.sign_in_at_foo().await;
    let first = browser.tab().await;
    watch(&scene, &name).await;

    let second = browser.new_window().await;
    scene.open(FOO).await;
    assert_eq!(scene.resource().await, name, "the second tab is signed in too");
    watch(&scene, &name).await;
    assert_eq!(browser.run::<String>("return document.visibilityState", &[]).await, "visible");

    browser.switch_to(&first).await;
    browser.click("#sign-out").await;
    browser.wait_gone("#foo-name").await;
    pause(1000).await;
    let here = seen(&scene).await;
    let told = here.told.expect("clerk-js told of the end");
    let late: Vec<_> = here.frames.iter().filter(|frame| frame.at >= told && frame.shows).collect();
    assert!(late.is_empty(), "painted with the resource after the session's end at {told}: {late:?}");
    let after = here.frames.iter().filter(|frame| frame.at >= told).count();
    assert!(after > 5, "frames were painted and looked at: {after}");
    let text = browser.text("body").await.unwrap_or_default();
    assert!(!text.contains(&name), "{text}");

    browser.switch_to(&second).await;
    browser.wait("the second tab to hear of it", async || seen(&scene).await.broadcast).await;
    pause(1000).await;
    let there = seen(&scene).await;
    let heard = there.broadcast.expect("clerk-js's word");
    let last = there.frames.iter().rev().find(|frame| frame.shows).map_or(heard, |frame| frame.at);
    assert!(last - heard < 500.0, "shown for {} ms more", last - heard);
    assert!(there.frames.last().is_some_and(|frame| !frame.shows && frame.at > heard + 500.0));
    assert!(browser.has("#sign-in-offer").await, "the second tab offers to sign in");
    println!(
        "gone before the first of {after} frames after clerk-js told; in the second tab {:.0} ms after its word",
        (last - heard).max(0.0)
    );

    let network = scene.network().await;
    let tokens = network.with_authorization().len();
    pause(2000).await;
    assert_eq!(scene.network().await.with_authorization().len(), tokens, "no request with a token since");
}

/// The back button, to the page as it was: within the app, over a page load, and from the browser's
/// back-forward cache with nobody having told that page.
#[tokio::test(flavor = "multi_thread")]
async fn going_back_does_not_bring_it_back() {
    let scene = Scene::start(WorldOptions::default()).await;
    let browser = &scene.browser;
    let name = scene.sign_in_at_foo().await;

    // Within the app: /foo, then home by a link, sign out, back.
    scene.follow("/").await;
    browser.wait_gone("#foo-name").await;
    browser.click("#sign-out").await;
    browser.wait_gone("#sign-out").await;
    back_to_foo(&scene, &name, "within the app").await;

    // Over a page load: this browser keeps the document of /foo and gives it back as it was...
    assert_eq!(scene.sign_in_at_foo().await, name);
    let first = browser.tab().await;
    watch(&scene, &name).await;
    scene.open("/config.json").await;
    browser.back().await;
    scene.resource().await;
    let kept = seen(&scene).await.shown_again.is_some();
    assert!(
        kept,
        "this browser keeps no documents, so what follows proves nothing: {}",
        not_restored(&scene).await
    );

    // ...but not to whoever signed out in the meantime.
    scene.open("/config.json").await;
    browser.new_window().await;
    scene.open("/").await;
    browser.click("#sign-out").await;
    browser.wait_gone("#sign-out").await;
    browser.switch_to(&first).await;
    let kept = back_to_foo(&scene, &name, "over a page load").await;
    println!(
        "kept in the back-forward cache while signed in; brought back from it after signing out: {kept}"
    );
}

async fn not_restored(scene: &Scene) -> String {
    let reasons: Value = scene
        .browser
        .run(
            "return performance.getEntriesByType('navigation')[0]?.notRestoredReasons?.toJSON?.() ?? null",
            &[],
        )
        .await;
    reasons["reasons"].to_string()
}

/// Goes back, looks at every frame for two seconds, and tells whether the old document was kept.
async fn back_to_foo(scene: &Scene, name: &str, how: &str) -> bool {
    let browser = &scene.browser;
    let watch = format!("{WATCH}; window.watch({});", json!(name));
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": watch})).await;
    let _: Value = browser.run(&format!("if (!window.seen) {{ {watch} }} return null"), &[]).await;
    // What signing in and out put into the history is between here and there.
    for _ in 0..4 {
        browser.back().await;
        pause(300).await;
        if scene.path().await == FOO {
            break;
        }
    }
    assert_eq!(scene.path().await, FOO, "{how}");
    browser.wait_for("#sign-in-offer").await;
    pause(2000).await;
    let text = browser.text("body").await.unwrap_or_default();
    assert!(!text.contains(name) && !browser.has("#foo-name").await, "{how}: {text}");
    let kept: bool = browser.run("return window.seen.shown_again !== null", &[]).await;
    println!("{how}: kept {kept}, reasons against {}", not_restored(scene).await);
    // A document that was kept had painted the resource before it was left: only what came after counts.
    let seen = seen(scene).await;
    let back = seen.shown_again.unwrap_or(0.0);
    let late: Vec<_> = seen.frames.iter().filter(|frame| frame.shows && frame.at >= back).collect();
    assert!(late.is_empty(), "{how}: painted with the resource: {late:?}");
    assert!(seen.frames.iter().filter(|frame| frame.at >= back).count() > 5, "{how}: frames were looked at");
    kept
}
