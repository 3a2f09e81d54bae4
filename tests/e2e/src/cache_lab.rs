//! The cache's page: tabs, storage and mutations, without Clerk.

use serde_json::{Value, json};

use crate::browser::{Browser, Tab};
use crate::front::{Front, Site};
use crate::ledger::Ledger;
use crate::tools;

/// The page, its server, and a browser that has not opened it yet.
pub struct CacheLab {
    pub browser: Browser,
    pub ledger: Ledger,
    front: Front,
}

/// How a tab is opened.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    pub person: &'static str,
    pub build: &'static str,
    /// Whether the cache is on IndexedDB.
    pub storage: bool,
    /// Whether the page can be opened without a network: its files are kept by a service worker.
    pub without_network: bool,
}

/// What a tab's cache says of itself.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct CacheState {
    /// The items that it holds.
    pub items: Vec<String>,
    /// How many calls are not over.
    pub acting: usize,
    /// What was told of the storage.
    pub faults: Vec<String>,
}

/// Ada's, of the first build, without storage.
pub const ADA: Opened = Opened { person: "ada", build: "1", storage: false, without_network: false };

impl CacheLab {
    /// Starts all three.
    pub async fn start() -> Self {
        let front = Front::start(Site::Folder(tools::lab()), None, 0).await;
        Self { browser: Browser::start().await, ledger: Ledger::start().await, front }
    }

    /// `http://localhost:{port}` of the page.
    pub fn origin(&self) -> String {
        self.front.origin()
    }

    /// Opens the page in the current tab.
    pub async fn open(&self, how: Opened) -> Tab {
        self.browser.goto(&self.url(how)).await;
        self.ready().await;
        self.browser.tab().await
    }

    /// Opens the page in a window of its own, and goes on there.
    pub async fn open_beside(&self, how: Opened) -> Tab {
        self.browser.new_window().await;
        self.open(how).await
    }

    fn url(&self, Opened { person, build, storage, without_network }: Opened) -> String {
        let [storage, worker] = [storage, without_network].map(|yes| if yes { "yes" } else { "no" });
        let (page, server) = (self.front.origin(), self.ledger.origin());
        format!(
            "{page}/cache.html?server={server}&person={person}&build={build}&storage={storage}&worker={worker}"
        )
    }

    /// Waits until the page is there.
    pub async fn ready(&self) {
        self.browser.wait_for("#acting").await;
    }

    /// What the current tab shows.
    pub async fn shown(&self) -> Vec<String> {
        let shown = "return [...document.querySelectorAll('.item')].map((e) => e.textContent)";
        self.browser.run(shown, &[]).await
    }

    /// Waits until all items of the current tab are such.
    pub async fn items(&self, is_right: impl Fn(&str) -> bool) -> Vec<String> {
        self.browser
            .wait("the items to be shown", async || {
                let shown = self.shown().await;
                (!shown.is_empty() && shown.iter().all(|item| is_right(item))).then_some(shown)
            })
            .await
    }

    /// What the current tab's cache says of itself.
    pub async fn state(&self) -> CacheState {
        let text: String = self.call("cache_state", &[]).await;
        serde_json::from_str(&text).expect("a state")
    }

    /// Waits until it is such.
    pub async fn wait_for_state(&self, what: &str, is_right: impl Fn(&CacheState) -> bool) -> CacheState {
        self.browser.wait(what, async || Some(self.state().await).filter(|state| is_right(state))).await
    }

    /// Calls a function of the current tab.
    pub async fn call<T: serde::de::DeserializeOwned>(&self, name: &str, arguments: &[Value]) -> T {
        let call = "return window.lab[arguments[0]](...arguments[1]) ?? null";
        self.browser.run(call, &[json!(name), json!(arguments)]).await
    }

    /// Takes the network from the current tab, or gives it back.
    pub async fn set_offline(&self, offline: bool) {
        let how = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.browser.devtools("Network.enable", json!({})).await;
        self.browser.devtools("Network.emulateNetworkConditions", how).await;
    }
}
