//! What a test can have done on this page.

use query_cache::{Query, QueryFilter, StaleTime, query, query_key};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

use super::lab;
use super::queries::{Act, Item};

/// Says that all items are out of date.
#[wasm_bindgen]
pub fn cache_invalidate() {
    if let Some(lab) = lab() {
        lab.cache.invalidate(QueryFilter::prefix(query_key!["items"]));
    }
}

/// Writes an item.
#[wasm_bindgen]
pub fn cache_write(number: u32, text: String) {
    if let Some(lab) = lab() {
        lab.cache.set_data(&Item(number), text);
    }
}

/// Has the server act.
#[wasm_bindgen]
pub fn cache_act(number: u32) {
    if let Some(lab) = lab() {
        lab.cache.mutate(Act, number).detach();
    }
}

/// Signs out.
#[wasm_bindgen]
pub fn cache_end_scope() {
    if let Some(lab) = lab() {
        lab.cache.end_scope();
    }
}

/// Writes so many entries of so many bytes that go on the storage.
#[wasm_bindgen]
pub fn cache_fill(count: u32, bytes: usize) {
    if let Some(lab) = lab() {
        for number in 0..count {
            // Such that it cannot be compressed.
            let random = || char::from(b' ' + (js_sys::Math::random() * 94.0) as u8);
            let text: String = std::iter::repeat_with(random).take(bytes).collect();
            lab.cache.set_data(&big(number), text);
        }
    }
}

fn big(number: u32) -> impl Query<Data = String, Error = String> {
    query(query_key!["big", number], async |_| Err::<String, _>("there is none".to_owned()))
        .with_options(|options| options.stale(StaleTime::WhenInvalidated).dehydrated())
}

/// What the cache holds, how many calls are not over, and what was told of the storage.
#[wasm_bindgen]
pub fn cache_state() -> String {
    let Some(lab) = lab() else { return String::new() };
    let found = lab.cache.find(QueryFilter::prefix(query_key!["items"]));
    let items: Vec<_> = found.iter().filter_map(|info| Some(info.data::<String>()?.to_string())).collect();
    let acting = lab.cache.unfinished_mutations().saved.len();
    json!({ "items": items, "acting": acting, "faults": *lab.faults.borrow() }).to_string()
}
