//! The browser as the cache's environment.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{Environment, LocalBoxFuture, QueryClient, Timestamp};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue, wasm_bindgen};
use web_sys::{EventTarget, VisibilityState};

use crate::bridge::BROWSER;

#[wasm_bindgen]
extern "C" {
    // Global functions, not the window's: a worker has them too.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue, millis: i32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timeout: &JsValue);
}

/// The browser's clock, event loop and one timer; it tells the client when the page is hidden or shown and
/// when the network goes or comes. Being seen again makes stale queries be fetched at most every 5 s.
///
/// Outside of a browser it compiles and does nothing: no task runs, so every query stays pending.
#[derive(Default)]
pub struct BrowserEnvironment {
    /// The browser said at the beginning that there is a network. One that did not says nothing by denying it
    /// later: on a machine that reaches all it needs over loopback it is always "offline".
    trusted: Cell<bool>,
    /// When being seen last made stale queries be fetched.
    focused_at: FocusedAt,
    timeout: Cell<Option<JsValue>>,
    ring: RefCell<Option<Closure<dyn FnMut()>>>,
    listeners: RefCell<Vec<Listener>>,
}

/// An event listener that goes with its owner.
pub(crate) struct Listener {
    target: EventTarget,
    event: &'static str,
    callback: Closure<dyn FnMut()>,
}

impl Listener {
    pub fn new(target: &EventTarget, event: &'static str, callback: Closure<dyn FnMut()>) -> Self {
        // Fails only for a callback that is no function.
        let _ = target.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
        Listener { target: target.clone(), event, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self
            .target
            .remove_event_listener_with_callback(self.event, self.callback.as_ref().unchecked_ref());
    }
}

impl BrowserEnvironment {
    /// The environment of this page.
    pub fn new() -> Self {
        Self::default()
    }

    fn clear_timeout(&self) {
        if let Some(timeout) = self.timeout.take() {
            clear_timeout(&timeout);
        }
    }
}

/// Somebody who goes to and fro between tabs does not fetch everything each time.
const FOCUS_THROTTLE: Duration = Duration::from_secs(5);

type FocusedAt = Rc<Cell<Option<Timestamp>>>;

/// Has this done to the client when it is called. By a plain function, so that all listeners are of one type.
fn tell(
    client: &QueryClient,
    focused_at: &FocusedAt,
    act: fn(&QueryClient, &FocusedAt),
) -> Closure<dyn FnMut()> {
    let (client, focused_at) = (client.downgrade(), focused_at.clone());
    Closure::new(move || {
        if let Some(client) = client.upgrade() {
            act(&client, &focused_at);
        }
    })
}

fn online(client: &QueryClient, _: &FocusedAt) {
    // A page that was loaded offline has not been told that it was.
    client.set_online(false);
    client.set_online(true);
}

fn visible(client: &QueryClient, focused_at: &FocusedAt) {
    if !is_visible() {
        client.set_focused(false);
        return;
    }
    // A network that came back while the page was hidden may not have been told of.
    if says_online() {
        client.set_online(true);
    }
    let now = client.now();
    if focused_at.get().is_some_and(|last| now.since(last) < FOCUS_THROTTLE) {
        client.resume();
    } else {
        focused_at.set(Some(now));
        client.set_focused(true);
    }
}

fn says_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

impl Environment for BrowserEnvironment {
    fn attach(&self, client: &QueryClient) {
        if !BROWSER {
            return;
        }
        let tell = |act| tell(client, &self.focused_at, act);
        *self.ring.borrow_mut() = Some(tell(|client, _| client.alarm()));
        let Some(window) = web_sys::window() else { return };
        self.trusted.set(says_online());
        let mut listeners = vec![
            Listener::new(&window, "online", tell(online)),
            Listener::new(&window, "offline", tell(|client, _| client.set_online(false))),
        ];
        if let Some(document) = window.document() {
            client.set_focused(is_visible());
            listeners.push(Listener::new(&document, "visibilitychange", tell(visible)));
        }
        *self.listeners.borrow_mut() = listeners;
    }

    /// A request that failed and a browser that says it is offline are sign enough, even if the event has not
    /// come yet. The browser alone is not believed.
    fn network_failed(&self, client: &QueryClient) {
        if BROWSER && self.trusted.get() && !says_online() {
            client.set_online(false);
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(if BROWSER { js_sys::Date::now() as u64 } else { 0 })
    }

    fn spawn(&self, task: LocalBoxFuture<()>) {
        if BROWSER {
            wasm_bindgen_futures::spawn_local(task);
        }
    }

    fn set_alarm(&self, at: Option<Timestamp>) {
        if !BROWSER {
            return;
        }
        self.clear_timeout();
        let ring = self.ring.borrow();
        let (Some(at), Some(ring)) = (at, &*ring) else { return };
        // A longer wait would ring at once. Too early does no harm: the client sets the alarm again.
        let millis = i32::try_from(at.since(self.now()).as_millis()).unwrap_or(i32::MAX);
        self.timeout.set(Some(set_timeout(ring.as_ref(), millis)));
    }

    fn random(&self) -> u64 {
        if !BROWSER {
            return 0;
        }
        let half = || (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
        (half() << 32) | half()
    }
}

fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_none_or(|document| document.visibility_state() != VisibilityState::Hidden)
}

impl Drop for BrowserEnvironment {
    fn drop(&mut self) {
        if BROWSER {
            self.clear_timeout();
        }
    }
}

impl fmt::Debug for BrowserEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserEnvironment")
    }
}
