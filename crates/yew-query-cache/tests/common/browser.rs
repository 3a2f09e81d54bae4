//! What the browser itself says: of locks and channels, and of what nobody caught.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_futures::JsFuture;
#[cfg(feature = "tabs")]
use yew_query_cache::{Broadcast, Channel};

use std::cell::RefCell;
use std::rc::Rc;

/// A name that no other test, and no test before, has used.
pub fn fresh(name: &str) -> String {
    format!("{name} {}", js_sys::Math::random())
}

fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap()
}

/// The locks whose names begin so, which are `held`, or `pending`. Asked of the browser, after all that was asked
/// before.
pub async fn names(what: &str, prefix: &str) -> Vec<String> {
    let locks = get(&get(&js_sys::global(), "navigator"), "locks");
    let query: Function = get(&locks, "query").unchecked_into();
    let promise: Promise = query.call0(&locks).unwrap().unchecked_into();
    let list: Array = get(&JsFuture::from(promise).await.unwrap(), what).unchecked_into();
    let names = list.iter().map(|lock| get(&lock, "name").as_string().unwrap());
    names.filter(|name| name.starts_with(prefix)).collect()
}

/// How many they are.
pub async fn count(what: &str, prefix: &str) -> usize {
    names(what, prefix).await.len()
}

/// After what was to be let go has been: that takes a microtask.
pub async fn held_and_pending(prefix: &str) -> (usize, usize) {
    count("held", prefix).await;
    (count("held", prefix).await, count("pending", prefix).await)
}

/// The browser has done what it had to.
pub async fn turn() {
    let promise = Promise::new(&mut |resolve, _| {
        let window = web_sys::window().unwrap();
        window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 0).unwrap();
    });
    JsFuture::from(promise).await.unwrap();
}

/// What nobody has caught since this was made: the page is told of it.
pub struct Uncaught {
    list: Rc<RefCell<Vec<String>>>,
    listener: Closure<dyn Fn(JsValue)>,
}

const UNCAUGHT: [&str; 2] = ["error", "unhandledrejection"];

impl Uncaught {
    pub fn listen() -> Uncaught {
        let list = Rc::<RefCell<Vec<_>>>::default();
        let told = list.clone();
        let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let what = [get(&event, "message"), get(&event, "reason")];
            told.borrow_mut().push(format!("{what:?}"));
        });
        let window = web_sys::window().unwrap();
        for event in UNCAUGHT {
            window.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref()).unwrap();
        }
        Uncaught { list, listener }
    }

    pub fn take(&self) -> Vec<String> {
        self.list.take()
    }
}

impl Drop for Uncaught {
    fn drop(&mut self) {
        let window = web_sys::window().unwrap();
        for event in UNCAUGHT {
            window
                .remove_event_listener_with_callback(event, self.listener.as_ref().unchecked_ref())
                .unwrap();
        }
    }
}

/// Everything said so far on this channel has been heard.
#[cfg(feature = "tabs")]
pub async fn delivered(name: &str) {
    let (here, there) = (Broadcast::new(name), Broadcast::new(name));
    let promise = Promise::new(&mut |resolve, _| {
        there.listen(Rc::new(move |message| {
            if message == "the end" {
                resolve.call0(&JsValue::UNDEFINED).unwrap();
            }
        }));
    });
    here.post("the end");
    JsFuture::from(promise).await.unwrap();
}

/// A worker that holds the lock of this name until it is killed.
pub async fn worker(name: &str) -> JsValue {
    let script = "
        const worker = new Worker(URL.createObjectURL(new Blob([`
            onmessage = event => navigator.locks.request(event.data, () => {
                postMessage(0);
                return new Promise(() => {});
            });
        `])));
        worker.postMessage(name);
        return new Promise(resolve => worker.onmessage = () => resolve(worker));";
    let promise = Function::new_with_args("name", script).call1(&JsValue::UNDEFINED, &name.into()).unwrap();
    JsFuture::from(promise.unchecked_into::<Promise>()).await.unwrap()
}

/// Kills it, as a browser kills a tab.
pub fn kill(worker: &JsValue) {
    let terminate: Function = get(worker, "terminate").unchecked_into();
    terminate.call0(worker).unwrap();
}

/// Something global that is something else until this is dropped.
pub struct Replaced {
    of: JsValue,
    name: &'static str,
    before: JsValue,
}

impl Replaced {
    pub fn new(of: &JsValue, name: &'static str, by: &JsValue) -> Replaced {
        let object = of.unchecked_ref::<Object>();
        let before = Object::get_own_property_descriptor(object, &name.into());
        let how = Object::new();
        Reflect::set(&how, &"value".into(), by).unwrap();
        Reflect::set(&how, &"configurable".into(), &true.into()).unwrap();
        Object::define_property(object, &name.into(), &how);
        Replaced { of: of.clone(), name, before }
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        // What it had of its own, or what it had from its prototype.
        Reflect::delete_property(self.of.unchecked_ref::<Object>(), &self.name.into()).unwrap();
        if !self.before.is_undefined() {
            let before = self.before.unchecked_ref::<Object>();
            Object::define_property(self.of.unchecked_ref::<Object>(), &self.name.into(), before);
        }
    }
}
