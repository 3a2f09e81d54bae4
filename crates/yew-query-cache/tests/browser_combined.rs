//! `use_combined`.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::rc::Rc;

use common::{Number, Renders, Stage, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Clone, PartialEq, Properties)]
struct ReadyProps {
    ids: Vec<u32>,
    renders: Renders,
    folds: Renders,
    #[prop_or_default]
    plus: usize,
}

/// How many are there, and a number of the component's own.
#[component]
fn Ready(props: &ReadyProps) -> Html {
    props.renders.count();
    let (plus, folds) = (props.plus, props.folds.clone());
    let ready: Rc<usize> = use_combined(props.ids.iter().map(|id| Number(*id)), move |found| {
        folds.count();
        plus + found.filter(|found| found.data().is_some()).count()
    });
    html! { <span>{*ready}</span> }
}

fn ready(stage: &Stage, folds: &Renders, ids: impl IntoIterator<Item = u32>, plus: usize) -> Html {
    let (ids, renders, folds) = (ids.into_iter().collect::<Vec<_>>(), stage.renders.clone(), folds.clone());
    html! { <Ready {ids} {renders} {folds} {plus} /> }
}

#[wasm_bindgen_test]
async fn a_fold_renders_when_it_comes_to_something_else() {
    let (stage, folds) = (Stage::new().await, Renders::default());
    stage.show(ready(&stage, &folds, 1..=50, 0)).await;
    assert_eq!((stage.requests().len(), stage.seen(), folds.take()), (50, (texts(["0"]), 1), 1));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["50"]);
    assert!(stage.renders.take() <= folds.take());

    // Other data, of which the same is made.
    for id in 1..=50 {
        stage.client.set_data(&Number(id), "other".to_owned());
    }
    stage.flush().await;
    assert_eq!((stage.seen(), folds.take()), ((texts(["50"]), 0), 1), "fifty changes, one fold, no render");
    stage.client.refetch(QueryFilter::of::<Number>());
    stage.flush().await;
    assert_eq!((stage.seen(), folds.take()), ((texts(["50"]), 0), 0), "it did not ask about that");

    // Other queries and another closure count in the render that has them.
    stage.show(ready(&stage, &folds, 1..=49, 0)).await;
    assert_eq!((stage.seen(), folds.take()), ((texts(["49"]), 1), 1));
    stage.show(ready(&stage, &folds, 1..=49, 100)).await;
    assert_eq!((stage.seen(), folds.take()), ((texts(["149"]), 1), 1));
    stage.client.remove(&Number(7));
    stage.flush().await;
    assert_eq!(stage.texts(), ["148"]);
    stage.show(html! {}).await;
    assert_eq!(stage.client.observer_count(), 0);
}

#[wasm_bindgen_test]
async fn outside_of_a_provider_all_of_a_fold_is_pending() {
    let (stage, folds) = (Stage::new().await, Renders::default());
    stage.show_bare(ready(&stage, &folds, 1..=3, 10)).await;
    assert_eq!((stage.seen(), folds.take()), ((texts(["10"]), 1), 1));
}
