//! foo.com: signs in with Clerk and loads a protected resource from api.foo.com.

mod api;
mod app;
mod components;
mod config;
mod pages;
mod return_to;
mod routes;

fn main() {
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id("app"));
    match root {
        Some(root) => {
            yew::Renderer::<app::App>::with_root(root).render();
        }
        None => web_sys::console::error_1(&"foo.com: the page has no element with the id \"app\"".into()),
    }
}
