//! Loading clerk-js, with a stand-in for its script: a `data:` URL in the proxy's place. A page has one clerk-js
//! for good, so what happens to it one after the other stands in one test.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_clerk::{
    Clerk, ClerkFailed, ClerkLoading, ClerkProvider, GetToken, LoadError, LoadStatus, PublishableKey,
    SignedIn, TokenError, use_clerk,
};

wasm_bindgen_test_configure!(run_in_browser);

/// What the script's URL is made of; the rest of the URL, `/npm/…`, is a comment in it.
const ARRIVES: &str = "data:text/javascript,arrived(document.currentScript);//x";
const MISSING: &str = "/there-is-no-such-folder";

const STAND_IN: &str = r#"
window.scripts = []; window.loads = 0; window.statusHandlers = []; window.timers = [];
window.makes = true;
window.arrived = (script) => {
    if (!script.src.includes('clerk-js')) return;
    scripts.push(script.dataset.clerkPublishableKey + ' ' + script.dataset.clerkProxyUrl.slice(0, 4));
    if (makes) window.Clerk ||= {
        status: 'loading', session: undefined, user: undefined,
        load: () => { loads += 1; return new Promise((resolve, reject) => Object.assign(window, { resolve, reject })); },
        addListener: () => () => {},
        on: (event, handler) => statusHandlers.push(handler),
        off: (event, handler) => { statusHandlers = statusHandlers.filter((other) => other !== handler); },
    };
};
window.realTimeout = setTimeout;
window.setTimeout = (call, wait) => { timers.push({ call, wait }); return realTimeout(call, wait); };
window.timeIsUp = (ms) => timers.splice(0).filter(({ wait }) => wait === ms).forEach(({ call }) => call());
window.succeed = () => {
    Clerk.status = 'ready'; Clerk.session = { id: 'sess_1', status: 'active', getToken: async () => 'tok.en' };
    Clerk.user = { id: 'user_1' }; resolve();
};
0
"#;

fn js(script: &str) -> JsValue {
    js_sys::eval(script).unwrap()
}

fn number(script: &str) -> f64 {
    js(script).as_f64().unwrap()
}

/// Lets promises settle and Yew render.
async fn settle() {
    for _ in 0..20 {
        JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await.unwrap();
        yew::scheduler::flush().await;
    }
}

async fn pause(ms: u32) {
    let timer: Promise = js(&format!("new Promise((done) => realTimeout(done, {ms}))")).unchecked_into();
    JsFuture::from(timer).await.unwrap();
}

/// Scripts come in their own time: waits for what is to happen, and fails if it does not within two seconds.
async fn until(what: &str, happened: impl Fn() -> bool) {
    for _ in 0..200 {
        settle().await;
        if happened() {
            return;
        }
        pause(10).await;
    }
    panic!("{what}");
}

#[derive(Clone, PartialEq, Properties)]
struct AppProps {
    from: AttrValue,
    seen: Seen,
}

#[derive(Clone, Default)]
struct Seen(Rc<RefCell<Option<Clerk>>>);

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[component]
fn Page(props: &AppProps) -> Html {
    props.seen.0.replace(Some(use_clerk()));
    html! {
        <>
            <ClerkLoading>{ "loading" }</ClerkLoading>
            <ClerkFailed>{ "failed" }</ClerkFailed>
            <SignedIn>{ "in" }</SignedIn>
        </>
    }
}

#[component]
fn App(props: &AppProps) -> Html {
    let key: PublishableKey = "pk_test_Y2xlcmsubG9jYWxob3N0JA".parse().unwrap();
    html! {
        <ClerkProvider publishable_key={key} proxy_url={props.from.clone()}><Page ..props.clone() /></ClerkProvider>
    }
}

struct Mounted {
    root: web_sys::Element,
    seen: Seen,
    app: yew::AppHandle<App>,
}

impl Mounted {
    async fn new(from: &'static str) -> Self {
        let root = web_sys::window().unwrap().document().unwrap().create_element("div").unwrap();
        let seen = Seen::default();
        let props = AppProps { from: from.into(), seen: seen.clone() };
        let app = yew::Renderer::<App>::with_root_and_props(root.clone(), props).render();
        settle().await;
        Self { root, seen, app }
    }

    fn text(&self) -> String {
        self.root.text_content().unwrap()
    }

