//! The client, in context.

use query_cache::{Misuse, QueryClient};
use yew::{ContextProvider, Html, Properties, component, hook, html, use_context};

use crate::misuse::HookKind;

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
/// [`Misuse::NoClient`] outside of a provider, and one error in the console per page.
#[hook]
pub fn use_query_client() -> Result<QueryClient, Misuse> {
    use_client(HookKind::Client)
}

#[hook]
pub(crate) fn use_client(kind: HookKind) -> Result<QueryClient, Misuse> {
    let client = use_context::<QueryClient>().ok_or(Misuse::NoClient);
    if let Err(misuse) = client {
        kind.tell(misuse);
    }
    client
}
