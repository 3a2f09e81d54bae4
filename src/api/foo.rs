use bearer_fetch::{ApiClient, ApiError};
use foo_types::Foo;
use yew_query_cache::{FetchContext, Query, QueryKey, QueryOptions, minutes, query_key};

/// The protected resource, `GET /foo`.
#[derive(Clone, PartialEq)]
pub struct FooQuery;

impl Query for FooQuery {
    type Data = Foo;
    type Error = ApiError;

    fn key(&self) -> QueryKey {
        query_key!["foo"]
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.retry(2).stale_after(minutes(5))
    }

    async fn fetch(&self, cx: FetchContext) -> Result<Foo, ApiError> {
        cx.get::<ApiClient>()?.get("/foo").json().await
    }
}
