//! Hooks in a real browser, on a clock that does not run.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use query_cache::ManualEnvironment;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// Counts requests and answers each after a second: with its number, unless told otherwise.
#[derive(Clone)]
struct Server {
    world: ManualEnvironment,
    requests: Rc<RefCell<Vec<u32>>>,
    aborted: Rc<Cell<usize>>,
    faults: Rc<RefCell<VecDeque<&'static str>>>,
}

struct Number(u32);

impl Query for Number {
    type Data = String;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["number", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.retry(1).stale_after(minutes(5))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<String, String> {
        struct Request(Rc<Cell<usize>>, bool);
        impl Drop for Request {
            fn drop(&mut self) {
                self.0.set(self.0.get() + usize::from(!self.1));
            }
        }

        let server = cx.get::<Server>()?;
        server.requests.borrow_mut().push(self.0);
        let number = server.requests.borrow().len();
        let mut request = Request(server.aborted.clone(), false);
        server.world.sleep(seconds(1)).await;
        request.1 = true;
        match server.faults.borrow_mut().pop_front() {
            Some(fault) => Err(fault.to_owned()),
            None => Ok(format!("{} of request {number}", self.0)),
        }
    }
}

/// How often something rendered. Equal to itself, so that passing it on causes no render.
#[derive(Clone, Default)]
struct Renders(Rc<Cell<usize>>);

impl PartialEq for Renders {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Renders {
    fn count(&self) {
        self.0.set(self.0.get() + 1);
    }

    fn take(&self) -> usize {
        self.0.replace(0)
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ViewProps {
    id: u32,
    renders: Renders,
    shows_activity: bool,
}

#[component]
fn View(props: &ViewProps) -> Html {
    props.renders.count();
    let number = use_query(Number(props.id));
    let onclick = {
        let number = number.clone();
        Callback::from(move |_: MouseEvent| number.refetch())
    };
    let text = match number.state() {
        QueryState::Idle => "idle".to_owned(),
        QueryState::Pending { retry: Some(retry), .. } if retry.waiting => {
            format!("attempt {} of {} failed: {}", retry.attempt, retry.attempts, retry.error)
        }
        QueryState::Pending { .. } => "pending".to_owned(),
        QueryState::Failed { error } => format!("failed: {error}"),
        QueryState::Ready { data, .. } => data.to_string(),
    };
    let activity = if props.shows_activity && number.is_fetching() { " (fetching)" } else { "" };
    html! { <p><span>{text}{activity}</span><button {onclick} /></p> }
}

/// What the app shows: the test changes it from outside.
#[derive(Clone, PartialEq)]
struct Shown {
    ids: Vec<u32>,
    shows_activity: bool,
    provided: bool,
}

#[derive(Clone, PartialEq, Properties)]
struct AppProps {
    client: QueryClient,
    shown: Shown,
    renders: Renders,
    setter: Setter,
}

#[derive(Clone, Default)]
struct Setter(Rc<RefCell<Option<UseStateHandle<Shown>>>>);

impl PartialEq for Setter {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[component]
fn App(props: &AppProps) -> Html {
    let shown = use_state(|| props.shown.clone());
    *props.setter.0.borrow_mut() = Some(shown.clone());
    let views = shown.ids.iter().map(|id| {
        html! { <View id={*id} renders={props.renders.clone()} shows_activity={shown.shows_activity} /> }
    });
    let views = html! { <>{ for views }</> };
    if shown.provided {
        html! { <QueryClientProvider client={props.client.clone()}>{views}</QueryClientProvider> }
    } else {
        views
    }
}

struct Stage {
    world: ManualEnvironment,
    client: QueryClient,
    server: Server,
    renders: Renders,
    setter: Setter,
    root: web_sys::Element,
    app: Option<yew::AppHandle<App>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

impl Stage {
    async fn new(ids: &[u32]) -> Stage {
        Stage::with(Shown { ids: ids.to_vec(), shows_activity: false, provided: true }).await
    }

    async fn with(shown: Shown) -> Stage {
        let world = ManualEnvironment::new(1);
        let client = QueryClient::new(world.clone());
        let server = Server {
            world: world.clone(),
            requests: Rc::default(),
            aborted: Rc::default(),
            faults: Rc::default(),
        };
        client.provide(server.clone());
        let document = web_sys::window().unwrap().document().unwrap();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let (renders, setter) = (Renders::default(), Setter::default());
        let props =
            AppProps { client: client.clone(), shown, renders: renders.clone(), setter: setter.clone() };
        let app = yew::Renderer::<App>::with_root_and_props(root.clone(), props).render();
        let stage = Stage { world, client, server, renders, setter, root, app: Some(app) };
        stage.flush().await;
        stage
    }

    /// Runs tasks and renders until there is nothing left to do. No time passes.
    async fn flush(&self) {
        for _ in 0..4 {
            yew::scheduler::flush().await;
            self.world.run();
        }
        yew::scheduler::flush().await;
    }

    async fn pass(&self, time: Duration) {
        self.world.advance(time);
        self.flush().await;
    }

    async fn show(&self, ids: &[u32]) {
        let handle = self.setter.0.borrow().clone().unwrap();
        handle.set(Shown { ids: ids.to_vec(), ..(*handle).clone() });
        self.flush().await;
    }

    fn texts(&self) -> Vec<String> {
        let spans = self.root.query_selector_all("span").unwrap();
        (0..spans.length()).map(|index| spans.item(index).unwrap().text_content().unwrap()).collect()
    }

    async fn click(&self) {
        let button = self.root.query_selector("button").unwrap().unwrap();
        button.dyn_into::<web_sys::HtmlElement>().unwrap().click();
        self.flush().await;
    }

    fn requests(&self) -> Vec<u32> {
        self.server.requests.borrow().clone()
    }
}

#[wasm_bindgen_test]
async fn pending_then_ready_in_two_renders() {
    let stage = Stage::new(&[1]).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["pending".to_owned()], 1));
    assert_eq!(stage.requests(), [1], "asked for in the first render");
    stage.pass(seconds(1)).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["1 of request 1".to_owned()], 1));
}

#[wasm_bindgen_test]
async fn a_failure_shows_the_retry_then_the_verdict_then_a_button_that_works() {
    let stage = Stage::new(&[1]).await;
    stage.server.faults.borrow_mut().extend(["busy", "still busy"]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["attempt 1 of 2 failed: busy"]);
    assert_eq!(stage.renders.take(), 2);
    stage.pass(seconds(2)).await;
    assert_eq!((stage.requests().len(), stage.texts()), (2, vec!["failed: still busy".to_owned()]));
    stage.renders.take();

    stage.click().await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["pending".to_owned()], 1));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["1 of request 3".to_owned()], 1));
}

