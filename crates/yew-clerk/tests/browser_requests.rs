//! Tokens and requests in a browser, on stand-ins for `window.Clerk` and `fetch`: how often either is asked, and what
//! becomes of answers that come when somebody else is signed in.
#![cfg(all(target_arch = "wasm32", feature = "query-cache"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use js_sys::Promise;
use query_cache::{ManualEnvironment, QueryClient};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_clerk::{
    ApiError, Clerk, ClerkProvider, Fetch, GetToken, PublishableKey, QueryClientProviderWithClerk,
    Requirement, SessionToken, TokenError, UseAuth, get_token, use_auth, use_clerk_swr, use_fetch,
};

wasm_bindgen_test_configure!(run_in_browser);

/// clerk-js answers with a token that says how often it was asked, once `go` is called where it is to wait. The server
/// takes any token unless it is told which.
const STAND_IN: &str = r#"
window.asked = []; window.waiting = []; window.wait = false; window.listeners = [];
window.sent = []; window.taken = null; window.held = null;
window.answer = () => 'tok.' + asked.length;
window.session = (id, organization, claims) => ({ id, status: 'active', lastActiveOrganizationId: organization ?? null,
    lastActiveToken: claims && { jwt: { claims } },
    getToken: (wish) => {
        asked.push(JSON.stringify(wish ?? {}));
        const token = answer();
        return wait ? new Promise((done) => waiting.push(() => done(token))) : Promise.resolve(token);
    } });
window.go = () => { waiting.splice(0).forEach((done) => done()); };
window.ada = (memberships) => ({ id: 'user_ada', organizationMemberships: memberships ?? [] });
window.Clerk = { status: 'ready', session: undefined, user: undefined, load: async () => {}, on: () => {}, off: () => {},
    addListener: (listener) => { listeners.push(listener); return () => {}; } };
window.emit = (session, user) => {
    Clerk.session = session; Clerk.user = user;
    listeners.forEach((listener) => listener({ session, user }));
};
window.realFetch ??= window.fetch;
window.fetch = async (request) => {
    const authorization = request.headers.get('authorization');
    sent.push([new URL(request.url).pathname, authorization, request.redirect, request.credentials].join(' '));
    if (held) await new Promise((done) => held.push(done));
    if (taken && authorization !== taken) return new Response('{}', { status: 401 });
    return new Response(JSON.stringify('answer ' + sent.length), { headers: { 'content-type': 'application/json' } });
};
0"#;

fn js(script: &str) -> JsValue {
    js_sys::eval(script).unwrap()
}

fn count(of: &str) -> f64 {
    js(&format!("{of}.length")).as_f64().unwrap()
}

fn sent() -> Vec<String> {
    js("sent.join('|')").as_string().unwrap().split('|').map(str::to_owned).collect()
}

async fn settle(world: &ManualEnvironment) {
    for _ in 0..40 {
        JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await.unwrap();
        world.run();
        yew::scheduler::flush().await;
    }
}

#[derive(Clone, Default)]
struct Probe {
    auth: Rc<RefCell<Option<UseAuth>>>,
    fetch: Rc<RefCell<Option<Fetch>>>,
    renders: Rc<Cell<u32>>,
    swr: Rc<Cell<bool>>,
    swr_renders: Rc<Cell<u32>>,
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
    let (auth, fetch) = (use_auth(), use_fetch());
    props.probe.renders.set(props.probe.renders.get() + 1);
    if let Some(before) = props.probe.fetch.replace(Some(fetch.clone())) {
        assert!(before == fetch, "the same at each render");
    }
    props.probe.auth.replace(Some(auth));
    html! { if props.probe.swr.get() { <Shown probe={props.probe.clone()} /> } }
}

#[component]
fn Shown(props: &PageProps) -> Html {
    let answer = use_clerk_swr::<String>("https://api.test/swr");
    props.probe.swr_renders.set(props.probe.swr_renders.get() + 1);
    match (answer.data(), answer.error()) {
        (Some(text), _) => html! { &**text },
        (None, Some(error)) => html! { error.to_string() },
        (None, None) => html! { "loading" },
    }
}

#[derive(PartialEq, Properties)]
struct AppProps {
    probe: Probe,
    client: QueryClient,
}

#[component]
fn App(props: &AppProps) -> Html {
    let key: PublishableKey = "pk_test_Y2xlcmsubG9jYWxob3N0JA".parse().unwrap();
    html! {
        <ClerkProvider publishable_key={key} api_origins={vec![AttrValue::from("https://api.test")]}>
            <QueryClientProviderWithClerk client={props.client.clone()}>
                <Page probe={props.probe.clone()} />
            </QueryClientProviderWithClerk>
        </ClerkProvider>
    }
}

