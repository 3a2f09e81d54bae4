//! Fetches and shows typed JSON with Yew's state.

use yew::prelude::*;

size::by_hand! { Shown: Greeting; }

#[component]
fn App() -> Html {
    html! { <Shown /> }
}

fn main() {
    yew::Renderer::<App>::new().render();
}
