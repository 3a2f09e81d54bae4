//! The provider, the hooks and the components in a browser, on a stand-in for `window.Clerk` that the test
//! drives. It is for the states that are hard to bring about otherwise; that the real clerk-js behaves like it
//! is the end-to-end tests' to show.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_clerk::{
    AuthState, Clerk, ClerkLoading, ClerkProvider, GetToken, PublishableKey, SignInButton, SignedIn,
    SignedOut, TokenError, UseAuth, UserButton, use_auth,
};

wasm_bindgen_test_configure!(run_in_browser);

const STAND_IN: &str = r#"
window.calls = []; window.listeners = [];
window.ada = { id: 'user_ada', fullName: 'Ada Lovelace', primaryEmailAddress: { emailAddress: 'ada@example.com' } };
window.session = (id, getToken) => ({ id, status: 'active', lastActiveOrganizationId: null,
    getToken: getToken || (async () => 'tok.en') });
window.Clerk = {
    status: 'ready', session: undefined, user: undefined,
    load: async (options) => { calls.push('load'); },
    addListener: (listener, options) => {
        listeners.push(listener);
        if (!options?.skipInitialEmit) calls.push('emitted at once');
        return () => { calls.push('unsubscribed'); listeners = listeners.filter((other) => other !== listener); };
    },
    on: () => {}, off: () => {},
    openSignIn: (props) => calls.push('open ' + props.forceRedirectUrl),
    mountUserButton: (node, props) => {
        calls.push(`mount ${node.isConnected} ${node.childNodes.length} ${props.showName}`);
        node.append('from Clerk');
    },
    unmountUserButton: (node) => calls.push(`unmount ${node.isConnected}`),
    __internal_updateProps: ({ node, props }) => calls.push(`update ${node.isConnected} ${props.showName}`),
};
window.emit = (session, user) => {
    Clerk.session = session; Clerk.user = user;
    listeners.forEach((listener) => listener({ client: {}, session, user, organization: null }));
};
0
"#;

fn js(script: &str) -> JsValue {
    js_sys::eval(script).unwrap()
}

/// What the stand-in was asked to do since the last look.
fn calls() -> Vec<String> {
    let calls = js("(() => { const seen = calls.join('|'); calls.length = 0; return seen; })()");
    calls.as_string().unwrap().split('|').filter(|call| !call.is_empty()).map(str::to_owned).collect()
}

fn sign_in() {
    js("emit(session('sess_1'), ada); 0");
}

/// Lets promises settle and Yew render. Nothing here waits for time.
async fn settle() {
    for _ in 0..20 {
        JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await.unwrap();
        yew::scheduler::flush().await;
    }
}

fn key() -> PublishableKey {
    "pk_test_Y2xlcmsubG9jYWxob3N0JA".parse().unwrap()
}

/// What a page's component saw last, and how often it rendered.
#[derive(Clone, Default)]
struct Probe {
    auth: Rc<RefCell<Option<UseAuth>>>,
    renders: Rc<Cell<u32>>,
    show_name: Rc<Cell<bool>>,
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.auth, &other.auth)
    }
}

#[derive(PartialEq, Properties)]
struct PageProps {
    probe: Probe,
}

#[component]
fn Page(props: &PageProps) -> Html {
    let auth = use_auth();
    props.probe.renders.set(props.probe.renders.get() + 1);
    props.probe.auth.replace(Some(auth));
    html! {
        <>
            <ClerkLoading>{ "loading" }</ClerkLoading>
            <SignedOut>{ "out" }<SignInButton>{ "!" }</SignInButton>
                <SignInButton class="to-inbox" force_redirect_url="/inbox">{ "" }</SignInButton></SignedOut>
            <SignedIn>{ "in" }<UserButton show_name={props.probe.show_name.get()} /></SignedIn>
        </>
    }
}

#[component]
fn App(props: &PageProps) -> Html {
    html! { <ClerkProvider publishable_key={key()}><Page probe={props.probe.clone()} /></ClerkProvider> }
}

struct Mounted {
    root: web_sys::Element,
    probe: Probe,
    app: Option<yew::AppHandle<App>>,
}

