//! A page that the end-to-end tests drive from outside: it shows what every hook gives, and has functions that a
//! test calls by name.

mod cache;
mod calls;
mod page;
mod queries;

use std::cell::RefCell;

use bearer_fetch::ApiClient;
use query_cache::QueryClient;
use wasm_bindgen::prelude::wasm_bindgen;
use yew_clerk::Clerk;
use yew_query_cache::BrowserEnvironment;

use page::{Page, PageProps};

/// What the functions work with, once the page is there.
#[derive(Clone)]
struct Lab {
    clerk: Clerk,
    api: ApiClient,
    cache: QueryClient,
}

thread_local! {
    static LAB: RefCell<Option<Lab>> = const { RefCell::new(None) };
}

fn lab() -> Option<Lab> {
    LAB.with_borrow(Clone::clone)
}

/// Shows the page.
#[wasm_bindgen]
pub fn mount(publishable_key: &str, proxy_path: &str, api_origin: &str) {
    let Ok(key) = publishable_key.parse() else { return };
    let props = PageProps {
        publishable_key: key,
        proxy_path: proxy_path.to_owned().into(),
        api_origin: api_origin.to_owned().into(),
        cache: QueryClient::new(BrowserEnvironment::new()),
    };
    yew::Renderer::<Page>::with_props(props).render();
}
