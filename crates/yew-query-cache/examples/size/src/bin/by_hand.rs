//! Fetches and shows typed JSON with Yew's state.

size::by_hand! { App: Greeting; }

fn main() {
    yew::Renderer::<App>::new().render();
}
