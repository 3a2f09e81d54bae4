//! The channel and the locks by themselves: order, letting go, what is not there, what is kept.
#![cfg(all(target_arch = "wasm32", feature = "tabs"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use common::browser::{Replaced, Uncaught, delivered, fresh, held_and_pending, kill, turn, worker};
use js_sys::{Function, Object, Promise, Reflect};
use query_cache::LocalBoxFuture;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

type Lock = LocalBoxFuture<Option<Box<dyn Any>>>;

fn is_ready(lock: &mut Lock) -> Option<Option<Box<dyn Any>>> {
    match Pin::new(lock).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(guard) => Some(guard),
        Poll::Pending => None,
    }
}

#[wasm_bindgen_test]
async fn a_lock_goes_from_one_to_the_next_in_the_order_of_asking() {
    let (locks, name) = (WebLocks::new(), fresh("line"));
    let (first, second, third) = (locks.lock(&name), WebLocks::new().lock(&name), locks.lock(&name));
    // Asked in the call: nothing has been polled.
    assert_eq!(held_and_pending(&name).await, (1, 2));
    let guard = first.await;
    assert!(guard.is_some());
    let mut third = third;
    let mut second = second;
    assert!(is_ready(&mut second).is_none() && is_ready(&mut third).is_none());
    drop(guard);
    let guard = second.await;
    assert!(guard.is_some() && is_ready(&mut third).is_none());
    assert_eq!(held_and_pending(&name).await, (1, 1));
    drop(guard);
    let guard = third.await;
    assert!(guard.is_some());
    // Another name is another line.
    assert!(locks.lock(&fresh("other")).await.is_some());
    drop(guard);
    assert_eq!(held_and_pending(&name).await, (0, 0));
}

#[wasm_bindgen_test]
async fn whoever_drops_the_future_gives_up_its_place_whenever_that_is() {
    let uncaught = Uncaught::listen();
    let (locks, name) = (WebLocks::new(), fresh("given up"));
    // In the call.
    drop(locks.lock(&name));
    assert_eq!(held_and_pending(&name).await, (0, 0));
    // In the line.
    let guard = locks.lock(&name).await;
    let waiting = locks.lock(&name);
    let last = locks.lock(&name);
    assert_eq!(held_and_pending(&name).await, (1, 2));
    drop(waiting);
    assert_eq!(held_and_pending(&name).await, (1, 1));
    // When the lock has been given and nobody has looked.
    drop(guard);
    assert_eq!(held_and_pending(&name).await, (1, 0));
    drop(last);
    assert_eq!(held_and_pending(&name).await, (0, 0));
    // While it is being given: each moment of the way.
    for turns in 0..8 {
        let lock = locks.lock(&name);
        for _ in 0..turns {
            JsFuture::from(Promise::resolve(&JsValue::NULL)).await.unwrap();
        }
        drop(lock);
    }
    for turns in 0..4 {
        let lock = locks.lock(&name);
        for _ in 0..turns {
            turn().await;
        }
        drop(lock);
    }
    assert_eq!(held_and_pending(&name).await, (0, 0));
    assert!(locks.lock(&name).await.is_some());
    turn().await;
    assert_eq!(uncaught.take(), Vec::<String>::new());
}

#[wasm_bindgen_test]
async fn the_locks_may_be_dropped_before_what_they_gave() {
    let name = fresh("outlives");
    let locks = WebLocks::new();
    let (first, second) = (locks.lock(&name), locks.lock(&name));
    drop(locks);
    let guard = first.await;
    assert_eq!(held_and_pending(&name).await, (1, 1));
    drop(guard);
    assert!(second.await.is_some());
    assert_eq!(held_and_pending(&name).await, (0, 0));
}

fn page_event(name: &str, persisted: bool) {
    let how = web_sys::PageTransitionEventInit::new();
    how.set_persisted(persisted);
    let event = web_sys::PageTransitionEvent::new_with_event_init_dict(name, &how).unwrap();
    web_sys::window().unwrap().dispatch_event(&event).unwrap();
}

