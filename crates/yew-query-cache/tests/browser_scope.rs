//! Whose data it is: the scope, and another client in the provider.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Number, Renders, Server, Stage, texts, views};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn the_end_of_the_scope_empties_the_page_in_one_turn() {
    let stage = Stage::with(&[1, 2]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.client.end_scope();
    stage.world.run();
    yew::scheduler::flush().await;
    assert_eq!(stage.seen(), (texts(["pending"; 2]), 2));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests().len(), stage.renders.take()), (4, 2));
    assert!(!stage.text().contains("request 1"), "{}", stage.text());
}

#[wasm_bindgen_test]
async fn a_held_scope_hides_and_a_restored_one_shows_again() {
    let stage = Stage::with(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.client.hold_scope();
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1));
    stage.client.restore_scope();
    stage.flush().await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1], (texts(["1 of request 1"]), 1)));
}

#[wasm_bindgen_test]
async fn another_client_in_the_provider_shows_its_own_data_in_the_same_render() {
    let stage = Stage::with(&[1, 2]).await;
    stage.pass(std::time::Duration::from_millis(500)).await;
    stage.renders.take();
    let other = QueryClient::new(query_cache::ManualEnvironment::new(2));
    let requests = Server::new(&stage.world);
    other.provide(requests.clone());
    other.set_data(&Number(1), "another's".to_owned());
    let shown = |client: &QueryClient| {
        let views = views(&[1, 2], &stage.renders);
        html! { <QueryClientProvider client={client.clone()}>{views}</QueryClientProvider> }
    };
    stage.show_bare(shown(&other)).await;
    assert_eq!(stage.seen(), (texts(["another's", "pending"]), 2));
    assert_eq!((stage.client.observer_count(), other.observer_count()), (0, 2));
    assert_eq!((stage.aborted(), requests.requests.borrow().clone()), (2, vec![2]));
    stage.pass(seconds(5)).await;
    assert_eq!(stage.renders.take(), 0, "nothing of the client before arrives");

    // And back, to data that came meanwhile.
    stage.client.set_data(&Number(1), "mine".to_owned());
    stage.show_bare(shown(&stage.client)).await;
    assert_eq!(stage.texts(), ["mine", "pending"]);
    assert_eq!(other.observer_count(), 0);
}

#[derive(Clone, PartialEq, Properties)]
struct ConsumerProps {
    renders: Renders,
}

#[component]
fn Consumer(props: &ConsumerProps) -> Html {
    props.renders.count();
    let client = use_query_client();
    html! { <span>{client.is_ok()}</span> }
}

#[wasm_bindgen_test]
async fn a_thousand_that_only_hold_the_client_never_render_again() {
    let stage = Stage::new().await;
    let consumers = (0..1_000).map(|_| html! { <Consumer renders={stage.renders.clone()} /> });
    let consumers = html! { <>{ for consumers }</> };
    stage.show(consumers.clone()).await;
    assert_eq!((stage.texts(), stage.renders.take()), (vec!["true".to_owned(); 1_000], 1_000));
    let watched = stage.client.observe(Number(1), || {});
    stage.client.set_data(&Number(2), "two".to_owned());
    stage.pass(seconds(1)).await;
    stage.client.invalidate(QueryFilter::all());
    stage.client.end_scope();
    stage.pass(seconds(1)).await;
    // The provider itself rendering again, with the same client, is no reason either.
    stage.show(consumers).await;
    assert_eq!((stage.requests().len(), stage.renders.take()), (2, 0));
    drop(watched);
}
