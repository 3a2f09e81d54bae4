use std::fmt;

use bearer_fetch::{ApiClient, ApiRequest};
use http::Method;
use yew::hook;

use crate::clerk::Clerk;
use crate::hooks::use_clerk;

/// An authenticated fetch. See [`use_fetch`].
#[derive(Clone, PartialEq)]
pub struct Fetch {
    clerk: Clerk,
}

/// Gives a fetch that sends the session's token, to call from events and effects. It is the same at each render.
///
/// A path is the page's own origin's; a URL has to be of an origin that the provider's `api_origins` name, or
/// nothing is sent. Everything an [`ApiRequest`] does goes for it, the 401 gate included.
///
/// ```
/// use yew::prelude::*;
/// use yew_clerk::use_fetch;
///
/// #[component]
/// fn Greet() -> Html {
///     let fetch = use_fetch();
///     let answer = use_state(String::new);
///     let onclick = {
///         let answer = answer.clone();
///         move |_: MouseEvent| {
///             let (request, answer) = (fetch.get("https://api.foo.com/greeting"), answer.clone());
///             wasm_bindgen_futures::spawn_local(async move {
///                 answer.set(match request.json::<String>().await {
///                     Ok(greeting) => greeting,
///                     Err(error) => error.to_string(),
///                 });
///             });
///         }
///     };
///     html! { <button {onclick}>{ "Greet me" }</button> }
/// }
/// ```
#[hook]
pub fn use_fetch() -> Fetch {
    Fetch { clerk: use_clerk() }
}

impl Fetch {
    /// A GET request.
    pub fn get(&self, url: &str) -> ApiRequest {
        self.request(Method::GET, url)
    }

    /// A POST request.
    pub fn post(&self, url: &str) -> ApiRequest {
        self.request(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(&self, url: &str) -> ApiRequest {
        self.request(Method::PUT, url)
    }

    /// A PATCH request.
    pub fn patch(&self, url: &str) -> ApiRequest {
        self.request(Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: &str) -> ApiRequest {
        self.request(Method::DELETE, url)
    }

    /// A request with any method.
    pub fn request(&self, method: Method, url: &str) -> ApiRequest {
        self.client().request(method, url)
    }

    /// The client behind it: the page's own origin and the provider's `api_origins`.
    pub fn client(&self) -> ApiClient {
        self.clerk.api_client()
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetch")
    }
}