#[wasm_bindgen_test]
async fn a_page_that_leaves_lets_go_and_stands_in_line_again_when_it_comes_back() {
    let (locks, other, name) = (WebLocks::new(), WebLocks::new(), fresh("away"));
    let held = locks.lock(&name).await;
    let mut waiting = locks.lock(&name);
    let gone = locks.lock(&name);
    let event = |name: &str| page_event(name, true);
    page_event("pagehide", false);
    assert_eq!(
        held_and_pending(&name).await,
        (1, 2),
        "until a page that is closed is gone, what it does counts"
    );
    event("pagehide");
    assert_eq!(held_and_pending(&name).await, (0, 0));
    // What is asked for meanwhile waits, what is given up is gone.
    let mut late = locks.lock(&name);
    drop(gone);
    assert_eq!(held_and_pending(&name).await, (0, 0));
    assert!(is_ready(&mut waiting).is_none() && is_ready(&mut late).is_none());
    event("pageshow");
    assert_eq!(held_and_pending(&name).await, (1, 2), "the guard's own, and two that wait");
    assert!(is_ready(&mut waiting).is_none() && is_ready(&mut late).is_none());
    event("pageshow");
    assert_eq!(held_and_pending(&name).await, (1, 2), "it had not left");
    drop(held);
    assert!(waiting.await.is_some());
    assert!(late.await.is_some());
    drop((locks, other));
    assert_eq!(held_and_pending(&name).await, (0, 0));
}

#[wasm_bindgen_test]
fn a_page_that_comes_back_is_told_that_it_may_have_missed_something() {
    let (channel, told) = (Broadcast::new(&fresh("gap")), Rc::new(Cell::new(0)));
    let counts = told.clone();
    channel.listen_for_gaps(Rc::new(move || counts.set(counts.get() + 1)));
    page_event("pageshow", false);
    assert_eq!(told.get(), 0, "it is shown for the first time");
    page_event("pageshow", true);
    assert_eq!(told.get(), 1);
    drop(channel);
    page_event("pageshow", true);
    assert_eq!((told.get(), Rc::strong_count(&told)), (1, 1));
}

#[wasm_bindgen_test]
async fn when_the_one_who_holds_it_is_killed_the_next_has_it() {
    let name = fresh("killed");
    let worker = worker(&name).await;
    let mut lock = WebLocks::new().lock(&name);
    assert_eq!(held_and_pending(&name).await, (1, 1));
    assert!(is_ready(&mut lock).is_none());
    kill(&worker);
    assert!(lock.await.is_some());
}

#[wasm_bindgen_test]
async fn where_there_are_no_locks_nobody_waits() {
    let refuses: [(&str, &str); 6] = [
        ("not there", "return undefined"),
        ("refuses", "return { request: () => Promise.reject(new DOMException('', 'SecurityError')) }"),
        ("throws", "return { request() { throw new DOMException('', 'InvalidStateError') } }"),
        ("a document that is gone", "return { request() {} }"),
        ("older than signals", "return { request() { throw new TypeError() } }"),
        ("something else", "return {}"),
    ];
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap();
    for (what, how) in refuses {
        let fake = Function::new_no_args(how).call0(&JsValue::UNDEFINED).unwrap();
        let replaced = Replaced::new(&navigator, "locks", &fake);
        let lock = WebLocks::new().lock("any");
        assert!(lock.await.is_none(), "{what}");
        drop(replaced);
    }
    // A name that the browser does not take.
    assert!(WebLocks::new().lock("-any").await.is_none());
    assert!(WebLocks::new().lock(&fresh("any")).await.is_some(), "restored");
}

/// How many values of JavaScript's are held here.
fn kept() -> u32 {
    wasm_bindgen::externref_heap_live_count()
}

#[wasm_bindgen_test]
async fn nothing_is_kept_of_locks_and_channels_that_were() {
    async fn round() {
        let (locks, name) = (WebLocks::new(), fresh("kept"));
        let guard = locks.lock(&name).await;
        let waiting = locks.lock(&name);
        let next = locks.lock(&name);
        drop(waiting);
        drop(guard);
        drop(next.await);
        drop(locks.lock(&name));
        assert!(locks.lock("-").await.is_none());
        assert_eq!(held_and_pending(&name).await, (0, 0));
        delivered(&name).await;
    }
    round().await;
    turn().await;
    let before = kept();
    for _ in 0..10 {
        round().await;
    }
    turn().await;
    assert_eq!(kept(), before);
}

type Heard = Rc<RefCell<Vec<String>>>;

