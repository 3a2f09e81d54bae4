//! What is to be seen.

use query_cache::{MutationFilter, QueryClient};
use yew::prelude::*;
use yew_query_cache::{QueryClientProvider, QueryState, use_is_mutating, use_query};

use super::queries::{ITEMS, Item};

#[derive(PartialEq, Properties)]
pub struct PageProps {
    pub cache: QueryClient,
}

#[component]
pub fn Page(props: &PageProps) -> Html {
    html! {
        <QueryClientProvider client={props.cache.clone()}>
            { for (0..ITEMS).map(|number| html! { <Shown {number} /> }) }
            <Acting />
        </QueryClientProvider>
    }
}

#[derive(PartialEq, Properties)]
struct ShownProps {
    number: u32,
}

#[component]
fn Shown(props: &ShownProps) -> Html {
    let item = use_query(Item(props.number));
    let text = match item.state() {
        QueryState::Ready { data, .. } => data.to_string(),
        QueryState::Failed { error } => error.to_string(),
        QueryState::Idle | QueryState::Pending { .. } => "…".to_owned(),
    };
    html! { <p class="item">{ text }</p> }
}

#[component]
fn Acting() -> Html {
    let acting = use_is_mutating(MutationFilter::all());
    html! { <p id="acting">{ acting }</p> }
}