struct Stage {
    probe: Probe,
    world: ManualEnvironment,
    client: QueryClient,
    root: web_sys::Element,
    app: yew::AppHandle<App>,
}

impl Stage {
    /// Ada is signed in.
    async fn new(shows_swr: bool) -> Self {
        js(STAND_IN);
        let world = ManualEnvironment::new(1);
        let client = QueryClient::new(world.clone());
        let root = web_sys::window().unwrap().document().unwrap().create_element("div").unwrap();
        let probe = Probe::default();
        probe.swr.set(shows_swr);
        let props = AppProps { probe: probe.clone(), client: client.clone() };
        let app = yew::Renderer::<App>::with_root_and_props(root.clone(), props).render();
        let stage = Self { probe, world, client, root, app };
        stage.settle().await;
        stage.emit("session('sess_1'), ada()").await;
        stage
    }

    async fn settle(&self) {
        settle(&self.world).await;
    }

    async fn emit(&self, state: &str) {
        js(&format!("emit({state}); 0"));
        self.settle().await;
    }

    fn clerk(&self) -> Clerk {
        self.auth().clerk().clone()
    }

    fn auth(&self) -> UseAuth {
        self.probe.auth.borrow().clone().unwrap()
    }

    fn fetch(&self) -> Fetch {
        self.probe.fetch.borrow().clone().unwrap()
    }

    fn text(&self) -> String {
        self.root.text_content().unwrap()
    }

    /// Asks in a task of its own.
    fn ask(&self, wish: GetToken) -> Rc<RefCell<Option<Result<SessionToken, TokenError>>>> {
        let (clerk, answer) = (self.clerk(), Rc::new(RefCell::new(None)));
        let slot = answer.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let token = clerk.get_token(wish).await;
            slot.replace(Some(token));
        });
        answer
    }

    async fn end(self) {
        self.app.destroy();
        settle(&self.world).await;
        js("window.fetch = realFetch; 0");
    }
}

fn header(token: &Result<SessionToken, TokenError>) -> String {
    token.as_ref().unwrap().authorization_header()
}

#[wasm_bindgen_test]
async fn a_thousand_who_ask_at_once_are_one_question() {
    let stage = Stage::new(false).await;
    let clerk = stage.clerk();
    for wish in [GetToken::default(), GetToken::default().skip_cache(), GetToken::default().template("t")] {
        js("asked.length = 0; 0");
        let tokens = join_all((0..1_000).map(|_| clerk.get_token(wish.clone()))).await;
        assert!(tokens.iter().all(|token| header(token) == "Bearer tok.1"));
        assert_eq!(count("asked"), 1.0, "{wish:?}");
        // What was answered is no answer to who asks later.
        assert_eq!(header(&clerk.get_token(wish).await), "Bearer tok.2");
    }
    js("asked.length = 0; 0");
    let wishes = [
        GetToken::default(),
        GetToken::default().skip_cache(),
        GetToken::default().template("a"),
        GetToken::default().template("b"),
        GetToken::default().organization_id("org_1"),
        // Another limit is no other question.
        GetToken::default().time_limit(Duration::from_secs(3)),
    ];
    join_all(wishes.into_iter().map(|wish| clerk.get_token(wish))).await;
    assert_eq!(count("asked"), 5.0);
    stage.end().await;
}

#[wasm_bindgen_test]
async fn who_leaves_takes_nothing_from_those_who_wait() {
    let stage = Stage::new(false).await;
    js("wait = true; 0");
    let clerk = stage.clerk();
    let stays = stage.ask(GetToken::default());
    let mut leaves = Box::pin(clerk.get_token(GetToken::default()));
    let polled = futures_util::poll!(&mut leaves);
    assert!(polled.is_pending());
    stage.settle().await;
    drop(leaves);
    js("go(); 0");
    stage.settle().await;
    assert_eq!((count("asked"), header(stays.borrow().as_ref().unwrap())), (1.0, "Bearer tok.1".to_owned()));
    stage.end().await;
}

