//! The client, in context.

use query_cache::{Misuse, QueryClient};
use yew::{ContextProvider, Html, Properties, component, hook, html, use_context, use_memo};

/// What [`QueryClientProvider`] takes.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct QueryClientProviderProps {
    /// The cache. Make it once, outside of what renders again; the handle in context never changes while
    /// the cache is the same, so no consumer renders because of it.
    pub client: QueryClient,
    /// Those who may use it.
    #[prop_or_default]
    pub children: Html,
}

/// Gives the components inside of it a query cache.
#[component]
pub fn QueryClientProvider(props: &QueryClientProviderProps) -> Html {
    html! {
        <ContextProvider<QueryClient> context={props.client.clone()}>
            {props.children.clone()}
        </ContextProvider<QueryClient>>
    }
}

/// The cache of the nearest [`QueryClientProvider`]. The component does not render again when the cache
/// changes.
///
/// # Errors
/// [`Misuse::NoClient`] outside of a provider, and an error in the console.
#[hook]
pub fn use_query_client() -> Result<QueryClient, Misuse> {
    let client = use_context::<QueryClient>();
    use_memo(client.is_none(), |missing| {
        if *missing && cfg!(target_arch = "wasm32") {
            web_sys::console::error_1(&Misuse::NoClient.to_string().into());
        }
    });
    client.ok_or(Misuse::NoClient)
}
