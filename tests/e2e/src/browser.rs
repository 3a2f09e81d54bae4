use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::net_log::{NetLog, Network};
use crate::process::Running;
use crate::recorder::Recorder;
use crate::storage::{Cookie, DUMP, PageStorage};
use crate::tools;
use crate::wait::{eventually, eventually_within, pause};

/// A phone's screen, in CSS pixels.
pub const PHONE: (u32, u32) = (390, 844);
/// A desk's.
pub const DESKTOP: (u32, u32) = (1280, 900);

/// As a person's browser would be, without its own traffic. `AutomationControlled` is off because clerk-js
/// behaves differently where `navigator.webdriver` is true.
const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
];

/// Writes objects out: the log would only say `Object`, and hide what is in it.
const CONSOLE: &str = r#"
for (const name of ['log', 'debug', 'info', 'warn', 'error', 'trace', 'dir', 'table']) {
  const original = console[name].bind(console);
  const text = (value) => {
    if (value === null || typeof value !== 'object') return value;
    const seen = new Set();
    const inner = (key, value) => {
      if (value instanceof Error) return value.name + ': ' + value.message + ' ' + value.stack;
      if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? String(value) : value;
      if (seen.has(value)) return '(again)';
      seen.add(value);
      if (value instanceof Map) return [...value];
      if (value instanceof Set) return [...value];
      return value;
    };
    try { return JSON.stringify(value, inner); } catch (error) { return value; }
  };
  console[name] = (...values) => original(...values.map(text));
}
"#;

/// Browsers at once in one test run: each takes a core for itself while wasm compiles.
static PERMITS: std::sync::OnceLock<Arc<Semaphore>> = std::sync::OnceLock::new();

/// One line of a page's console.
#[derive(Debug, Clone)]
pub struct ConsoleLine {
    pub level: String,
    pub text: String,
}

/// A tab, by WebDriver's handle.
#[derive(Debug, Clone, PartialEq)]
pub struct Tab(thirtyfour::WindowHandle);

/// Chromium, fresh profile, with everything it sends in [`Browser::network`].
///
/// Dropping it closes the session, then ends chromedriver.
pub struct Browser {
    // Dropped in this order: the session has to be closed while chromedriver runs.
    driver: WebDriver,
    chromedriver: Running,
    chromium: Option<u32>,
    net_log: Mutex<NetLog>,
    console: Mutex<Vec<ConsoleLine>>,
    /// Where the requests go that push the log's last lines out to the file.
    markers: Recorder,
    _folder: TempDir,
    _permit: OwnedSemaphorePermit,
}

impl Browser {
    /// Starts chromedriver and a browser, when there is room for one more.
    pub async fn start() -> Self {
        let permit = permit().await;
        let folder = tempfile::Builder::new().prefix("e2e-browser-").tempdir().expect("a temporary folder");
        let mut chromedriver = Running::start(
            "chromedriver",
            Command::new(tools::chromedriver()).arg("--port=0"),
            folder.path(),
        );
        let port = eventually("chromedriver to say its port", async || {
            chromedriver.assert_alive();
            let output = chromedriver.output();
            let (_, rest) = output.split_once("started successfully on port ")?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u16>().ok()
        })
        .await;

        let net_log = folder.path().join("net-log.json");
        let mut wanted = DesiredCapabilities::chrome();
        let fill = |wanted: &mut thirtyfour::ChromeCapabilities| -> WebDriverResult<()> {
            wanted.set_binary(&tools::chromium().to_string_lossy())?;
            for flag in FLAGS {
                wanted.add_arg(flag)?;
            }
            wanted.add_arg(&format!("--user-data-dir={}", folder.path().join("profile").display()))?;
            wanted.add_arg(&format!("--log-net-log={}", net_log.display()))?;
            wanted.add_arg("--net-log-capture-mode=IncludeSensitive")?;
            wanted.set_browser_log_level(LoggingPrefsLogLevel::All)
        };
        fill(&mut wanted).expect("capabilities");
        let driver = WebDriver::builder(format!("http://127.0.0.1:{port}"), wanted)
            .request_timeout(Duration::from_secs(60))
            .connect()
            .await
            .unwrap_or_else(|error| {
                panic!("no browser: {error}\n{}", chromedriver.output());
            });
        let chromium = driver.handle().capabilities().get("goog:processID").and_then(Value::as_u64);
        let browser = Self {
            driver,
            chromedriver,
            chromium: chromium.and_then(|pid| pid.try_into().ok()),
            net_log: Mutex::new(NetLog::new(&net_log)),
            console: Mutex::default(),
            markers: Recorder::start().await,
            _folder: folder,
            _permit: permit,
        };
        browser.prepare_tab().await;
        browser
    }

