//! The cache that belongs to the session, on a stand-in for `window.Clerk` and a clock that does not run.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Promise;
use query_cache::{
    FetchContext, ManualEnvironment, Query, QueryClient, QueryKey, QueryOptions, minutes, query_key,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_clerk::{ClerkProvider, PublishableKey, QueryClientProviderWithClerk};
use yew_query_cache::use_query;

wasm_bindgen_test_configure!(run_in_browser);

const STAND_IN: &str = "
window.listeners = [];
window.Clerk = { status: 'ready', session: undefined, user: undefined, load: async () => {}, on: () => {},
    off: () => {}, addListener: (listener) => { listeners.push(listener); return () => {}; } };
window.emit = (id) => {
    Clerk.session = id && { id, status: 'active' }; Clerk.user = id && { id: 'user_of_' + id };
    tell();
};
window.tell = () => listeners.forEach((listener) => listener({ session: Clerk.session, user: Clerk.user }));
0";

/// The number of the fetch that it came from.
struct Secret;

#[derive(Clone, Default)]
struct Server(Rc<Cell<u32>>);

impl Query for Secret {
    type Data = u32;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["secret"]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale_after(minutes(5))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<u32, String> {
        let server = cx.get::<Server>()?;
        server.0.set(server.0.get() + 1);
        Ok(server.0.get())
    }
}

/// What everybody may know.
struct Prices;

impl Query for Prices {
    type Data = u32;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["prices"]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale_after(minutes(5)).public(true)
    }
    async fn fetch(&self, _: FetchContext) -> Result<u32, String> {
        Ok(7)
    }
}

#[component]
fn Shown() -> Html {
    let secret = use_query(Secret);
    html! { secret.state().data().map_or("nothing".to_owned(), |number| number.to_string()) }
}

#[derive(PartialEq, Properties)]
struct AppProps {
    client: QueryClient,
}

#[component]
fn App(props: &AppProps) -> Html {
    let key: PublishableKey = "pk_test_Y2xlcmsubG9jYWxob3N0JA".parse().unwrap();
    html! {
        <ClerkProvider publishable_key={key}>
            <QueryClientProviderWithClerk client={props.client.clone()}><Shown /></QueryClientProviderWithClerk>
        </ClerkProvider>
    }
}

async fn settle(world: &ManualEnvironment) {
    for _ in 0..20 {
        JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await.unwrap();
        world.run();
        yew::scheduler::flush().await;
    }
}

#[wasm_bindgen_test]
async fn what_was_fetched_for_one_session_is_gone_with_it() {
    js_sys::eval(STAND_IN).unwrap();
    let emit = |id: &str| js_sys::eval(&format!("emit({id}); 0")).unwrap();
    let world = ManualEnvironment::new(1);
    let client = QueryClient::new(world.clone());
    let server = Server::default();
    client.provide(server.clone());
    let root = web_sys::window().unwrap().document().unwrap().create_element("div").unwrap();
    let props = AppProps { client: client.clone() };
    let app = yew::Renderer::<App>::with_root_and_props(root.clone(), props).render();
    let text = || root.text_content().unwrap();

    settle(&world).await;
    assert_eq!(
        (text().as_str(), server.0.get()),
        ("nothing", 0),
        "nobody knows who is signed in: nothing is fetched"
    );

    emit("'sess_1'");
    settle(&world).await;
    assert_eq!((text().as_str(), server.0.get()), ("1", 1));

    // Between two states nothing is shown and nothing is lost.
    emit("undefined");
    world.run();
    yew::scheduler::flush().await;
    assert_eq!(text(), "nothing");
    emit("'sess_1'");
    settle(&world).await;
    assert_eq!((text().as_str(), server.0.get()), ("1", 1), "the same session: from the cache");

    client.prefetch(Prices);
    settle(&world).await;
    let prices = || client.get_data(&Prices).map(|price| *price);
    assert_eq!(prices(), Some(7));

    emit("'sess_2'");
    assert_eq!(client.get_data(&Secret), None, "gone in the same call");
    assert_eq!(prices(), Some(7), "it is nobody's, and outlives the session");
    settle(&world).await;
    assert_eq!((text().as_str(), server.0.get()), ("2", 2), "another's is fetched anew");

    js_sys::eval("Clerk.session.lastActiveOrganizationId = 'org_1'; tell(); 0").unwrap();
    assert_eq!(client.get_data(&Secret), None, "another organization of the same session");
    settle(&world).await;
    assert_eq!((text().as_str(), server.0.get()), ("3", 3));

    emit("null");
    assert_eq!(client.get_data(&Secret), None);
    assert_eq!(prices(), Some(7));
    app.destroy();
}