impl Mounted {
    async fn new() -> Self {
        js(STAND_IN);
        let document = web_sys::window().unwrap().document().unwrap();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let probe = Probe::default();
        let props = PageProps { probe: probe.clone() };
        let app = yew::Renderer::<App>::with_root_and_props(root.clone(), props).render();
        let mounted = Self { root, probe, app: Some(app) };
        settle().await;
        calls();
        mounted
    }

    fn text(&self) -> String {
        self.root.text_content().unwrap()
    }

    fn auth(&self) -> UseAuth {
        self.probe.auth.borrow().clone().unwrap()
    }

    fn clerk(&self) -> Clerk {
        self.auth().clerk().clone()
    }

    async fn end(mut self) {
        self.app.take().unwrap().destroy();
        settle().await;
        self.root.remove();
    }
}

#[wasm_bindgen_test]
async fn nobody_counts_as_signed_out_before_clerk_says_so() {
    let page = Mounted::new().await;
    assert_eq!(page.text(), "loading", "undefined is not signed out");
    js("emit(null, null); 0");
    yew::scheduler::flush().await;
    assert_eq!(page.text(), "out!");
    sign_in();
    yew::scheduler::flush().await;
    assert_eq!(page.text(), "infrom Clerk");
    assert_eq!(page.auth().user().unwrap().email.as_deref(), Some("ada@example.com"));

    // Signing out, as clerk-js does it. The first word of it empties the page, in the same flush.
    js("emit(undefined, undefined); 0");
    yew::scheduler::flush().await;
    assert_eq!(page.text(), "loading");
    js("emit(null, null); 0");
    yew::scheduler::flush().await;
    assert_eq!(page.text(), "out!");
    page.end().await;
    assert!(calls().contains(&"unsubscribed".to_owned()));
}

#[wasm_bindgen_test]
async fn a_session_with_a_task_to_do_counts_as_signed_out() {
    let page = Mounted::new().await;
    js("emit({ ...session('sess_1'), status: 'pending' }, ada); 0");
    settle().await;
    assert_eq!(page.auth().state, AuthState::SignedOut);
    js("emit(session('sess_1'), undefined); 0");
    settle().await;
    assert_eq!(page.auth().state, AuthState::Loading, "a session whose person is not there yet");
    page.end().await;
}

#[wasm_bindgen_test]
async fn what_does_not_change_renders_nothing() {
    let page = Mounted::new().await;
    sign_in();
    settle().await;
    let renders = page.probe.renders.get();
    // As at each refreshed token: other objects, the same facts.
    for _ in 0..3 {
        sign_in();
        settle().await;
    }
    assert_eq!(page.probe.renders.get(), renders);
    js("emit(session('sess_2'), ada); 0");
    settle().await;
    assert_eq!(page.probe.renders.get(), renders + 1);
    page.end().await;
}

async fn token_of(page: &Mounted, get_token: &str) -> Result<(), TokenError> {
    js(&format!("emit(session('sess_1', {get_token}), ada); 0"));
    let wish = GetToken::default().time_limit(Duration::from_millis(200));
    page.clerk().get_token(wish).await.map(|_| ())
}

