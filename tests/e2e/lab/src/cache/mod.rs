//! A page with a cache and no Clerk: for what tabs, storage and mutations do in a real browser.

mod calls;
mod costs;
mod page;
mod queries;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bearer_fetch::{ApiClient, BearerToken, TokenFuture, TokenSource};
use query_cache::{Persist, QueryClient, ScopeName};
use wasm_bindgen::prelude::wasm_bindgen;
use yew_query_cache::{BrowserEnvironment, IndexedDb, browser_tabs};

use page::{Page, PageProps};
use queries::Act;

/// What the page's functions work with.
#[derive(Clone)]
struct CacheLab {
    cache: QueryClient,
    /// What was told of the storage.
    faults: Rc<RefCell<Vec<String>>>,
}

thread_local! {
    static LAB: RefCell<Option<CacheLab>> = const { RefCell::new(None) };
}

fn lab() -> Option<CacheLab> {
    LAB.with_borrow(Clone::clone)
}

/// Nobody signs in here.
struct NoTokens;

impl TokenSource for NoTokens {
    fn token(&self) -> TokenFuture {
        Box::pin(async { Ok(BearerToken::new("none.at.all")?) })
    }
}

/// Shows the page: somebody's, of this build, which shares with other tabs and perhaps keeps its cache on storage.
#[wasm_bindgen]
pub fn mount_cache(server: &str, build: &str, person: &str, storage: bool) {
    let Ok(api) = ApiClient::new(server, NoTokens) else { return };
    let cache = QueryClient::new(BrowserEnvironment::new());
    let faults = Rc::<RefCell<Vec<String>>>::default();
    cache.provide(api);
    // On a machine with much else to do a word takes longer than the default waits: then each tab fetches for itself.
    cache.share_with_tabs(browser_tabs("lab", build).patience(Duration::from_secs(1)));
    if storage {
        let told = faults.clone();
        let fault = move |fault: &query_cache::StorageFault| told.borrow_mut().push(format!("{fault:?}"));
        cache.persist(Persist::new(IndexedDb::new("lab"), build).app("lab").on_fault(fault));
    }
    cache.register_mutation(Act);
    cache.name_scope(ScopeName::new(person));
    LAB.set(Some(CacheLab { cache: cache.clone(), faults }));
    yew::Renderer::<Page>::with_props(PageProps { cache }).render();
}
