//! The cache on real IndexedDB and `localStorage`.
#![cfg(all(target_arch = "wasm32", feature = "persist"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::{Options, Stage, View, texts};
use query_cache::{Change, Storage, Stored};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// A real moment: the browser's storage takes some.
async fn moment() {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().unwrap();
        window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 5).unwrap();
    });
    wasm_bindgen_futures::JsFuture::from(promise).await.unwrap();
}

/// Runs what there is to run until this holds, for at most two seconds. The stage's own time does not pass.
async fn until(stage: &Stage, what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        stage.flush().await;
        if holds().await {
            return;
        }
        moment().await;
    }
    panic!("not within two seconds: {what}; shown: {}", stage.text());
}

/// A name that no other test, and no test before, has used.
fn fresh(name: &str) -> String {
    format!("{name} {}", js_sys::Math::random())
}

fn travels() -> Options {
    Options::new(QueryOptions::dehydrated)
}

async fn show(stage: &Stage, id: u32) {
    stage.show(html! { <View {id} renders={stage.renders.clone()} options={travels()} /> }).await;
}

/// Shows a number that is not stored, until the server has answered.
async fn fetch(stage: &Stage, id: u32) {
    show(stage, id).await;
    until(stage, "looked for", async || stage.requests().contains(&id)).await;
    stage.pass(seconds(1)).await;
}

type Faults = Rc<RefCell<Vec<StorageFault>>>;

/// A page of somebody's, on this storage.
async fn page(storage: impl Storage + 'static, app: &str, name: &str, build: &str) -> (Stage, Faults) {
    let stage = Stage::new().await;
    stage.client.name_scope(ScopeName::new(name));
    let faults = Faults::default();
    let told = faults.clone();
    let how =
        Persist::new(storage, build).app(app).on_fault(move |fault| told.borrow_mut().push(fault.clone()));
    stage.client.persist(how);
    (stage, faults)
}

async fn names(storage: &impl Storage, prefix: &str) -> Vec<String> {
    storage.list(prefix).await.unwrap().into_iter().map(|stored| stored.name).collect()
}

#[wasm_bindgen_test]
async fn indexed_db_keeps_text_under_names() {
    let db = IndexedDb::new(&fresh("plain"));
    let put = |name: &str, text: &str| Change::Put(Stored { name: name.to_owned(), text: text.to_owned() });
    // Asked before it is open, in order.
    let first = db.write([put("a/1", "one"), put("a/2", "two \u{1F980}"), put("b", "")].into());
    let second = db.write([Change::Remove("a/1".to_owned()), put("a/2", "2")].into());
    assert_eq!(db.get("a/2").await, Ok(Some("2".to_owned())));
    assert_eq!((first.await, second.await), (Ok(()), Ok(())));
    assert_eq!(db.get("a/1").await, Ok(None));
    assert_eq!(names(&db, "").await, ["a/2", "b"]);
    assert_eq!(names(&db, "a/").await, ["a/2"]);
    // Done though nobody waits for it.
    drop(db.clear("a/"));
    assert_eq!(names(&db, "").await, ["b"]);
    assert_eq!(names(&IndexedDb::new(&fresh("plain")), "").await, Vec::<String>::new());
}

#[wasm_bindgen_test]
async fn what_is_in_indexed_db_is_shown_and_not_fetched() {
    let name = fresh("shown");
    let db = IndexedDb::new(&name);
    let (first, _) = page(db.clone(), "app", "ada", "1").await;
    fetch(&first, 7).await;
    until(&first, "stored", async || names(&db, "app/d/").await.len() == 1).await;

    // The page after a reload, with a connection of its own.
    let (second, faults) = page(IndexedDb::new(&name), "app", "ada", "1").await;
    show(&second, 7).await;
    assert_eq!(second.texts(), ["pending"]);
    until(&second, "shown", async || second.texts() == ["7 of request 1"]).await;
    assert_eq!((second.requests(), second.renders.take()), (vec![], 2));
    second.pass(seconds(60)).await;
    assert_eq!((second.requests(), faults.take()), (vec![], vec![]));

    // Another build, or somebody else, sees nothing of it.
    for (name_of_scope, build) in [("ada", "2"), ("grace", "1")] {
        let (other, _) = page(IndexedDb::new(&name), "app", name_of_scope, build).await;
        show(&other, 7).await;
        until(&other, "fetched", async || other.requests() == [7]).await;
    }
}

