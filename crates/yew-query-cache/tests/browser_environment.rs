//! `BrowserEnvironment`: the page's own clock, timer, tasks and events.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// What the page says about itself, as long as this lives. Its own words are put before those of the
/// browser's prototypes.
struct Page {
    now: Rc<Cell<f64>>,
    real_now: JsValue,
    _now: Closure<dyn FnMut() -> f64>,
}

fn window() -> web_sys::Window {
    web_sys::window().unwrap()
}

fn own(target: &JsValue, name: &str, value: &JsValue) {
    let descriptor = js_sys::Object::new();
    Reflect::set(&descriptor, &"value".into(), value).unwrap();
    Reflect::set(&descriptor, &"configurable".into(), &JsValue::TRUE).unwrap();
    Reflect::define_property::<js_sys::Object>(target.unchecked_ref(), &name.into(), &descriptor).unwrap();
}

impl Page {
    /// Visible, online, at some time.
    fn new() -> Page {
        let now = Rc::new(Cell::new(1_900_000_000_000.0));
        let date: JsValue = Reflect::get(&js_sys::global(), &"Date".into()).unwrap();
        let real_now = Reflect::get(&date, &"now".into()).unwrap();
        let fake = Closure::<dyn FnMut() -> f64>::new({
            let now = now.clone();
            move || now.get()
        });
        Reflect::set(&date, &"now".into(), fake.as_ref()).unwrap();
        let page = Page { now, real_now, _now: fake };
        page.says("onLine", true);
        page.shows(true);
        page
    }

    fn says(&self, name: &str, value: bool) {
        own(&window().navigator(), name, &value.into());
    }

    fn shows(&self, visible: bool) {
        let state = if visible { "visible" } else { "hidden" };
        own(&window().document().unwrap(), "visibilityState", &state.into());
    }

    /// Hides or shows the page and tells so, as a browser does.
    fn turns(&self, visible: bool) {
        self.shows(visible);
        dispatch(&window().document().unwrap(), "visibilitychange");
    }

    fn passes(&self, time: Duration) {
        self.now.set(self.now.get() + time.as_millis() as f64);
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let date: JsValue = Reflect::get(&js_sys::global(), &"Date".into()).unwrap();
        Reflect::set(&date, &"now".into(), &self.real_now).unwrap();
        let navigator: JsValue = window().navigator().into();
        let document: JsValue = window().document().unwrap().into();
        Reflect::delete_property::<js_sys::Object>(navigator.unchecked_ref(), &"onLine".into()).unwrap();
        Reflect::delete_property::<js_sys::Object>(document.unchecked_ref(), &"visibilityState".into())
            .unwrap();
    }
}

fn dispatch(target: &web_sys::EventTarget, name: &str) {
    target.dispatch_event(&web_sys::Event::new(name).unwrap()).unwrap();
}

/// The causes of the attempts so far. Answers at once, with what it is told.
#[derive(Clone, Default)]
struct Server {
    causes: Rc<RefCell<Vec<FetchCause>>>,
    offline: Rc<Cell<bool>>,
}

#[derive(Debug)]
struct Unreachable;

impl Classify for Unreachable {
    fn class(&self) -> ErrorClass {
        ErrorClass::Offline
    }
}

impl Server {
    fn query(&self) -> impl Query<Data = usize, Error = Unreachable> {
        let server = self.clone();
        query(query_key!["server"], move |cx: FetchContext| {
            server.causes.borrow_mut().push(cx.cause());
            let count = server.causes.borrow().len();
            let answer = if server.offline.get() { Err(Unreachable) } else { Ok(count) };
            async move { answer }
        })
    }

    fn take(&self) -> Vec<FetchCause> {
        self.causes.take()
    }
}

/// Lets the tasks run that are ready: each turn of theirs is one of the event loop's microtasks.
async fn turns() {
    for _ in 0..8 {
        wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&JsValue::NULL)).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn its_tasks_run_its_clock_goes_and_its_timer_rings() {
    /// An error whose retry need not be waited for.
    #[derive(Debug)]
    struct Soon;

    impl Classify for Soon {
        fn class(&self) -> ErrorClass {
            ErrorClass::Retryable { after: Some(Duration::from_millis(1)) }
        }
    }

    let client = QueryClient::new(BrowserEnvironment::new());
    assert!(client.now().as_millis() > 1_700_000_000_000);
    let failing = query(
        query_key!["failing"],
        async |cx: FetchContext| {
            if cx.attempt() == 1 { Err(Soon) } else { Ok(cx.attempt()) }
        },
    );
    let told = Rc::new(Cell::new(0));
    let waiting: Rc<Cell<Option<Waker>>> = Rc::default();
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
        if viewer.state().data().is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    assert_eq!(viewer.state().data().map(|data| **data), Some(2));
    assert!(told.get() >= 2, "of the failed attempt, and of the answer");
}