    /// The numbers of chromedriver's process and, where it says so, of Chromium's.
    pub fn processes(&self) -> Vec<u32> {
        [Some(self.chromedriver.id()), self.chromium].into_iter().flatten().collect()
    }

    /// Goes to an address in the current tab and waits for its load event.
    pub async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("cannot go to {url}: {error}"));
    }

    /// Loads the current page again.
    pub async fn reload(&self) {
        self.driver.refresh().await.expect("a reload");
    }

    /// The back button.
    pub async fn back(&self) {
        self.driver.back().await.expect("back");
    }

    /// The address bar.
    pub async fn url(&self) -> String {
        self.driver.current_url().await.expect("an address").to_string()
    }

    /// Opens a window of its own, so that both are visible, and goes on in it.
    pub async fn new_window(&self) -> Tab {
        let handle = self.driver.new_window().await.expect("a window");
        self.driver.switch_to_window(handle.clone()).await.expect("the new window");
        self.prepare_tab().await;
        Tab(handle)
    }

    /// Opens a tab in the same window, which hides the one before, and goes on in it.
    pub async fn new_tab(&self) -> Tab {
        let handle = self.driver.new_tab().await.expect("a tab");
        self.driver.switch_to_window(handle.clone()).await.expect("the new tab");
        self.prepare_tab().await;
        self.show().await;
        Tab(handle)
    }

    /// Brings the current tab to the front.
    pub async fn show(&self) {
        self.devtools("Page.bringToFront", json!({})).await;
    }

    /// The tab that commands go to.
    pub async fn tab(&self) -> Tab {
        Tab(self.driver.window().await.expect("a tab"))
    }

    /// Sends commands to that tab from now on.
    pub async fn switch_to(&self, tab: &Tab) {
        self.driver.switch_to_window(tab.0.clone()).await.expect("the tab");
    }

    /// Closes the current tab. The next command has to go to another.
    pub async fn close_tab(&self) {
        self.driver.close_window().await.expect("the tab to close");
    }

    /// Kills the process of the current tab's page, as the system does when memory runs out. The next command has to
    /// go to another tab.
    pub async fn crash_tab(&self) {
        // There is nobody left to answer it.
        let devtools = self.driver.cdp();
        let crash = devtools.send_raw("Page.crash", json!({}));
        let _ = tokio::time::timeout(Duration::from_millis(500), crash).await;
    }

    /// Runs a function body in the page and gives what it returns. Panics if it throws.
    pub async fn run<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.driver.execute(script.to_owned(), arguments.to_vec()).await;
        let value = value.unwrap_or_else(|error| panic!("the page threw: {error}\nin {script}"));
        value.convert().unwrap_or_else(|error| panic!("{script} gave {}: {error}", value.json()))
    }

    /// Runs a function body that calls its last argument with the answer.
    pub async fn run_async<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.driver.execute_async(script.to_owned(), arguments.to_vec()).await;
        let value = value.unwrap_or_else(|error| panic!("the page threw: {error}\nin {script}"));
        value.convert().unwrap_or_else(|error| panic!("{script} gave {}: {error}", value.json()))
    }

    /// A command of the DevTools protocol, to the current tab.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let answer = self.driver.cdp().send_raw(method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The text of the first element that matches, if there is one; trimmed.
    pub async fn text(&self, selector: &str) -> Option<String> {
        self.run("return document.querySelector(arguments[0])?.innerText?.trim() ?? null", &[json!(selector)])
            .await
    }

    /// Whether an element matches.
    pub async fn has(&self, selector: &str) -> bool {
        self.run("return document.querySelector(arguments[0]) !== null", &[json!(selector)]).await
    }

    /// Waits for an element that has a size on the page.
    pub async fn wait_for(&self, selector: &str) {
        let visible =
            "const e = document.querySelector(arguments[0]); return !!e && e.getClientRects().length > 0";
        self.wait(&format!("{selector} to appear"), async || {
            self.run::<bool>(visible, &[json!(selector)]).await.then_some(())
        })
        .await;
    }

    /// Waits until an element's text satisfies `is_right`; gives the text.
    pub async fn wait_for_text(&self, selector: &str, is_right: impl Fn(&str) -> bool) -> String {
        self.wait(&format!("{selector} to say what it should"), async || {
            self.text(selector).await.filter(|text| is_right(text))
        })
        .await
    }

    /// Waits until no element matches.
    pub async fn wait_gone(&self, selector: &str) {
        self.wait(&format!("{selector} to go"), async || (!self.has(selector).await).then_some(())).await;
    }

    /// Like [`eventually`], but says in its panic what the page shows.
    pub async fn wait<T>(&self, what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
        self.wait_within(Duration::from_secs(15), what, ask).await
    }

    /// The same, with its own limit.
    pub async fn wait_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut ask: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let started = Instant::now();
        loop {
            if let Some(value) = ask().await {
                return value;
            }
            if started.elapsed() > limit {
                let text = self.text("body").await.unwrap_or_default();
                let url = self.url().await;
                let console: Vec<_> = self.console().await.into_iter().map(|line| line.text).collect();
                panic!(
                    "waited {limit:?} in vain for {what} at {url}; the page says:\n{text}\nits console:\n{}",
                    console.join("\n")
                );
            }
            pause(25).await;
        }
    }

    /// Waits for an element and clicks it as a person would.
    pub async fn click(&self, selector: &str) {
        self.wait(&format!("a click on {selector}"), async || {
            let element = self.driver.find(By::Css(selector)).await.ok()?;
            element.click().await.ok()
        })
        .await;
    }

    /// Waits for a field and types into it, key by key, over what was there.
    pub async fn type_into(&self, selector: &str, text: &str) {
        self.wait(&format!("typing into {selector}"), async || {
            let element = self.driver.find(By::Css(selector)).await.ok()?;
            element.clear().await.ok()?;
            element.send_keys(text).await.ok()
        })
        .await;
    }

    /// The size of the page's part of the window, in CSS pixels.
    pub async fn resize(&self, (width, height): (u32, u32)) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Writes a PNG of what the tab shows.
    pub async fn screenshot(&self, file: &Path) {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("a folder for the picture");
        }
        self.driver.screenshot(file).await.expect("a screenshot");
    }

    /// Everything all tabs sent until now, workers and preflights included.
    pub async fn network(&self) -> Network {
        self.flush().await;
        let markers = self.markers.origin();
        let mut network = self.net_log.lock().await.network().clone();
        network.exchanges.retain(|exchange| exchange.origin() != markers);
        network.fetches.retain(|fetch| crate::net_log::origin_of(&fetch.url) != markers);
        network
    }

    /// Chromium writes its log out in lots: a request after all others pushes them into the file.
    async fn flush(&self) {
        let marker = format!("{}/{}", self.markers.origin(), self.markers.seen().len());
        let frame = self.devtools("Page.getFrameTree", json!({})).await;
        let frame = frame["frameTree"]["frame"]["id"].clone();
        let mut log = self.net_log.lock().await;
        eventually_within(Duration::from_secs(10), "the net log to be written", async || {
            let load = json!({
                "frameId": frame,
                "url": marker,
                "options": {"disableCache": true, "includeCredentials": false},
            });
            let loaded = self.devtools("Network.loadNetworkResource", load).await;
            assert_eq!(loaded["resource"]["success"], json!(true), "{loaded}");
            log.refresh();
            log.network().exchanges.iter().any(|exchange| exchange.url == marker).then_some(())
        })
        .await;
    }

    /// Everything all tabs' consoles showed until now, with the browser's own messages and uncaught errors.
    pub async fn console(&self) -> Vec<ConsoleLine> {
        let mut console = self.console.lock().await;
        let new = self.driver.get_log("browser").await.expect("chromedriver's browser log");
        console.extend(new.into_iter().map(|entry| ConsoleLine { level: entry.level, text: entry.message }));
        console.clone()
    }

    /// What the current tab's page keeps.
    pub async fn storage(&self) -> PageStorage {
        self.run_async(DUMP, &[]).await
    }

    /// Every cookie of the profile.
    pub async fn cookies(&self) -> Vec<Cookie> {
        let answer = self.devtools("Storage.getCookies", json!({})).await;
        serde_json::from_value(answer["cookies"].clone()).expect("cookies")
    }

    async fn prepare_tab(&self) {
        self.devtools("Page.enable", json!({})).await;
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": CONSOLE})).await;
    }
}

async fn permit() -> OwnedSemaphorePermit {
    let permits = PERMITS.get_or_init(|| {
        let wanted = std::env::var("E2E_BROWSERS").ok().and_then(|number| number.parse().ok());
        Arc::new(Semaphore::new(wanted.unwrap_or(2)))
    });
    Arc::clone(permits).acquire_owned().await.expect("the semaphore stays open")
}
