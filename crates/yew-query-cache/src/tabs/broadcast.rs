//! `BroadcastChannel`: what is said in one tab is heard in all others of the origin.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use query_cache::Channel;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

use super::is_kept_page;
use crate::bridge::BROWSER;
use crate::browser::Listener as PageListener;

/// A `BroadcastChannel`. Text only: whatever else is posted to it is not heard. Closed when it is dropped. Where there
/// are no such channels, or none for this page, it says and hears nothing.
///
/// It stays open while the page is in the back/forward cache. Chromium and Firefox throw a page out that would miss a
/// message, so what comes back has missed none. Safari does not. Wherever a page comes back, what it shares is asked
/// for again.
pub struct Broadcast {
    open: Option<Open>,
    listener: Listener,
    gaps: RefCell<Option<PageListener>>,
}

type Listener = Rc<RefCell<Option<Rc<dyn Fn(&str)>>>>;

struct Open {
    channel: BroadcastChannel,
    /// Kept for as long as the channel calls it.
    _heard: Closure<dyn Fn(MessageEvent)>,
}

impl Broadcast {
    /// The channel of this name.
    pub fn new(name: &str) -> Self {
        let listener = Listener::default();
        // Fails where there is no such thing.
        let channel = BROWSER.then(|| BroadcastChannel::new(name).ok()).flatten();
        let open = channel.map(|channel| {
            let listener = listener.clone();
            let heard = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let Some(message) = event.data().as_string() else { return };
                let listener = listener.borrow().clone();
                if let Some(listener) = listener {
                    listener(&message);
                }
            });
            channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
            Open { channel, _heard: heard }
        });
        Broadcast { open, listener, gaps: RefCell::default() }
    }
}

impl Channel for Broadcast {
    fn post(&self, message: &str) {
        if let Some(open) = &self.open {
            // Fails only once it is closed.
            let _ = open.channel.post_message(&JsValue::from(message));
        }
    }

    fn listen(&self, listener: Rc<dyn Fn(&str)>) {
        let before = self.listener.replace(Some(listener));
        drop(before);
    }

    fn listen_for_gaps(&self, missed: Rc<dyn Fn()>) {
        let Some(window) = BROWSER.then(web_sys::window).flatten() else { return };
        let callback = move || {
            // Told when it is shown for the first time, too.
            if is_kept_page() {
                missed();
            }
        };
        let listener = PageListener::new(&window, "pageshow", Closure::new(callback));
        let before = self.gaps.replace(Some(listener));
        drop(before);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.open.as_ref().map(|open| open.channel.name());
        f.debug_tuple("Broadcast").field(&name).finish()
    }
}