#[wasm_bindgen_test]
async fn get_token_says_what_happened() {
    let page = Mounted::new().await;
    assert_eq!(token_of(&page, "async () => 'tok.en'").await, Ok(()));
    assert_eq!(token_of(&page, "async () => null").await, Err(TokenError::SignedOut));
    for no_token in ["''", "'undefined'", "'null'", "undefined", "7", "{}"] {
        let answer = token_of(&page, &format!("async () => ({no_token})")).await;
        assert!(matches!(answer, Err(TokenError::Invalid(_))), "{no_token}: {answer:?}");
    }
    let offline = "async () => { throw { code: 'clerk_offline', clerkRuntimeError: true }; }";
    assert_eq!(token_of(&page, offline).await, Err(TokenError::Offline));
    for thrown in ["undefined", "null", "7", "'a string'", "new Error('x')"] {
        for get_token in
            [format!("async () => {{ throw {thrown}; }}"), format!("() => {{ throw {thrown}; }}")]
        {
            let error = token_of(&page, &get_token).await;
            assert!(matches!(error, Err(TokenError::Provider(_))), "{get_token}: {error:?}");
        }
    }
    let late = TokenError::TimedOut { after: Duration::from_millis(200) };
    assert_eq!(token_of(&page, "() => new Promise(() => {})").await, Err(late));
    js("Object.defineProperty(navigator, 'onLine', { value: false, configurable: true }); 0");
    let unanswered = token_of(&page, "() => new Promise(() => {})").await;
    js("delete navigator.onLine; 0");
    assert_eq!(unanswered, Err(TokenError::Offline), "the browser knows why nobody answers");

    // Longer than a timer can count: no limit, and not "at once".
    js("emit(session('sess_1', () => new Promise((done) => setTimeout(() => done('tok.en'), 20))), ada); 0");
    for days in [30, 1000] {
        let wish = GetToken::default().time_limit(Duration::from_secs(days * 24 * 60 * 60));
        assert!(page.clerk().get_token(wish).await.is_ok(), "{days} days");
    }
    js("emit(null, null); 0");
    assert_eq!(page.clerk().get_token(GetToken::default()).await.unwrap_err(), TokenError::SignedOut);
    page.end().await;
}

#[wasm_bindgen_test]
async fn clerks_own_errors_keep_all_they_say() {
    let page = Mounted::new().await;
    // The published build is minified: the error's name is of no use.
    let thrown =
        "async () => { throw { name: 'e', status: 429, retryAfter: 7, clerkTraceId: 'trace_1', errors: [
        { code: 'too_many_requests', message: 'Too many', longMessage: 'Too many. Wait.',
          meta: { paramName: 'template' } }] }; }";
    let Err(TokenError::Provider(error)) = token_of(&page, thrown).await else { panic!("no error") };
    assert_eq!((error.code.as_str(), error.message.as_str()), ("too_many_requests", "Too many. Wait."));
    assert_eq!((error.status, error.retry_after), (Some(429), Some(Duration::from_secs(7))));
    assert_eq!(error.parameter.as_deref(), Some("template"));
    assert_eq!(error.trace_id.as_deref(), Some("trace_1"));
    page.end().await;
}