    fn clerk(&self) -> Clerk {
        self.seen.0.borrow().clone().unwrap()
    }

    /// Why loading failed.
    fn failure(&self) -> LoadError {
        let LoadStatus::Failed(error) = self.clerk().status() else { panic!("{:?}", self.clerk()) };
        (*error).clone()
    }

    /// Asks for a token without a time limit that could end the wait here.
    fn token(&self) -> Rc<RefCell<Option<Result<(), TokenError>>>> {
        let answer = Rc::new(RefCell::new(None));
        let (clerk, kept) = (self.clerk(), answer.clone());
        spawn_local(async move {
            let wish = GetToken::default().time_limit(Duration::from_secs(600));
            let token = clerk.get_token(wish).await.map(|_| ());
            kept.replace(Some(token));
        });
        answer
    }

    async fn end(self) {
        self.app.destroy();
        settle().await;
    }
}

#[wasm_bindgen_test]
async fn clerk_js_is_loaded_once_however_it_goes() {
    js(STAND_IN);

    // The script is not there.
    let page = Mounted::new(MISSING).await;
    assert_eq!(page.text(), "loading");
    let token = page.token();
    until("a missing script is a failure", || page.text() == "failed").await;
    let LoadError::Script { url } = page.failure() else { panic!("{:?}", page.failure()) };
    assert!(url.ends_with("clerk.browser.js"), "{url}");
    assert_eq!(*token.borrow(), Some(Err(TokenError::NotLoaded)), "told at once, not at its time limit");
    assert_eq!(page.clerk().get_token(GetToken::default()).await.unwrap_err(), TokenError::NotLoaded);
    page.end().await;

    // The script runs and makes nothing.
    js("makes = false; 0");
    let page = Mounted::new(ARRIVES).await;
    until("a script without a Clerk is a failure", || page.text() == "failed").await;
    assert_eq!(page.failure(), LoadError::NoClerk);
    page.end().await;
    js("makes = true; scripts.length = 0; 0");

    // Taken away and put back while the script is on its way: one script, one load.
    let early = Mounted::new(ARRIVES).await;
    early.end().await;
    let page = Mounted::new(ARRIVES).await;
    until("it loads", || number("loads") > 0.0).await;
    pause(50).await;
    assert_eq!((number("scripts.length"), number("loads")), (1.0, 1.0));
    assert_eq!(js("scripts[0]").as_string().unwrap(), "pk_test_Y2xlcmsubG9jYWxob3N0JA data");

    // clerk-js itself gives up.
    js("reject({ status: 400, errors: [{ code: 'host_invalid', message: 'Wrong host' }] }); 0");
    settle().await;
    assert_eq!(page.text(), "failed");
    let LoadError::Clerk(error) = page.failure() else { panic!("{:?}", page.failure()) };
    assert_eq!((error.0.code.as_str(), error.0.status), ("host_invalid", Some(400)));
    page.end().await;

    // The next provider tries again. It takes too long, and then succeeds all the same.
    let page = Mounted::new(ARRIVES).await;
    assert_eq!((page.text().as_str(), number("loads")), ("loading", 2.0));
    js("timeIsUp(20000); 0");
    settle().await;
    assert_eq!(page.text(), "failed");
    assert_eq!(page.failure(), LoadError::TimedOut { after: Duration::from_secs(20) });
    js("succeed(); 0");
    settle().await;
    assert_eq!((page.text().as_str(), page.clerk().status()), ("in", LoadStatus::Ready));
    page.end().await;
    assert_eq!(number("statusHandlers.length"), 0.0, "whoever goes, lets go");

    // Once loaded, the next provider has it at once.
    let page = Mounted::new(ARRIVES).await;
    assert_eq!((page.text().as_str(), number("loads"), number("scripts.length")), ("in", 2.0, 1.0));
    let token = page.token();
    settle().await;
    assert_eq!(*token.borrow(), Some(Ok(())));

    js("statusHandlers.forEach((handler) => handler('degraded')); 0");
    settle().await;
    assert_eq!((page.text().as_str(), page.clerk().status()), ("in", LoadStatus::Degraded));
    js("statusHandlers.forEach((handler) => handler('error')); 0");
    settle().await;
    assert_eq!(page.text(), "failed", "nobody counts as signed in where clerk-js has stopped");
    page.end().await;
    js("window.setTimeout = realTimeout; 0");
}