#[wasm_bindgen_test]
async fn the_end_of_the_scope_purges_indexed_db_and_the_page() {
    let name = fresh("purged");
    let db = IndexedDb::new(&name);
    let (grace, _) = page(db.clone(), "app", "grace", "1").await;
    fetch(&grace, 1).await;
    let (ada, _) = page(db.clone(), "app", "ada", "1").await;
    fetch(&ada, 1).await;
    for stage in [&grace, &ada] {
        until(stage, "stored", async || names(&db, "app/d/").await.len() == 2).await;
    }
    // The request is on its way when the call returns: whatever asks after it finds nothing.
    ada.client.end_scope();
    let left = names(&db, "app/").await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|name| name.contains("of:grace/")), "{left:?}");
    ada.flush().await;
    assert_eq!(ada.texts(), ["pending"]);
}

#[wasm_bindgen_test]
async fn what_is_in_local_storage_is_there_at_the_first_render() {
    let app = fresh("local");
    let (first, _) = page(LocalStorage::new(), &app, "ada", "1").await;
    show(&first, 7).await;
    first.pass(seconds(1)).await;
    let (second, _) = page(LocalStorage::new(), &app, "ada", "1").await;
    show(&second, 7).await;
    assert_eq!((second.seen(), second.requests()), ((texts(["7 of request 1"]), 1), vec![]));
    second.client.end_scope();
    assert_eq!(names(&LocalStorage, &app).await, Vec::<String>::new());
}

#[wasm_bindgen_test]
async fn a_full_local_storage_is_told_once_and_the_app_goes_on() {
    let (app, filler) = (fresh("full"), fresh("filler"));
    let storage = web_sys::window().unwrap().local_storage().unwrap().unwrap();
    let (mut size, mut pieces) = (1 << 22, 0);
    // Really full: to the last kilobyte.
    while size > 64 {
        match storage.set_item(&format!("{filler} {pieces}"), &"x".repeat(size)) {
            Ok(()) => pieces += 1,
            Err(_) => size /= 2,
        }
    }
    let (stage, faults) = page(LocalStorage::new(), &app, "ada", "1").await;
    for id in [1, 2] {
        show(&stage, id).await;
        stage.pass(seconds(1)).await;
        assert_eq!(stage.texts(), [format!("{id} of request 1")]);
    }
    for piece in 0..pieces {
        storage.remove_item(&format!("{filler} {piece}")).unwrap();
    }
    assert_eq!(faults.take(), [StorageFault::Full]);
    show(&stage, 3).await;
    stage.pass(seconds(1)).await;
    assert_eq!(names(&LocalStorage, &format!("{}/d/", app)).await.len(), 1, "there is room again");
    stage.client.end_scope();
}

#[wasm_bindgen_test]
async fn a_small_budget_keeps_the_newest_in_indexed_db() {
    let db = IndexedDb::new(&fresh("small"));
    let stage = Stage::new().await;
    stage.client.name_scope(ScopeName::new("ada"));
    stage.client.persist(Persist::new(db.clone(), "1").app("app").budget(600));
    for id in 0..20 {
        fetch(&stage, id).await;
        // Each is written before the next is there.
        moment().await;
        stage.flush().await;
    }
    let last = r#"["number",19]"#;
    until(&stage, "stored", async || names(&db, "app/d/").await.iter().any(|name| name.ends_with(last)))
        .await;
    let kept = names(&db, "app/d/").await;
    assert!((2..=5).contains(&kept.len()), "{kept:?}");
}

