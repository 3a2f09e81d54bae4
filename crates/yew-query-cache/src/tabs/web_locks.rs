//! The Web Locks: of all tabs of the origin, one at a time has the lock of a name.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use js_sys::{Function, Object, Promise, Reflect};
use query_cache::{LocalBoxFuture, Locks};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue, wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use super::is_kept_page;
use crate::bridge::BROWSER;
use crate::browser::Listener;

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`, which `web-sys` has not made stable.
    #[derive(Clone)]
    type LockManager;
    /// A promise, but for a document that is gone.
    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, how: &Object, held: &Function) -> Result<JsValue, JsValue>;
}

/// `navigator.locks`. Where there are none, or none for this page (they need a secure context), nobody waits for
/// anybody.
///
/// A page that goes into the back/forward cache lets go of what it holds and of its places in the lines, or it would
/// keep other tabs from their turn in Safari, not be cached in Firefox, and be thrown out in Chromium by whoever asks
/// for the lock. When it comes back it stands in line again. A guard it had, it keeps: for that long there may be two.
#[derive(Clone)]
pub struct WebLocks(Rc<Page>);

/// What this page asks for.
struct Page {
    manager: Option<LockManager>,
    places: RefCell<BTreeMap<u64, Weak<Place>>>,
    next: Cell<u64>,
    /// It is in the back/forward cache, or on its way there.
    away: Cell<bool>,
    _listeners: [Option<Listener>; 2],
}

/// A place in the line for a lock, or the lock. Whoever drops it lets go.
struct Place {
    page: Rc<Page>,
    number: u64,
    name: String,
    request: RefCell<Option<Request>>,
    is: Cell<Is>,
    waker: Cell<Option<Waker>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Waiting,
    /// Once held, a place stays held for whoever waited for it.
    Held,
    /// There is no line.
    Refused,
}

/// What the browser was asked for.
struct Request {
    number: u64,
    abort: AbortController,
    /// Settles the promise that the browser holds the lock for. There once it is held.
    release: Rc<RefCell<Option<Function>>>,
    /// Called by the browser, at most once.
    _held: Closure<dyn Fn(JsValue) -> JsValue>,
}

impl WebLocks {
    /// The locks of this origin.
    pub fn new() -> Self {
        WebLocks(Rc::new_cyclic(|page| Page {
            manager: manager(),
            places: RefCell::default(),
            next: Cell::new(0),
            away: Cell::new(false),
            _listeners: [listen(page, "pagehide", Page::leave), listen(page, "pageshow", Page::come_back)],
        }))
    }
}

impl Default for WebLocks {
    fn default() -> Self {
        Self::new()
    }
}

fn manager() -> Option<LockManager> {
    if !BROWSER {
        return None;
    }
    // Of whatever is global: a worker has locks too.
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}

fn listen(page: &Weak<Page>, event: &'static str, act: fn(&Page)) -> Option<Listener> {
    let window = BROWSER.then(web_sys::window).flatten()?;
    let page = page.clone();
    let callback = move || {
        if let Some(page) = page.upgrade() {
            act(&page);
        }
    };
    Some(Listener::new(&window, event, Closure::new(callback)))
}

impl Page {
    fn number(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    fn places(&self) -> Vec<Rc<Place>> {
        self.places.borrow().values().filter_map(Weak::upgrade).collect()
    }

    /// A page that is closed keeps its locks until nothing of it runs any more.
    fn leave(&self) {
        if !is_kept_page() {
            return;
        }
        self.away.set(true);
        for place in self.places() {
            drop(place.request.take());
        }
    }

    fn come_back(&self) {
        // It is also told when it is shown for the first time.
        if self.away.replace(false) {
            self.places().iter().for_each(Place::ask);
        }
    }
}

impl Locks for WebLocks {
    fn lock(&self, name: &str) -> LocalBoxFuture<Option<Box<dyn Any>>> {
        let page = self.0.clone();
        let number = page.number();
        let place = Rc::new(Place {
            number,
            name: name.to_owned(),
            request: RefCell::default(),
            is: Cell::new(Is::Waiting),
            waker: Cell::default(),
            page,
        });
        self.0.places.borrow_mut().insert(number, Rc::downgrade(&place));
        if !self.0.away.get() {
            place.ask();
        }
        let mut place = Some(place);
        Box::pin(poll_fn(move |cx| {
            let is = place.as_ref().map_or(Is::Refused, |place| place.is.get());
            if is == Is::Waiting {
                if let Some(place) = &place {
                    place.waker.set(Some(cx.waker().clone()));
                }
                return Poll::Pending;
            }
            let held = place.take().filter(|_| is == Is::Held);
            Poll::Ready(held.map(|place| Box::new(place) as Box<dyn Any>))
        }))
    }
}

impl Place {
    /// Has the browser asked.
    fn ask(self: &Rc<Self>) {
        if self.try_to_ask().is_none() {
            self.becomes(Is::Refused);
        }
    }

    fn try_to_ask(self: &Rc<Self>) -> Option<()> {
        let manager = self.page.manager.as_ref()?;
        let abort = AbortController::new().ok()?;
        let how = Object::new();
        Reflect::set(&how, &"signal".into(), &abort.signal()).ok()?;
        let release = Rc::new(RefCell::new(None));
        let (this, releases) = (Rc::downgrade(self), release.clone());
        let held = Closure::<dyn Fn(JsValue) -> JsValue>::new(move |_| {
            let promise = Promise::new(&mut |resolve, _| {
                releases.replace(Some(resolve));
            });
            if let Some(this) = this.upgrade() {
                this.becomes(Is::Held);
            }
            promise.into()
        });
        let number = self.page.number();
        let promise = manager.request(&self.name, &how, held.as_ref().unchecked_ref()).ok()?;
        let promise = JsFuture::from(promise.dyn_into::<Promise>().ok()?);
        self.request.replace(Some(Request { number, abort, release, _held: held }));
        let this = Rc::downgrade(self);
        // Settled when the lock is let go, or is none. Somebody must look, or the console says that nobody does.
        spawn_local(async move {
            let settled = promise.await;
            let Some(this) = this.upgrade().filter(|_| settled.is_err()) else { return };
            // One that was called off is not refused.
            let asks = this.request.borrow().as_ref().map(|request| request.number);
            if asks == Some(number) {
                this.becomes(Is::Refused);
            }
        });
        Some(())
    }

    /// The first answer counts.
    fn becomes(&self, is: Is) {
        if self.is.get() == Is::Waiting {
            self.is.set(is);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.page.places.borrow_mut().remove(&self.number);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let release = self.release.take();
        match release {
            Some(release) => drop(release.call0(&JsValue::UNDEFINED)),
            // What was about to be given may still be: a closure that is gone throws, and who throws holds no lock.
            None => self.abort.abort(),
        }
    }
}

impl fmt::Debug for WebLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.0.places.borrow().len();
        f.debug_struct("WebLocks").field("exist", &self.0.manager.is_some()).field("places", &places).finish()
    }
}