#[wasm_bindgen_test]
async fn three_components_one_of_them_late_are_one_request() {
    let stage = Stage::new(&[1, 1]).await;
    stage.pass(Duration::from_millis(200)).await;
    stage.show(&[1, 1, 1]).await;
    assert_eq!(stage.renders.take(), 3, "each has rendered once");
    stage.pass(Duration::from_millis(800)).await;
    assert_eq!(stage.texts(), ["1 of request 1"; 3]);
    assert_eq!((stage.requests(), stage.renders.take()), (vec![1], 3));
}

#[wasm_bindgen_test]
async fn another_key_shows_in_the_same_render_and_late_answers_stay_away() {
    let stage = Stage::new(&[1]).await;
    stage.pass(Duration::from_millis(500)).await;
    stage.renders.take();
    stage.show(&[2]).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["pending".to_owned()], 1));
    assert_eq!((stage.requests(), stage.server.aborted.get()), (vec![1, 2], 1));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["pending".to_owned()], 0));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["2 of request 2".to_owned()], 1));

    // Back to a key whose data is there: shown in the render that asks.
    stage.client.set_data(&Number(1), "written".to_owned());
    stage.show(&[1]).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["written".to_owned()], 1));
    stage.click().await;
    assert_eq!(stage.requests(), [1, 2, 1], "the button follows the key");
}

#[wasm_bindgen_test]
async fn an_answer_to_the_old_key_reaches_only_those_who_still_ask_for_it() {
    let stage = Stage::new(&[1, 1]).await;
    stage.show(&[1, 2]).await;
    assert_eq!(
        (stage.requests(), stage.server.aborted.get()),
        (vec![1, 2], 0),
        "the other one still wants it"
    );
    stage.renders.take();
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["1 of request 1", "2 of request 2"]);
    assert_eq!(stage.renders.take(), 2);
}

