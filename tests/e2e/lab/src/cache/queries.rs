//! What this page fetches and does.

use bearer_fetch::{ApiClient, ApiError};
use query_cache::{
    FetchContext, Mutation, MutationContext, MutationOptions, Query, QueryKey, QueryOptions, minutes,
    query_key,
};

/// How many items the page shows.
pub const ITEMS: u32 = 3;

/// One of the server's items, in the version that it has there.
#[derive(Clone, PartialEq)]
pub struct Item(pub u32);

impl Query for Item {
    type Data = String;
    type Error = ApiError;

    fn key(&self) -> QueryKey {
        query_key!["items", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale_after(minutes(5)).retry(0).dehydrated()
    }
    async fn fetch(&self, cx: FetchContext) -> Result<String, ApiError> {
        let api = cx.get::<ApiClient>()?;
        api.get(&format!("/items/{}", self.0)).anonymous().for_fetch(&cx).json().await
    }
}

/// Has the server act, once for each call. Those of the same ten do so one after the other.
pub struct Act;

impl Mutation for Act {
    type Variables = u32;
    type Data = String;
    type Error = ApiError;

    fn name(&self) -> &'static str {
        "act"
    }
    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        defaults.retry(3)
    }
    fn line(&self, number: &u32) -> Option<QueryKey> {
        Some(query_key!["tens", number / 10])
    }
    async fn mutate(&self, number: &u32, cx: MutationContext) -> Result<String, ApiError> {
        let api = cx.get::<ApiClient>()?;
        let request = api.post(&format!("/acts/{number}")).anonymous();
        request.header("Idempotency-Key", cx.idempotency_key().as_str()).json().await
    }
}
