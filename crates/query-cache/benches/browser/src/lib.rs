//! What the query cache costs in a browser: one round of each task, in milliseconds. `page.js` runs the rounds,
//! and has TanStack's core do the same in between.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use query_cache::{
    Environment, FetchContext, LocalBoxFuture, Query, QueryClient, QueryKey, QueryOptions, StaleTime,
    Timestamp, query_key,
};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// The page, as far as the tasks need one: no alarm rings while they last.
#[derive(Debug)]
struct Page;

impl Environment for Page {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(js_sys::Date::now() as u64)
    }

    fn spawn(&self, task: LocalBoxFuture<()>) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn set_alarm(&self, _: Option<Timestamp>) {}

    fn random(&self) -> u64 {
        (js_sys::Math::random() * 9e15) as u64
    }
}

struct Item(u32);

impl Query for Item {
    type Data = (u32, u32);
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["item", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale(StaleTime::WhenInvalidated)
    }
    async fn fetch(&self, _: FetchContext) -> Result<(u32, u32), String> {
        Ok((self.0, 0))
    }
}

/// Lets what was spawned before run first.
async fn turn() {
    let mut first = true;
    poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

fn failed(what: &str) -> JsValue {
    JsValue::from_str(what)
}

/// A write that the selections of so many observers ignore.
///
/// # Errors
/// If one was told, or one did not see the data.
#[wasm_bindgen]
pub async fn ignored_write(observers: u32) -> Result<f64, JsValue> {
    let client = QueryClient::new(Page);
    client.set_data(&Item(0), (1, 0));
    let told = Rc::new(Cell::new(0_u32));
    let watch = |_| {
        let told = told.clone();
        client.observe_select(Item(0), |data| data.0, move || told.set(told.get() + 1))
    };
    let all: Vec<_> = (0..observers).map(watch).collect();
    turn().await;
    let start = performance_now();
    client.set_data(&Item(0), (1, 1));
    turn().await;
    let took = performance_now() - start;
    if told.get() != 0 {
        return Err(failed("somebody was told of what they ignore"));
    }
    client.set_data(&Item(0), (2, 1));
    turn().await;
    if told.get() != observers || all.iter().any(|one| one.selected().as_deref() != Some(&2)) {
        return Err(failed("somebody was not told of what they selected"));
    }
    Ok(took)
}

/// So many observers mounted, each on a query of its own (`distinct`) or all on one.
///
/// # Errors
/// If one does not see its data.
#[wasm_bindgen]
pub async fn mount(observers: u32, distinct: bool) -> Result<f64, JsValue> {
    let client = QueryClient::new(Page);
    let id = |number: u32| if distinct { number } else { 0 };
    for number in 0..observers {
        client.set_data(&Item(id(number)), (id(number), 0));
    }
    turn().await;
    let start = performance_now();
    let all: Vec<_> = (0..observers).map(|number| client.observe(Item(id(number)), || {})).collect();
    let took = performance_now() - start;
    let right =
        (0_u32..).zip(&all).all(|(number, one)| one.state().data().is_some_and(|data| data.0 == id(number)));
    if right && client.observer_count() == all.len() { Ok(took) } else { Err(failed("not mounted")) }
}

/// So many queries asked for at once, until all are answered.
///
/// # Errors
/// If one is not.
#[wasm_bindgen]
pub async fn settle(queries: u32) -> Result<f64, JsValue> {
    let client = QueryClient::new(Page);
    let start = performance_now();
    let all: Vec<_> = (0..queries).map(|number| client.query(Item(number))).collect();
    let mut right = 0_u32;
    for (number, one) in (0_u32..).zip(all) {
        if one.await.is_ok_and(|data| data.0 == number) {
            right += 1;
        }
    }
    let took = performance_now() - start;
    if right == queries { Ok(took) } else { Err(failed("not all were answered")) }
}

/// Bytes of the module's memory for each of so many queries of a number, with data and one observer.
///
/// # Errors
/// If one has no data.
#[wasm_bindgen]
pub async fn bytes_each(entries: u32) -> Result<f64, JsValue> {
    struct Number(u32);
    impl Query for Number {
        type Data = u32;
        type Error = String;

        fn key(&self) -> QueryKey {
            query_key!["number", self.0]
        }
        async fn fetch(&self, _: FetchContext) -> Result<u32, String> {
            Ok(self.0)
        }
    }

    let client = QueryClient::new(Page);
    let mut all = Vec::with_capacity(entries as usize);
    // What is freed when a fetch is over is used again, so the fetches go through the memory one at a time.
    let before = pages();
    for number in 0..entries {
        all.push(client.observe(Number(number), || {}));
        turn().await;
        turn().await;
    }
    let grown = f64::from(pages() - before) * 65536.0;
    if all.iter().any(|one| one.state().data().is_none()) {
        return Err(failed("not all were answered"));
    }
    Ok(grown / f64::from(entries))
}

fn pages() -> u32 {
    let memory = wasm_bindgen::memory();
    let buffer = js_sys::Reflect::get(&memory, &JsValue::from_str("buffer")).unwrap_or_default();
    let bytes = js_sys::Reflect::get(&buffer, &JsValue::from_str("byteLength")).unwrap_or_default();
    (bytes.as_f64().unwrap_or_default() / 65536.0) as u32
}