#[wasm_bindgen_test]
async fn unmounting_the_last_one_aborts_the_request_and_only_the_last() {
    let stage = Stage::new(&[1, 1]).await;
    stage.show(&[1]).await;
    assert_eq!(stage.server.aborted.get(), 0);
    stage.show(&[]).await;
    assert_eq!((stage.server.aborted.get(), stage.client.observer_count()), (1, 0));
    assert_eq!(stage.world.task_count(), 0);
    stage.renders.take();
    stage.pass(seconds(5)).await;
    assert_eq!((stage.client.get_data(&Number(1)), stage.renders.take()), (None, 0));

    stage.show(&[1]).await;
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1, 1], vec!["1 of request 2".to_owned()]));
}

#[wasm_bindgen_test]
async fn a_refresh_is_seen_only_by_those_who_ask() {
    for (shows_activity, renders) in [(false, 1), (true, 2)] {
        let stage = Stage::with(Shown { ids: vec![1], shows_activity, provided: true }).await;
        stage.pass(seconds(1)).await;
        stage.renders.take();
        stage.click().await;
        let busy = if shows_activity { "1 of request 1 (fetching)" } else { "1 of request 1" };
        assert_eq!(stage.texts(), [busy]);
        stage.pass(seconds(1)).await;
        assert_eq!((stage.texts(), stage.renders.take()), (vec!["1 of request 2".to_owned()], renders));
    }
}

#[wasm_bindgen_test]
async fn the_end_of_the_scope_empties_the_page_in_one_turn() {
    let stage = Stage::new(&[1, 2]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.client.end_scope();
    stage.world.run();
    yew::scheduler::flush().await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["pending".to_owned(); 2], 2));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests().len(), stage.renders.take()), (4, 2));
    let text = stage.root.text_content().unwrap();
    assert!(!text.contains("request 1") && !text.contains("request 2"), "{text}");
}

#[wasm_bindgen_test]
async fn a_held_scope_hides_and_a_restored_one_shows_again() {
    let stage = Stage::new(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.client.hold_scope();
    stage.flush().await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["pending".to_owned()], 1));
    stage.client.restore_scope();
    stage.flush().await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["1 of request 1".to_owned()], 1));
    assert_eq!(stage.requests(), [1]);
}

#[wasm_bindgen_test]
async fn what_changes_elsewhere_renders_nobody_here() {
    let stage = Stage::new(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    for data in 0..10 {
        stage.client.set_data(&Number(2), data.to_string());
    }
    stage.flush().await;
    assert_eq!(stage.renders.take(), 0);
    for data in 0..10 {
        stage.client.set_data(&Number(1), data.to_string());
    }
    stage.flush().await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["9".to_owned()], 1));
}

/// What is written to the console as an error while this lives.
struct Errors {
    seen: Rc<RefCell<Vec<String>>>,
    before: JsValue,
    _listener: Closure<dyn FnMut(JsValue)>,
}

impl Errors {
    fn console() -> JsValue {
        js_sys::Reflect::get(&js_sys::global(), &"console".into()).unwrap()
    }

    fn listen() -> Errors {
        let seen: Rc<RefCell<Vec<String>>> = Rc::default();
        let listener = Closure::<dyn FnMut(JsValue)>::new({
            let seen = seen.clone();
            move |error: JsValue| seen.borrow_mut().push(error.as_string().unwrap_or_default())
        });
        let before = js_sys::Reflect::get(&Errors::console(), &"error".into()).unwrap();
        js_sys::Reflect::set(&Errors::console(), &"error".into(), listener.as_ref()).unwrap();
        Errors { seen, before, _listener: listener }
    }

    fn take(&self) -> Vec<String> {
        self.seen.take()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        js_sys::Reflect::set(&Errors::console(), &"error".into(), &self.before).unwrap();
    }
}

#[component]
fn Homeless() -> Html {
    let client = use_query_client();
    html! { <i>{client.is_err().to_string()}</i> }
}

#[component]
fn TwoHomeless() -> Html {
    html! { <><Homeless /><Homeless /></> }
}

