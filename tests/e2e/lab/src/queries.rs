//! What the page fetches.

use std::time::Duration;

use bearer_fetch::{ApiClient, ApiError};
use query_cache::{FetchContext, Query, QueryKey, QueryOptions, minutes, query_key};
use serde_json::Value;

/// How many protected things the page shows.
pub const THINGS: u32 = 5;

/// A path of the API: the client is that of `use_fetch`, which takes a path for the page's own. A number makes it
/// another.
pub fn at_the_api(api: &ApiClient, path: &str, number: u32) -> String {
    let origin = api.allowed_origins().last().map(|origin| origin.as_str().to_owned()).unwrap_or_default();
    format!("{origin}{path}?n={number}")
}

/// The API's protected resource, by a number of the page's own: another key, another request.
#[derive(Clone, PartialEq)]
pub struct Thing(pub u32);

impl Query for Thing {
    type Data = Value;
    type Error = ApiError;

    fn key(&self) -> QueryKey {
        query_key!["things", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale_after(minutes(5)).retry(0)
    }
    async fn fetch(&self, cx: FetchContext) -> Result<Value, ApiError> {
        let api = cx.get::<ApiClient>()?;
        api.get(&at_the_api(&api, "/me", self.0)).for_fetch(&cx).json().await
    }
}

/// The same at the page's own origin, asked for again and again, hidden or not.
#[derive(Clone, PartialEq)]
pub struct Own;

impl Query for Own {
    type Data = Value;
    type Error = ApiError;

    fn key(&self) -> QueryKey {
        query_key!["own"]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.interval(Duration::from_secs(2)).interval_in_background(true).retry(0)
    }
    async fn fetch(&self, cx: FetchContext) -> Result<Value, ApiError> {
        let origin = web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default();
        cx.get::<ApiClient>()?.get(&format!("{origin}/api/me")).for_fetch(&cx).json().await
    }
}