#[wasm_bindgen_test]
async fn get_token_passes_the_wish_on_and_waits_for_a_session() {
    let page = Mounted::new().await;
    let clerk = page.clerk();
    let answer = Rc::new(RefCell::new(None));
    wasm_bindgen_futures::spawn_local({
        let answer = answer.clone();
        async move {
            let wish = GetToken::default().template("t").organization_id("org_1").skip_cache();
            answer.replace(Some(clerk.get_token(wish).await));
        }
    });
    settle().await;
    assert!(answer.borrow().is_none(), "nobody knows yet who is signed in");
    js(
        "emit(session('sess_1', async (wish) => { calls.push(JSON.stringify(wish)); return 'tok.en'; }), ada); 0",
    );
    settle().await;
    assert!(answer.borrow().as_ref().unwrap().is_ok());
    assert!(calls().contains(&r#"{"template":"t","organizationId":"org_1","skipCache":true}"#.to_owned()));
    page.end().await;
}

#[wasm_bindgen_test]
async fn clerks_component_gets_an_empty_element_and_is_updated_in_place() {
    let page = Mounted::new().await;
    sign_in();
    settle().await;
    assert_eq!(calls(), ["mount true 0 false"]);
    page.probe.show_name.set(true);
    js("emit(session('sess_2'), ada); 0");
    settle().await;
    assert_eq!(calls(), ["update true true"], "not mounted anew");
    js("emit(null, null); 0");
    settle().await;
    assert_eq!(calls(), ["unmount true"], "while the element is still there");
    sign_in();
    settle().await;
    assert_eq!(calls(), ["mount true 0 true"]);
    page.end().await;
    assert!(calls().contains(&"unmount true".to_owned()), "also where the whole app goes");
}

#[wasm_bindgen_test]
async fn the_sign_in_button_leads_back_to_this_page() {
    let page = Mounted::new().await;
    js("emit(null, null); 0");
    settle().await;
    js("document.querySelector('button[aria-haspopup=dialog]').click(); 0");
    let location = web_sys::window().unwrap().location();
    let here = location.pathname().unwrap() + &location.search().unwrap();
    assert_eq!(calls(), [format!("open {here}")]);
    js("document.querySelector('button.to-inbox').click(); 0");
    assert_eq!(calls(), ["open /inbox"], "or to where it is told");
    page.end().await;
}

#[wasm_bindgen_test]
async fn a_page_that_is_put_away_shows_nothing_until_clerk_has_been_asked() {
    let page = Mounted::new().await;
    let get_token =
        "(wish) => { calls.push(JSON.stringify(wish)); return new Promise((r) => { window.resolve = r; }); }";
    js(&format!("emit(session('sess_1', {get_token}), ada); 0"));
    settle().await;
    assert!(page.text().starts_with("in"));

    js("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })); 0");
    yew::scheduler::flush().await;
    assert_eq!(page.text(), "loading");
    calls();
    js("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })); 0");
    settle().await;
    sign_in();
    settle().await;
    assert_eq!(page.text(), "loading", "clerk-js knows no better than this page yet");
    assert_eq!(calls(), [r#"{"skipCache":true}"#]);
    // Clerk answers that the session is over, and clerk-js signs out.
    js("emit(null, null); resolve(null); 0");
    settle().await;
    assert_eq!(page.text(), "out!");

    js("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false })); 0");
    settle().await;
    assert_eq!(page.text(), "out!", "a page that is not kept need not be emptied");
    page.end().await;
}

#[wasm_bindgen_test]
async fn a_page_that_is_brought_back_shows_the_session_that_lives_on() {
    let page = Mounted::new().await;
    js("window.asked = []; window.ask = () => new Promise((done) => asked.push(done));
        emit(session('sess_1', ask), ada); 0");
    settle().await;
    let turn = |event: &str| {
        js(&format!("dispatchEvent(new PageTransitionEvent('{event}', {{ persisted: true }})); 0"));
    };
    turn("pagehide");
    turn("pageshow");
    settle().await;
    // Put away again before the answer: that answer is of an earlier moment.
    turn("pagehide");
    turn("pageshow");
    settle().await;
    js("asked[0]('tok.en'); 0");
    settle().await;
    assert_eq!(page.text(), "loading", "the first answer says nothing of now");
    js("asked[1]('tok.en'); 0");
    settle().await;
    assert_eq!(page.text(), "infrom Clerk");

    // Nobody answers. The wait has an end, which is brought about here by calling the timer's function.
    js("window.timers = []; window.realTimeout = setTimeout;
        window.setTimeout = (call, wait) => { timers.push({ call, wait }); return realTimeout(call, wait); }; 0");
    turn("pagehide");
    turn("pageshow");
    settle().await;
    assert_eq!(page.text(), "loading");
    js(
        "window.setTimeout = realTimeout; timers.filter(({ wait }) => wait === 10000).forEach(({ call }) => call()); 0",
    );
    settle().await;
    assert_eq!(page.text(), "infrom Clerk", "what clerk-js last knew");
    page.end().await;
}

#[component]
fn Lost(props: &PageProps) -> Html {
    html! { <Page probe={props.probe.clone()} /> }
}

#[wasm_bindgen_test]
async fn outside_the_provider_nothing_loads_and_nothing_panics() {
    js(
        "window.errors = []; window.consoleError = console.error; console.error = (e) => errors.push(String(e)); 0",
    );
    let root = web_sys::window().unwrap().document().unwrap().create_element("div").unwrap();
    let probe = Probe::default();
    let app =
        yew::Renderer::<Lost>::with_root_and_props(root.clone(), PageProps { probe: probe.clone() }).render();
    settle().await;
    let errors = js("console.error = consoleError; errors.join()").as_string().unwrap();
    assert_eq!(root.text_content().unwrap(), "loading");
    assert_eq!(errors.matches("<ClerkProvider>").count(), 1, "said once: {errors}");
    let auth = probe.auth.borrow().clone().unwrap();
    let wish = GetToken::default().time_limit(Duration::from_millis(20));
    assert_eq!(auth.clerk().get_token(wish).await.unwrap_err(), TokenError::NotLoaded);
    app.destroy();
}
