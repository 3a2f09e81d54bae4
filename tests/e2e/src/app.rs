//! The app as a person meets it: pages, forms, and what must be true whatever they did.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::browser::Browser;
use crate::leaks::{Evidence, Secrets, tokens_in};
use crate::net_log::Network;
use crate::world::{Person, World, WorldOptions};

/// The path of the protected resource, at the API and in the app.
pub const FOO: &str = "/foo";

/// A world, and a browser in it.
pub struct Scene {
    pub browser: Browser,
    pub world: World,
}

impl Scene {
    /// Starts both.
    pub async fn start(options: WorldOptions) -> Self {
        let browser = Browser::start().await;
        Self { browser, world: World::start(options).await }
    }

    /// Loads one of the app's pages.
    pub async fn open(&self, path: &str) {
        self.browser.goto(&self.world.page(path)).await;
    }

    /// The person most proofs sign in as.
    pub fn ada(&self) -> Person {
        self.world.person("ada@example.com")
    }

    /// Loads `/foo`, takes its offer to sign in, and waits for the resource.
    pub async fn sign_in_at_foo(&self) -> String {
        self.open(FOO).await;
        self.browser.click("#sign-in-offer button").await;
        self.fill_in(&self.ada().email, &self.ada().password).await;
        self.resource().await
    }

    /// Fills in Clerk's own form, wherever it is shown.
    pub async fn fill_in(&self, email: &str, password: &str) {
        self.browser.type_into("input[name=identifier]", email).await;
        // Clerk asks for the password on the same page or the next; the field of the first page may be
        // there for password managers only, not to be seen.
        let ready = "const e = document.querySelector('input[name=password]');
            if (!e || !e.checkVisibility({opacityProperty: true, visibilityProperty: true})) return false;
            const {x, y, width, height} = e.getBoundingClientRect();
            return document.elementFromPoint(x + width / 2, y + height / 2) === e;";
        if !self.browser.run::<bool>(ready, &[]).await {
            self.browser.click(SUBMIT).await;
            self.browser
                .wait("Clerk to ask for the password", async || {
                    self.browser.run::<bool>(ready, &[]).await.then_some(())
                })
                .await;
        }
        self.browser.type_into("input[name=password]", password).await;
        self.browser.click(SUBMIT).await;
    }

    /// Waits for the resource's name on `/foo`.
    pub async fn resource(&self) -> String {
        self.browser.wait_for_text("#foo-name", |name| !name.is_empty()).await
    }

    /// Opens the third component of `/foo`, the token's facts.
    pub async fn open_more(&self) {
        self.browser.click("#foo-more-toggle[aria-expanded=false]").await;
        self.browser.wait_for("#foo-token-id").await;
    }

    /// Follows one of the app's own links, without loading a page.
    pub async fn follow(&self, path: &str) {
        self.browser.click(&format!("a[href=\"{path}\"]")).await;
        self.browser.wait(path, async || (self.path().await == path).then_some(())).await;
    }

    /// The path the browser is at.
    pub async fn path(&self) -> String {
        url::Url::parse(&self.browser.url().await).expect("an address").path().to_owned()
    }

    /// The network log, after checking what holds in every proof: tokens go to the API alone and are tokens,
    /// and the page talks to this machine alone.
    pub async fn network(&self) -> Network {
        let network = self.browser.network().await;
        let api = self.world.gate.origin();
        for sent in network.with_authorization() {
            assert_eq!(sent.origin(), api, "the header went elsewhere: {} {}", sent.method, sent.url);
            let bearer = sent.bearer().unwrap_or_default();
            assert_eq!(tokens_in(bearer), [bearer], "not a token, sent to {}", sent.url);
        }
        for sent in network.requests_to(&api) {
            assert_eq!(sent.request_header("cookie"), None, "a cookie went to the API: {}", sent.url);
        }
        for sent in network.exchanges.iter().filter(|sent| sent.initiator == self.world.front.origin()) {
            let url = url::Url::parse(&sent.url).expect("a URL");
            let host = url.host_str().unwrap_or_default();
            let here = host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost");
            assert!(here || url.scheme() == "data" || url.scheme() == "blob", "the page asked for {url}");
        }
        network
    }

    /// Everything that must stay secret: each token Clerk gave out or the API was sent, and the password.
    pub fn secrets(&self, network: &Network) -> Secrets {
        let mut secrets = Secrets::default();
        for token in self.world.front.issued_tokens() {
            secrets.token(&token);
        }
        for token in network.with_authorization().iter().filter_map(|sent| sent.bearer()) {
            secrets.token(token);
        }
        secrets.password(&self.ada().password);
        secrets
    }

    /// Every place a secret could be in now, of the current tab and of both servers.
    pub async fn evidence(&self) -> Evidence {
        Evidence {
            network: self.browser.network().await,
            console: self.browser.console().await.into_iter().map(|line| line.text).collect(),
            storage: vec![self.browser.storage().await],
            cookies: self.browser.cookies().await,
            outputs: self.world.outputs(),
            api_origin: self.world.gate.origin(),
            app_origin: self.world.front.origin(),
        }
    }
}

/// Clerk's button on each step of its forms.
const SUBMIT: &str = "button.cl-formButtonPrimary";

/// A token's claims, unverified: the API has verified it.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token has a payload");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("claims")
}
