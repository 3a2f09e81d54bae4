//! On a server: every hook compiles, fetches nothing and is pending.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use yew::prelude::*;
use yew_query_cache::*;

fn greeting() -> impl Query<Data = String, Error = String> {
    query(query_key!["greeting"], async |_| -> Result<String, String> { panic!("nothing is fetched here") })
}

#[component]
fn Page() -> Html {
    let whole = use_query(greeting());
    let part = use_query_select(greeting(), String::len);
    let list = use_queries([greeting(), greeting()]);
    let count = use_is_fetching(QueryFilter::all());
    let client = use_query_client();
    let save = use_mutation(mutation("save", async |(): &(), _| -> Result<(), String> {
        panic!("nothing is sent")
    }));
    save.mutate(());
    let count = count + use_is_mutating(MutationFilter::all());
    use_prefetch(greeting());
    use_query_effect(&whole, |_| panic!("no effect runs on a server"));
    whole.refetch();
    part.refetch();
    let pending = [whole.state().is_pending(), part.state().is_pending(), !whole.is_fetching()];
    let pending = pending.into_iter().chain(list.iter().map(|query| query.state().is_pending()));
    html! {
        <p>
            if pending.eq([true; 5]) && client.is_ok() && count == 0 { {"Loading…"} } else { {"?"} }
        </p>
    }
}

#[component]
fn App() -> Html {
    let client = use_state(|| QueryClient::new(BrowserEnvironment::new()));
    let failed = Callback::from(|_| html! { "failed" });
    html! {
        <QueryClientProvider client={(*client).clone()}>
            <QueryErrorBoundary {failed}><Page /></QueryErrorBoundary>
        </QueryClientProvider>
    }
}

#[test]
fn a_page_rendered_on_a_server_is_pending() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rendered = tokio::task::LocalSet::new().block_on(&runtime, async {
        yew::LocalServerRenderer::<App>::new().hydratable(false).render().await
    });
    assert_eq!(rendered, "<p>Loading…</p>");
}
