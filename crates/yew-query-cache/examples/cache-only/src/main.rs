//! Yew, yew-query-cache and any fetcher: here the browser's own. Run it with `trunk serve`.

use wasm_bindgen_futures::JsFuture;
use yew::prelude::*;
use yew_query_cache::*;

async fn load() -> Option<String> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str("greeting.txt")).await.ok()?;
    let response = web_sys::Response::from(response);
    JsFuture::from(response.text().ok().filter(|_| response.ok())?).await.ok()?.as_string()
}

#[component]
fn Greeting() -> Html {
    let greeting = use_query(query(query_key!["greeting"], async |_| load().await.ok_or("There is none.")));
    match greeting.state() {
        QueryState::Idle | QueryState::Pending { .. } => html! { "Loading…" },
        QueryState::Failed { error } => html! { <p role="alert">{error.to_string()}</p> },
        QueryState::Ready { data, .. } => html! { <p>{&**data}</p> },
    }
}

#[component]
fn App() -> Html {
    let client = use_state(|| QueryClient::new(BrowserEnvironment::new()));
    html! { <QueryClientProvider client={(*client).clone()}><Greeting /></QueryClientProvider> }
}

pub(crate) fn main() {
    yew::Renderer::<App>::new().render();
}