/// Makes a database of this name that has not the store it should.
async fn spoil(name: &str) {
    let factory: JsValue = js_sys::Reflect::get(&js_sys::global(), &"indexedDB".into()).unwrap();
    let open: js_sys::Function = js_sys::Reflect::get(&factory, &"open".into()).unwrap().unchecked_into();
    let request = open.call2(&factory, &name.into(), &1.into()).unwrap();
    let done = Rc::new(Cell::new(false));
    let set = done.clone();
    let success = Closure::<dyn FnMut()>::new(move || set.set(true));
    js_sys::Reflect::set(&request, &"onsuccess".into(), success.as_ref()).unwrap();
    while !done.get() {
        moment().await;
    }
}

#[wasm_bindgen_test]
async fn a_broken_indexed_db_is_told_once_and_the_app_goes_on() {
    let name = fresh("broken");
    spoil(&name).await;
    let (stage, faults) = page(IndexedDb::new(&name), "app", "ada", "1").await;
    show(&stage, 7).await;
    until(&stage, "fetched", async || stage.requests() == [7]).await;
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["7 of request 1"]);
    show(&stage, 8).await;
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["8 of request 1"]);
    stage.client.end_scope();
    moment().await;
    stage.pass(seconds(1)).await;
    let faults = faults.take();
    assert!(matches!(&faults[..], [StorageFault::Broken(_), StorageFault::NotPurged(_)]), "{faults:?}");
}

/// Deletes a database, as clearing the data of a site does: `false` if somebody keeps it open.
async fn delete(name: &str) -> bool {
    let script = "return new Promise(resolve => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => resolve(true);
        setTimeout(resolve, 1000, false);
    })";
    let delete = js_sys::Function::new_with_args("name", script);
    let promise: js_sys::Promise = delete.call1(&JsValue::NULL, &name.into()).unwrap().unchecked_into();
    wasm_bindgen_futures::JsFuture::from(promise).await.unwrap().as_bool().unwrap()
}

#[wasm_bindgen_test]
async fn a_database_is_kept_open_neither_when_it_is_dropped_nor_when_another_wants_to_delete_it() {
    let name = fresh("deleted");
    let db = IndexedDb::new(&name);
    assert_eq!(db.get("a").await, Ok(None));
    drop(db);
    assert!(delete(&name).await, "dropped");

    let (stage, faults) = page(IndexedDb::new(&name), "app", "ada", "1").await;
    fetch(&stage, 7).await;
    assert!(delete(&name).await, "open");
    fetch(&stage, 8).await;
    assert_eq!(stage.texts(), ["8 of request 1"]);
    // Which closed it here: it is opened again, and what comes from then on is kept.
    let other = IndexedDb::new(&name);
    until(&stage, "stored", async || names(&other, "app/d/").await.len() == 1).await;
    assert!(delete(&name).await, "by both");
    stage.client.end_scope();
    until(&stage, "purged", async || names(&other, "app/").await.is_empty()).await;
    let faults = faults.take();
    assert!(faults.is_empty(), "{faults:?}");
}

#[wasm_bindgen_test]
async fn a_database_of_a_later_version_is_broken_and_told_so_once() {
    let name = fresh("upgraded");
    let (stage, faults) = page(IndexedDb::new(&name), "app", "ada", "1").await;
    fetch(&stage, 7).await;
    let script = "return new Promise((resolve, reject) => {
        const request = indexedDB.open(name, 2);
        request.onsuccess = () => { request.result.close(); resolve(true); };
        request.onerror = () => reject(request.error);
    })";
    let upgrade = js_sys::Function::new_with_args("name", script);
    let promise: js_sys::Promise =
        upgrade.call1(&JsValue::NULL, &name.as_str().into()).unwrap().unchecked_into();
    wasm_bindgen_futures::JsFuture::from(promise).await.unwrap();
    fetch(&stage, 8).await;
    assert_eq!(stage.texts(), ["8 of request 1"]);
    until(&stage, "told", async || !faults.borrow().is_empty()).await;
    let faults = faults.take();
    assert!(matches!(&faults[..], [StorageFault::Broken(_)]), "{faults:?}");
}
