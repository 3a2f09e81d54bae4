use std::fmt;
use std::marker::PhantomData;

use bearer_fetch::{ApiClient, ApiError};
use query_cache::{FetchContext, Query, QueryKey, query_key};
use serde::de::DeserializeOwned;
use yew::{AttrValue, hook};
use yew_query_cache::{UseQuery, use_query};

use crate::hooks::use_clerk;

/// `GET url` with the session's token, as JSON: the query behind [`use_clerk_swr`].
#[derive(Clone)]
pub struct ClerkSwr<T> {
    url: AttrValue,
    api: ApiClient,
    data: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Unpin + 'static> Query for ClerkSwr<T> {
    type Data = T;
    type Error = ApiError;

    fn key(&self) -> QueryKey {
        query_key!["clerk-swr", self.url.as_str()]
    }

    async fn fetch(&self, cx: FetchContext) -> Result<T, ApiError> {
        self.api.get(&self.url).for_fetch(&cx).json().await
    }
}

impl<T> fmt::Debug for ClerkSwr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClerkSwr").field(&self.url).finish()
    }
}

/// The JSON at a URL, fetched with the session's token: data, error, and nothing else to decide. Shown at once if it
/// was fetched before, and fetched again when a component mounts, when the page is seen again and when the network is
/// back. All who ask for one URL share the request.
///
/// The URL is one of [`use_fetch`](crate::use_fetch)'s: a path of this page's origin, or of an origin that the
/// provider's `api_origins` name. Stands within a
/// [`QueryClientProviderWithClerk`](crate::QueryClientProviderWithClerk), so what it fetched for one person is gone
/// with that person's session.
///
/// ```
/// use yew::prelude::*;
/// use yew_clerk::use_clerk_swr;
///
/// #[component]
/// fn Greeting() -> Html {
///     let greeting = use_clerk_swr::<String>("https://api.foo.com/greeting");
///     match (greeting.data(), greeting.error()) {
///         (Some(text), _) => html! { <p>{ &**text }</p> },
///         (None, Some(error)) => html! { <p role="alert">{ error.to_string() }</p> },
///         (None, None) => html! { <p>{ "Loading…" }</p> },
///     }
/// }
/// ```
#[hook]
pub fn use_clerk_swr<T: DeserializeOwned + Unpin + 'static>(
    url: impl Into<AttrValue>,
) -> UseQuery<ClerkSwr<T>> {
    let clerk = use_clerk();
    use_query(ClerkSwr { url: url.into(), api: clerk.api_client(), data: PhantomData })
}