/// The only test that may leave the provider: what it counts is counted per page.
#[wasm_bindgen_test]
async fn outside_of_a_provider_the_state_says_so_and_the_console_once() {
    let errors = Errors::listen();
    let outside = |ids: &[u32]| Shown { ids: ids.to_vec(), shows_activity: true, provided: false };
    let stage = Stage::with(outside(&[1, 2, 3])).await;
    assert_eq!(stage.texts().len(), 3);
    assert!(stage.texts().iter().all(|text| text.starts_with("failed: there is no query client")));
    stage.click().await;
    assert_eq!((stage.requests().len(), stage.renders.take()), (0, 3));
    let told = errors.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("use_query: ") && told[0].contains("QueryClientProvider"), "{told:?}");

    // Neither a later mount nor another app tells again.
    stage.show(&[4, 5]).await;
    drop(stage);
    let stage = Stage::with(outside(&[1])).await;
    assert_eq!((stage.texts().len(), errors.take()), (1, vec![]));

    // The other hook has its own.
    let root = web_sys::window().unwrap().document().unwrap().create_element("div").unwrap();
    let app = yew::Renderer::<TwoHomeless>::with_root(root.clone()).render();
    stage.flush().await;
    assert_eq!(root.text_content().unwrap(), "truetrue");
    let told = errors.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("use_query_client: "), "{told:?}");
    app.destroy();
}

#[wasm_bindgen_test]
async fn a_button_pressed_while_a_retry_is_waited_for_does_not_wait() {
    let stage = Stage::new(&[1]).await;
    stage.server.faults.borrow_mut().push_back("refused");
    stage.pass(seconds(1)).await;
    assert_eq!(
        (stage.requests(), stage.texts()),
        (vec![1], vec!["attempt 1 of 2 failed: refused".to_owned()])
    );
    stage.click().await;
    assert_eq!(
        (stage.requests(), stage.texts()),
        (vec![1, 1], vec!["pending".to_owned()]),
        "no time has passed"
    );
    stage.pass(seconds(60)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1, 1], vec!["1 of request 2".to_owned()]));
}

/// An error whose retry need not be waited for.
#[derive(Debug)]
struct Soon;

impl Classify for Soon {
    fn class(&self) -> ErrorClass {
        ErrorClass::Retryable { after: Some(Duration::from_millis(1)) }
    }
}

/// The browser itself: its microtasks, its clock, its timer.
#[wasm_bindgen_test]
async fn the_browser_is_an_environment() {
    let client = QueryClient::new(BrowserEnvironment::new());
    assert!(client.now().as_millis() > 1_700_000_000_000);
    let failing = query(
        query_key!["failing"],
        async |cx: FetchContext| {
            if cx.attempt() == 1 { Err(Soon) } else { Ok(cx.attempt()) }
        },
    );
    let told = Rc::new(Cell::new(0));
    let waiting: Rc<Cell<Option<std::task::Waker>>> = Rc::default();
    let viewer = client.observe(failing, {
        let (told, waiting) = (told.clone(), waiting.clone());
        move || {
            told.set(told.get() + 1);
            if let Some(waker) = waiting.take() {
                waker.wake();
            }
        }
    });
    std::future::poll_fn(|cx| {
        waiting.set(Some(cx.waker().clone()));
        if viewer.state().data().is_some() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(viewer.state().data().map(|data| **data), Some(2));
    assert!(told.get() >= 2, "of the failed attempt, and of the answer");
}

#[wasm_bindgen_test]
fn the_browser_tells_the_client_about_the_network() {
    let client = QueryClient::new(BrowserEnvironment::new());
    let window = web_sys::window().unwrap();
    let dispatch = |name| {
        window.dispatch_event(&web_sys::Event::new(name).unwrap()).unwrap();
    };
    dispatch("offline");
    let viewer = client.observe(query(query_key!["network"], async |_| Ok::<_, String>(1)), || {});
    assert!(matches!(viewer.state(), QueryState::Pending { paused: true, .. }));
    dispatch("online");
    assert!(matches!(viewer.state(), QueryState::Pending { paused: false, .. }));
    drop(viewer);

    // The listeners go with the client.
    let gone = client.downgrade();
    drop(client);
    assert!(gone.upgrade().is_none());
    dispatch("offline");
}
