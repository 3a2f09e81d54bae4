use query_cache::{FetchCause, FetchContext};

use crate::request::{ApiRequest, Trigger};

impl From<FetchCause> for Trigger {
    fn from(cause: FetchCause) -> Self {
        match cause {
            FetchCause::Focus => Self::Focus,
            FetchCause::Reconnect => Self::Reconnect,
            _ => Self::Asked,
        }
    }
}

impl ApiRequest {
    /// Says that a query makes the request, and why it fetches. It matters for requests to the page's own origin
    /// alone: see [`Trigger`].
    ///
    /// ```
    /// use bearer_fetch::{ApiClient, ApiError};
    /// use query_cache::FetchContext;
    ///
    /// async fn inbox(cx: FetchContext) -> Result<Vec<String>, ApiError> {
    ///     cx.get::<ApiClient>()?.get("/api/inbox").for_fetch(&cx).json().await
    /// }
    /// ```
    pub fn for_fetch(self, cx: &FetchContext) -> Self {
        self.trigger(cx.cause().into())
    }
}
