//! Fetches and shows typed JSON with `use_query`.

use yew::prelude::*;
use yew_query_cache::{BrowserEnvironment, QueryClient, QueryClientProvider};

size::cached! { Shown: GreetingQuery, "greeting", Greeting; }

#[component]
fn App() -> Html {
    let client = use_state(|| QueryClient::new(BrowserEnvironment::new()));
    html! { <QueryClientProvider client={(*client).clone()}><Shown /></QueryClientProvider> }
}

fn main() {
    yew::Renderer::<App>::new().render();
}
