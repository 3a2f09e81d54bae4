//! Pages that are put away and brought back whole: the browser's back-forward cache.
//!
//! Such a page shows what it showed when it was left. If the person signed out meanwhile, that is somebody
//! else's to see. So a page that is put away forgets who is signed in, which empties everything that stands
//! behind sign-in, and a page that is brought back asks Clerk before it shows anything.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::select;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{EventTarget, PageTransitionEvent};

use crate::bindings::SessionJs;
use crate::clerk::Clerk;
use crate::js::ObjectBuilder;
use crate::snapshot;

/// Watches the page; dropping it ends that.
pub(crate) struct PageGuard {
    hide: Listener,
    show: Listener,
}

/// How long a page that is brought back waits for Clerk's word, in milliseconds.
const TIME_LIMIT: u32 = 10_000;

type Listener = Closure<dyn FnMut(PageTransitionEvent)>;

pub(crate) fn watch(clerk: &Clerk) -> PageGuard {
    // Counts the departures: an answer from before the last one says nothing of now.
    let departures = Rc::new(Cell::new(0_u32));
    let (hidden, departed) = (clerk.clone(), departures.clone());
    let hide = Listener::new(move |event: PageTransitionEvent| {
        if event.persisted() {
            departed.set(departed.get().wrapping_add(1));
            hidden.put_away(true);
        }
    });
    let shown = clerk.clone();
    let show = Listener::new(move |event: PageTransitionEvent| {
        if event.persisted() {
            spawn_local(bring_back(shown.clone(), departures.get(), departures.clone()));
        }
    });
    let guard = PageGuard { hide, show };
    guard.each(|target, event, listener| {
        let _ = target.add_event_listener_with_callback(event, listener);
    });
    guard
}

/// A token that the server makes now is its word that the session lives. If it does not, clerk-js signs out
/// by itself; if nobody answers, what clerk-js last knew stands, as it would on a page that was never left.
async fn bring_back(clerk: Clerk, begun: u32, departures: Rc<Cell<u32>>) {
    let js = clerk.js();
    let session = js.as_ref().map(|js| js.session()).filter(JsValue::is_object);
    if let Some(session) = session {
        let fresh = ObjectBuilder::default().set("skipCache", true).build();
        if let Ok(promise) = session.unchecked_into::<SessionJs>().get_token(&fresh) {
            select(JsFuture::from(promise), TimeoutFuture::new(TIME_LIMIT)).await;
        }
    }
    if departures.get() != begun {
        return;
    }
    clerk.put_away(false);
    if let Some(js) = js {
        clerk.set_auth(snapshot::of_clerk(&js));
    }
}

impl PageGuard {
    fn each(&self, act: impl Fn(&EventTarget, &str, &js_sys::Function)) {
        if let Some(window) = web_sys::window() {
            act(&window, "pagehide", self.hide.as_ref().unchecked_ref());
            act(&window, "pageshow", self.show.as_ref().unchecked_ref());
        }
    }
}

impl Drop for PageGuard {
    fn drop(&mut self) {
        self.each(|target, event, listener| {
            let _ = target.remove_event_listener_with_callback(event, listener);
        });
    }
}