#[wasm_bindgen_test]
async fn the_networks_events_pause_and_resume() {
    let (_page, server) = (Page::new(), Server::default());
    let client = QueryClient::new(BrowserEnvironment::new());
    dispatch(&window(), "offline");
    let viewer = client.observe(server.query(), || {});
    assert!(matches!(viewer.state(), QueryState::Pending { paused: true, .. }));
    assert_eq!(server.take(), []);
    dispatch(&window(), "online");
    turns().await;
    assert_eq!((viewer.state().data().map(|data| **data), server.take().len()), (Some(1), 1));
    // Its return is a reason to fetch even for a page that was not told of its loss.
    dispatch(&window(), "online");
    assert_eq!(server.take(), [FetchCause::Reconnect]);

    // The listeners go with the client, and so does the timer.
    let gone = client.downgrade();
    drop((client, viewer));
    assert!(gone.upgrade().is_none());
    dispatch(&window(), "offline");
    dispatch(&window(), "online");
    turns().await;
    assert_eq!(server.take(), []);
}

#[wasm_bindgen_test]
async fn being_seen_again_fetches_at_most_every_five_seconds() {
    let (page, server) = (Page::new(), Server::default());
    let client = QueryClient::new(BrowserEnvironment::new());
    let _viewer = client.observe(server.query(), || {});
    turns().await;
    assert_eq!(server.take(), [FetchCause::Asked]);
    for (passed, causes) in
        [(0, vec![FetchCause::Focus]), (4_999, vec![]), (1, vec![FetchCause::Focus]), (1, vec![])]
    {
        page.passes(Duration::from_millis(passed));
        page.turns(false);
        turns().await;
        assert_eq!(server.take(), []);
        page.turns(true);
        turns().await;
        assert_eq!(server.take(), causes, "after {passed} ms");
    }
}

#[wasm_bindgen_test]
async fn a_retry_waits_while_hidden_and_goes_on_as_soon_as_the_page_is_seen() {
    let (page, server) = (Page::new(), Server::default());
    let client = QueryClient::new(BrowserEnvironment::new());
    page.turns(false);
    page.turns(true); // The throttle has begun: what is paused must not wait for it.
    server.offline.set(true);
    let viewer = client.observe(server.query().with_options(|o| o.backoff(seconds(0), seconds(0))), || {});
    page.turns(false);
    turns().await;
    page.passes(seconds(1));
    client.alarm();
    turns().await;
    assert!(matches!(viewer.state(), QueryState::Pending { paused: true, .. }), "{:?}", viewer.state());
    assert_eq!(server.take().len(), 1);
    server.offline.set(false);
    page.turns(true);
    turns().await;
    assert_eq!((server.take().len(), viewer.state().data().is_some()), (1, true));
}

#[wasm_bindgen_test]
async fn a_page_that_begins_hidden_knows_it() {
    let (page, server) = (Page::new(), Server::default());
    page.shows(false);
    let client = QueryClient::new(BrowserEnvironment::new());
    let _viewer = client.observe(server.query(), || {});
    turns().await;
    assert_eq!(server.take().len(), 1, "what is asked for is fetched");
    page.turns(true);
    turns().await;
    assert_eq!(server.take(), [FetchCause::Focus]);
}

#[wasm_bindgen_test]
async fn a_failed_request_is_a_sign_only_where_the_browser_has_once_known_a_network() {
    for trusted in [true, false] {
        let (page, server) = (Page::new(), Server::default());
        page.says("onLine", trusted);
        let client = QueryClient::new(BrowserEnvironment::new());
        page.says("onLine", false);
        server.offline.set(true);
        let once = || server.query().with_options(|options| options.retry(0));
        let viewer = client.observe(once(), || {});
        turns().await;
        assert_eq!(server.take().len(), 1, "the browser alone is not believed");
        let paused = matches!(viewer.state(), QueryState::Pending { paused: true, .. });
        let failed = matches!(viewer.state(), QueryState::Failed { .. });
        assert_eq!((paused, failed), (trusted, !trusted), "{:?}", viewer.state());

        // Seen again, with a network of which no event told.
        server.offline.set(false);
        page.says("onLine", true);
        page.turns(false);
        page.turns(true);
        turns().await;
        assert_eq!((server.take().len(), viewer.state().data().is_some()), (1, true));
    }
}