fn hear(channel: &Broadcast) -> Heard {
    let heard = Heard::default();
    let list = heard.clone();
    channel.listen(Rc::new(move |message| list.borrow_mut().push(message.to_owned())));
    heard
}

#[wasm_bindgen_test]
async fn what_is_posted_is_heard_by_all_others_later_and_in_order() {
    let name = fresh("heard");
    let tabs = [Broadcast::new(&name), Broadcast::new(&name), Broadcast::new(&name)];
    let heard = tabs.each_ref().map(hear);
    tabs[0].post("one");
    tabs[0].post("two \u{1F980}");
    assert!(heard.iter().all(|heard| heard.borrow().is_empty()), "not in the call");
    // What is no text is not heard.
    let raw = web_sys::BroadcastChannel::new(&name).unwrap();
    for data in [JsValue::NULL, JsValue::from(7), Object::new().into()] {
        raw.post_message(&data).unwrap();
    }
    delivered(&name).await;
    raw.close();
    let end = "the end".to_owned();
    let all = vec!["one".to_owned(), "two \u{1F980}".to_owned(), end.clone()];
    assert_eq!(heard.map(|heard| heard.take()), [vec![end], all.clone(), all]);
}

#[wasm_bindgen_test]
async fn a_listener_may_post_listen_anew_and_close_its_own_channel() {
    let name = fresh("reenters");
    let other = Broadcast::new(&name);
    let heard = hear(&other);
    let own = Rc::new(RefCell::new(Some(Rc::new(Broadcast::new(&name)))));
    let dropped = Rc::new(Cell::new(false));
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let (held, flag) = (own.clone(), Flag(dropped.clone()));
    let channel = own.borrow().clone().unwrap();
    channel.listen(Rc::new(move |message| {
        let _kept = &flag;
        let channel = held.take().unwrap();
        channel.post(&format!("{message}, heard"));
        channel.listen(Rc::new(|_| panic!("it is closed")));
        drop(channel);
    }));
    drop(channel);
    other.post("one");
    other.post("two");
    delivered(&name).await;
    delivered(&name).await;
    assert_eq!(heard.take(), ["the end", "one, heard", "the end"]);
    assert!(dropped.get() && own.borrow().is_none());
}

#[wasm_bindgen_test]
async fn where_there_are_no_channels_nothing_is_said_or_heard() {
    for (what, how) in [
        ("not there", "return undefined"),
        ("refuses", "return class { constructor() { throw new DOMException('', 'SecurityError') } }"),
    ] {
        let fake = Function::new_no_args(how).call0(&JsValue::UNDEFINED).unwrap();
        let replaced = Replaced::new(&js_sys::global(), "BroadcastChannel", &fake);
        let channel = Broadcast::new("any");
        let heard = hear(&channel);
        channel.post("one");
        drop(replaced);
        turn().await;
        assert!(heard.take().is_empty(), "{what}");
        assert_eq!(format!("{channel:?}"), "Broadcast(None)");
    }
    // One that breaks later.
    let how = "return class { postMessage() { throw new DOMException('', 'InvalidStateError') } close() {} }";
    let fake = Function::new_no_args(how).call0(&JsValue::UNDEFINED).unwrap();
    let replaced = Replaced::new(&js_sys::global(), "BroadcastChannel", &fake);
    Broadcast::new("any").post("one");
    drop(replaced);
}

/// Whoever waits is woken.
#[wasm_bindgen_test]
async fn a_waker_is_called_once_it_is_its_turn() {
    let (locks, name) = (WebLocks::new(), fresh("woken"));
    let guard = locks.lock(&name).await;
    let polls = Rc::new(Cell::new(0));
    let done = Rc::new(Cell::new(false));
    let (count, end) = (polls.clone(), done.clone());
    let mut lock = locks.lock(&name);
    wasm_bindgen_futures::spawn_local(async move {
        let guard = poll_fn(|cx| {
            count.set(count.get() + 1);
            Pin::new(&mut lock).poll(cx)
        })
        .await;
        end.set(guard.is_some());
    });
    turn().await;
    assert_eq!((polls.get(), done.get()), (1, false));
    drop(guard);
    while !done.get() {
        turn().await;
    }
    assert_eq!(held_and_pending(&name).await, (0, 0), "had and dropped");
    assert_eq!((polls.get(), done.get()), (2, true));
}
