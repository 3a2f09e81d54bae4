//! What JSON and storage cost in a browser.

use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{
    Change, LocalBoxFuture, Persist, Query, QueryClient, QueryFilter, ScopeName, StaleTime, Storage,
    StorageError, Stored, query, query_key,
};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;
use yew_query_cache::{BrowserEnvironment, IndexedDb};

const ENTRIES: u32 = 10_000;

fn row(id: u32) -> impl Query<Data = (u32, String), Error = String> {
    query(query_key!["row", id / 10, id], async |_| Err("there is none".to_owned()))
        .with_options(|options| options.stale(StaleTime::WhenInvalidated).dehydrated())
}

fn title(id: u32) -> (u32, String) {
    (id, format!("The title of row {id}, as long as titles are, \"quotes\" and all"))
}

fn client() -> QueryClient {
    let client = QueryClient::new(BrowserEnvironment::new());
    client.name_scope(ScopeName::new("ada"));
    client
}

fn now() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |clock| clock.now())
}

/// IndexedDB, which notes how many changes each write made, and when it was done.
struct Noting(IndexedDb, Rc<RefCell<Vec<(usize, f64)>>>);

impl Storage for Noting {
    fn get(&self, name: &str) -> LocalBoxFuture<Result<Option<String>, StorageError>> {
        self.0.get(name)
    }
    fn write(&self, changes: Rc<[Change]>) -> LocalBoxFuture<Result<(), StorageError>> {
        let (count, done, written) = (changes.len(), self.1.clone(), self.0.write(changes));
        Box::pin(async move {
            let result = written.await;
            done.borrow_mut().push((count, now()));
            result
        })
    }
    fn list(&self, prefix: &str) -> LocalBoxFuture<Result<Vec<Stored>, StorageError>> {
        self.0.list(prefix)
    }
    fn clear(&self, prefix: &str) -> LocalBoxFuture<Result<(), StorageError>> {
        self.0.clear(prefix)
    }
}

async fn until(written: &RefCell<Vec<(usize, f64)>>, count: usize) -> Option<(usize, f64)> {
    for _ in 0..10_000 {
        if let Some(last) = written.borrow().get(count - 1) {
            return Some(*last);
        }
        gloo_timers::future::TimeoutFuture::new(1).await;
    }
    None
}

/// Milliseconds: to dehydrate 10,000 entries, to hydrate them, to write them all to IndexedDB, and to write one of
/// them there again, in ten rounds; and how many records that one was.
#[wasm_bindgen]
pub async fn cache_costs() -> String {
    let written = Rc::<RefCell<Vec<(usize, f64)>>>::default();
    let full = client();
    full.persist(Persist::new(Noting(IndexedDb::new("costs"), written.clone()), "1").budget(usize::MAX));
    gloo_timers::future::TimeoutFuture::new(200).await;
    let begin = now();
    (0..ENTRIES).for_each(|id| full.set_data(&row(id), title(id)));
    let Some((records, done)) = until(&written, 1).await else { return "nothing was written".to_owned() };
    let all = done - begin;
    let mut dirty = Vec::new();
    for round in 1..=10 {
        let begin = now();
        full.set_data(&row(5_000), title(round));
        let Some((records, done)) = until(&written, 1 + round as usize).await else { break };
        dirty.push((records, done - begin));
    }
    let begin = now();
    let json = full.dehydrate(QueryFilter::all()).json;
    let dehydrate = now() - begin;
    let begin = now();
    let taken = client().hydrate(&json).map_or(0, |report| report.taken);
    let hydrate = now() - begin;
    dirty.sort_by(|a, b| a.1.total_cmp(&b.1));
    json!({ "dehydrate": dehydrate, "hydrate": hydrate, "taken": taken, "all": all, "records": records, "dirty": dirty })
        .to_string()
}
