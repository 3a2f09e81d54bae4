use bearer_fetch::{ApiClient, ApiError, ApiResponse};
use yew_query_cache::{FetchContext, Query, QueryKey, QueryOptions, StaleTime, query_key, seconds};

/// One request that a person made up, for the page that shows where tokens go.
#[derive(Clone, PartialEq)]
pub struct RequestQuery {
    /// A path below the API's origin, or a URL.
    pub url: String,
    /// Whether it goes without a token.
    pub anonymous: bool,
    /// Counts the requests made by hand, so that each is one of its own.
    pub number: u32,
}

impl Query for RequestQuery {
    type Data = ApiResponse;
    type Error = ApiError;

    fn key(&self) -> QueryKey {
        query_key!["request", self.number, self.anonymous, self.url.as_str()]
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        // An answer is looked at, not kept fresh: coming back to the tab repeats no request.
        defaults.retry(0).stale(StaleTime::WhenInvalidated).gc_after(seconds(0))
    }

    async fn fetch(&self, cx: FetchContext) -> Result<ApiResponse, ApiError> {
        let request = cx.get::<ApiClient>()?.get(&self.url);
        if self.anonymous { request.anonymous() } else { request }.send().await
    }
}
