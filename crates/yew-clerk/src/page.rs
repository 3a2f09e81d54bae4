//! Pages that are put away and brought back whole: the browser's back-forward cache.
//!
//! Such a page shows what it showed when it was left. If the person signed out meanwhile, that is somebody
//! else's to see. So a page that is put away forgets who is signed in, which empties everything that stands
//! behind sign-in, and a page that is brought back asks Clerk before it shows anything.

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

type Listener = Closure<dyn FnMut(PageTransitionEvent)>;

pub(crate) fn watch(clerk: &Clerk) -> PageGuard {
    let hidden = clerk.clone();
    let hide = Listener::new(move |event: PageTransitionEvent| {
        if event.persisted() {
            hidden.put_away(true);
        }
    });
    let shown = clerk.clone();
    let show = Listener::new(move |event: PageTransitionEvent| {
        if event.persisted() {
            spawn_local(bring_back(shown.clone()));
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
async fn bring_back(clerk: Clerk) {
    if let Some(js) = clerk.js() {
        let session = js.session();
        if session.is_object() {
            let fresh = ObjectBuilder::default().set("skipCache", true).build();
            if let Ok(promise) = session.unchecked_into::<SessionJs>().get_token(&fresh) {
                let _ = JsFuture::from(promise).await;
            }
        }
        clerk.put_away(false);
        clerk.set_auth(snapshot::of_clerk(&js));
    } else {
        clerk.put_away(false);
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
