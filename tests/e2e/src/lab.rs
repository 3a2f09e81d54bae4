//! The lab: a page that shows what every hook gives, and whose functions a test calls.

use serde_json::{Value, json};

use crate::app::Scene;
use crate::browser::Browser;
use crate::world::{World, WorldOptions};

/// A world whose app is the lab, and a browser in it.
pub struct Lab {
    pub scene: Scene,
}

/// What many calls came to.
#[derive(Debug, serde::Deserialize)]
pub struct Tokens {
    /// How often each outcome.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// How many different tokens.
    pub different: usize,
}

impl Lab {
    /// Starts both, with nobody signed in.
    pub async fn start(options: WorldOptions) -> Self {
        let scene = Scene::start(WorldOptions { lab: true, ..options }).await;
        scene.open("/").await;
        Self { scene }
    }

    /// Starts both, and has Ada sign in through Clerk's form.
    pub async fn signed_in(options: WorldOptions) -> Self {
        let lab = Self::start(options).await;
        let ada = lab.scene.ada();
        lab.scene.fill_in(&ada.email, &ada.password).await;
        lab.who(|who| who.starts_with("user_")).await;
        lab.things(|thing| thing.starts_with("user_")).await;
        lab
    }

    pub fn browser(&self) -> &Browser {
        &self.scene.browser
    }

    pub fn world(&self) -> &World {
        &self.scene.world
    }

    /// Waits until the page says that of who is signed in: `loading`, `out`, or person and organization.
    pub async fn who(&self, is_right: impl Fn(&str) -> bool) -> String {
        self.browser().wait_for_text("#who", is_right).await
    }

    /// What the page says of each protected thing.
    pub async fn shown(&self) -> Vec<String> {
        self.browser()
            .run("return [...document.querySelectorAll('.thing')].map((e) => e.textContent)", &[])
            .await
    }

    /// Waits until all things are such.
    pub async fn things(&self, is_right: impl Fn(&str) -> bool) -> Vec<String> {
        self.browser()
            .wait("the things to be shown", async || {
                let shown = self.shown().await;
                (!shown.is_empty() && shown.iter().all(|thing| is_right(thing))).then_some(shown)
            })
            .await
    }

    /// How often the component with `use_auth` has rendered.
    pub async fn renders(&self) -> u32 {
        self.browser().text("#renders").await.and_then(|text| text.parse().ok()).expect("a number of renders")
    }

    /// Asks for so many tokens at once.
    pub async fn tokens(&self, count: u32, forced: bool, limit: u32) -> Tokens {
        let text: String = self.call("tokens", &[json!(count), json!(forced), json!(limit)]).await;
        serde_json::from_str(&text).expect("what came of it")
    }

    /// Sends so many requests at once, and tells how often each status came, or what else.
    pub async fn requests(&self, count: u32, path: &str) -> Value {
        let text: String = self.call("requests", &[json!(count), json!(path)]).await;
        serde_json::from_str(&text).expect("what came of them")
    }

    /// Calls a function of the page and waits for what it comes to.
    pub async fn call<T: serde::de::DeserializeOwned>(&self, name: &str, arguments: &[Value]) -> T {
        let call = "const done = arguments[arguments.length - 1];
            Promise.resolve(window.lab[arguments[0]](...arguments[1])).then(done, (error) => done('threw: ' + error));";
        self.browser().run_async(call, &[json!(name), json!(arguments)]).await
    }

    /// Calls a function of the page and does not wait; [`Lab::came`] tells what it came to.
    pub async fn begin(&self, name: &str, arguments: &[Value]) {
        let begin = "window.came = undefined;
            Promise.resolve(window.lab[arguments[0]](...arguments[1])).then(
                (value) => { window.came = {value}; }, (error) => { window.came = {value: 'threw: ' + error}; });
            return null";
        let _: Value = self.browser().run(begin, &[json!(name), json!(arguments)]).await;
    }

    /// What the function came to that was begun last.
    pub async fn came(&self) -> Value {
        self.browser()
            .wait("the call to come to something", async || {
                let came: Value = self.browser().run("return window.came ?? null", &[]).await;
                came.get("value").cloned()
            })
            .await
    }

    /// Runs a body with clerk-js at hand, and waits for what it comes to.
    pub async fn clerk<T: serde::de::DeserializeOwned>(&self, body: &str) -> T {
        let script = format!(
            "const done = arguments[arguments.length - 1];
            (async () => {{ {body} }})().then((value) => done(value ?? null), (error) => done('threw: ' + error));"
        );
        self.browser().run_async(&script, &[]).await
    }

    /// Everything the page's cache holds, as text.
    pub async fn stored(&self) -> String {
        self.call("stored", &[]).await
    }
}