#[wasm_bindgen_test]
async fn a_token_that_comes_for_somebody_who_is_gone_is_nobodys() {
    let stage = Stage::new(false).await;
    js("wait = true; 0");
    let signs_out = stage.ask(GetToken::default());
    stage.settle().await;
    stage.emit("null, null").await;
    js("go(); 0");
    stage.settle().await;
    assert_eq!(signs_out.borrow_mut().take(), Some(Err(TokenError::SignedOut)));

    stage.emit("session('sess_2'), ada()").await;
    let becomes_another = stage.ask(GetToken::default());
    stage.settle().await;
    stage.emit("session('sess_3'), ada()").await;
    js("go(); 0");
    stage.settle().await;
    assert_eq!(becomes_another.borrow_mut().take(), Some(Err(TokenError::SignedOut)));

    // The same person, for another organization: asked again, since the token names the first.
    js("asked.length = 0; 0");
    let moves = stage.ask(GetToken::default());
    stage.settle().await;
    stage.emit("session('sess_3', 'org_1'), ada()").await;
    js("go(); 0");
    stage.settle().await;
    assert!(moves.borrow().is_none());
    js("go(); 0");
    stage.settle().await;
    assert_eq!((header(moves.borrow().as_ref().unwrap()), count("asked")), ("Bearer tok.2".to_owned(), 2.0));
    stage.end().await;
}

#[wasm_bindgen_test]
async fn outside_of_components_a_token_waits_for_the_provider_and_for_clerk() {
    // Nothing is mounted.
    let early = Rc::new(RefCell::new(None));
    let slot = early.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let token = get_token().await;
        slot.replace(Some(token));
    });
    let short = GetToken::default().time_limit(Duration::from_millis(20));
    assert_eq!(yew_clerk::get_token_with(short.clone()).await, Err(TokenError::NotLoaded));
    assert!(early.borrow().is_none());
    let stage = Stage::new(false).await;
    assert_eq!(header(early.borrow().as_ref().unwrap()), "Bearer tok.1");
    assert!(get_token().await.is_ok());
    stage.end().await;
    assert_eq!(yew_clerk::get_token_with(short).await, Err(TokenError::NotLoaded), "the provider is gone");
}

#[wasm_bindgen_test]
async fn a_fetch_goes_to_the_page_and_to_the_origins_that_the_provider_names() {
    let stage = Stage::new(false).await;
    let fetch = stage.fetch();
    assert_eq!(fetch.get("https://api.test/foo").json::<String>().await.unwrap(), "answer 1");
    assert_eq!(sent(), ["/foo Bearer tok.1 error omit"]);
    for url in
        ["https://other.test/foo", "https://api.test.evil/foo", "https://api.test@evil.test/", "//evil.test/"]
    {
        let refused = fetch.get(url).send().await;
        let named = matches!(refused, Err(ApiError::OriginNotAllowed { .. } | ApiError::InvalidUrl(_)));
        assert!(named, "{url}: {refused:?}");
    }
    assert_eq!((count("sent"), count("asked")), (1.0, 1.0), "no token is asked for what is not sent");
    // A page that is seen has the cookie, which clerk-js renews when it is asked for a token.
    js("Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true }); 0");
    fetch.post("/own").json_body(&7).send().await.unwrap();
    assert_eq!(sent()[1], "/own  error same-origin");
    assert_eq!(count("asked"), 2.0);
    js("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true }); 0");
    fetch.post("/own").json_body(&7).send().await.unwrap();
    assert_eq!(sent()[2], "/own Bearer tok.3 error omit");
    js("delete document.visibilityState; 0");
    stage.end().await;
}

#[wasm_bindgen_test]
async fn fifty_that_are_refused_make_one_token_and_are_sent_once_more() {
    let stage = Stage::new(false).await;
    // clerk-js hands the old token out for as long as it may answer from its cache.
    js(
        "answer = () => asked.at(-1).includes('skipCache') ? 'tok.new' : 'tok.old'; taken = 'Bearer tok.new'; 0",
    );
    let fetch = stage.fetch();
    let requests = (0..50).map(|number| fetch.get(&format!("https://api.test/{number}")).json::<String>());
    let answers = join_all(requests).await;
    assert!(answers.iter().all(Result::is_ok));
    let forced = js("asked.filter((wish) => wish.includes('skipCache')).length").as_f64().unwrap();
    assert_eq!((forced, count("sent")), (1.0, 100.0));
    // A server that refuses everything: each request is sent at most twice, and no token is made for it.
    js("taken = 'Bearer nothing'; sent.length = 0; 0");
    for _ in 0..10 {
        let refused = fetch.get("https://api.test/no").send().await;
        assert!(matches!(refused, Err(ApiError::Unauthorized(_))), "{refused:?}");
    }
    let forced = js("asked.filter((wish) => wish.includes('skipCache')).length").as_f64().unwrap();
    assert_eq!(forced, 1.0);
    stage.end().await;
}

#[wasm_bindgen_test]
async fn who_waits_for_a_new_token_when_somebody_signs_out_is_told_so() {
    let stage = Stage::new(false).await;
    js(
        "taken = 'Bearer nothing'; answer = () => { wait = asked.at(-1).includes('skipCache'); return 'tok.old'; }; 0",
    );
    let (fetch, answer) = (stage.fetch(), Rc::new(RefCell::new(None)));
    let slot = answer.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let refused = fetch.get("https://api.test/foo").send().await;
        slot.replace(Some(refused.map(drop)));
    });
    stage.settle().await;
    assert!(answer.borrow().is_none(), "the forced refresh is under way");
    stage.emit("null, null").await;
    let told = answer.borrow_mut().take();
    assert!(matches!(told, Some(Err(ApiError::Token(TokenError::SignedOut)))), "{told:?}");
    assert_eq!(count("sent"), 1.0);
    stage.end().await;
}

#[wasm_bindgen_test]
async fn a_refreshed_token_renders_nothing_and_a_role_that_changes_does() {
    let stage = Stage::new(false).await;
    let membership = |role: &str| {
        format!(
            "session('sess_1', 'org_1', {{ v: 2, sub: 'user_ada', iat: Date.now(), jti: String(Math.random()), \
             pla: 'o:pro', __raw: 'secret' }}), ada([{{ role: '{role}', permissions: ['org:bills:read'], \
             organization: {{ id: 'org_1', name: 'Works', slug: 'works' }} }}])"
        )
    };
    stage.emit(&membership("org:admin")).await;
    let renders = stage.probe.renders.get();
    for _ in 0..5 {
        stage.emit(&membership("org:admin")).await;
    }
    assert_eq!(stage.probe.renders.get(), renders);
    let auth = stage.auth();
    assert_eq!(auth.organization().unwrap().name.as_deref(), Some("Works"));
    assert_eq!(auth.claims().unwrap().text("sub"), Some("user_ada"));
    assert!(!format!("{auth:?}").contains("secret"));
    assert!(auth.has(&Requirement::role("org:admin").and(Requirement::permission("org:bills:read"))));
    assert!(auth.has(&Requirement::plan("pro")) && !auth.has(&Requirement::plan("user:pro")));
    stage.emit(&membership("org:member")).await;
    assert_eq!(stage.probe.renders.get(), renders + 1);
    assert!(!stage.auth().has(&Requirement::role("org:admin")));
    stage.emit("null, null").await;
    assert!(!stage.auth().has(&Requirement::permission("org:bills:read")));
    stage.end().await;
}

#[wasm_bindgen_test]
async fn swr_shows_what_there_is_and_fetches_it_again_when_the_page_is_seen() {
    let stage = Stage::new(true).await;
    assert_eq!((stage.text().as_str(), sent()[0].as_str()), ("answer 1", "/swr Bearer tok.1 error omit"));
    let renders = stage.probe.swr_renders.get();
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    assert_eq!(stage.text(), "answer 1", "while it is fetched");
    stage.settle().await;
    assert_eq!((stage.text().as_str(), stage.probe.swr_renders.get()), ("answer 2", renders + 1));
    stage.client.set_online(false);
    stage.client.set_online(true);
    stage.settle().await;
    assert_eq!(stage.text(), "answer 3");
    stage.end().await;
}

#[wasm_bindgen_test]
async fn an_answer_under_way_at_a_sign_out_is_shown_and_stored_by_nobody() {
    let stage = Stage::new(true).await;
    js("window.held = []; 0");
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.settle().await;
    assert_eq!(count("sent"), 2.0);
    // The word itself empties the page, before anything else runs.
    js("emit(undefined, undefined); 0");
    yew::scheduler::flush().await;
    stage.world.run();
    yew::scheduler::flush().await;
    assert_eq!(stage.text(), "loading");
    // The same person after all: everything is back, and nothing was asked for.
    js("emit(session('sess_1'), ada()); 0");
    stage.world.run();
    yew::scheduler::flush().await;
    assert_eq!((stage.text().as_str(), count("sent")), ("answer 1", 2.0));
    js("emit(undefined, undefined); 0");
    stage.emit("session('sess_2'), ada()").await;
    assert_eq!((stage.text().as_str(), count("sent")), ("loading", 3.0), "another's is asked for anew");
    js("sent.length = 7; held.splice(0)[0](); 0");
    stage.settle().await;
    assert_eq!(stage.text(), "loading", "the first one's answer");
    stage.end().await;
}
