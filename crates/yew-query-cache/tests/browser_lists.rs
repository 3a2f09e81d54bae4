//! `use_query_select` and `use_queries`.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Number, Renders, Stage, texts, words};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Clone, PartialEq, Properties)]
struct LengthProps {
    id: u32,
    renders: Renders,
    shown: Renders,
    /// Added to the length: the closure differs from render to render.
    #[prop_or_default]
    plus: usize,
}

#[component]
fn Length(props: &LengthProps) -> Html {
    props.renders.count();
    let plus = props.plus;
    let length = use_query_select(Number(props.id), move |text: &String| text.len() + plus);
    let selected = length.selected().map_or("none".to_owned(), |length| length.to_string());
    let state = match length.state() {
        QueryState::Ready { .. } => "ready".to_owned(),
        _ => words(length.state()),
    };
    let onclick = {
        let again = length.clone();
        Callback::from(move |_: MouseEvent| again.refetch())
    };
    html! {
        <p>
            <span>{selected}{" "}{state}</span><button {onclick} />
            <Shown selected={length.selected().cloned()} renders={props.shown.clone()} />
        </p>
    }
}

#[derive(Clone, Properties)]
struct ShownProps {
    selected: Option<std::rc::Rc<usize>>,
    renders: Renders,
}

impl PartialEq for ShownProps {
    /// By pointer: the selected value is the same `Rc` for as long as it is equal.
    fn eq(&self, other: &Self) -> bool {
        self.selected.as_ref().map(std::rc::Rc::as_ptr) == other.selected.as_ref().map(std::rc::Rc::as_ptr)
    }
}

#[component]
fn Shown(props: &ShownProps) -> Html {
    props.renders.count();
    html! {}
}

fn length(stage: &Stage, shown: &Renders, id: u32, plus: usize) -> Html {
    html! { <Length {id} renders={stage.renders.clone()} shown={shown.clone()} {plus} /> }
}

#[wasm_bindgen_test]
async fn a_selection_that_stays_equal_renders_nobody() {
    let (stage, shown) = (Stage::new().await, Renders::default());
    stage.show(length(&stage, &shown, 1, 0)).await;
    assert_eq!(stage.seen(), (texts(["none pending"]), 1));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.seen(), shown.take()), ((texts(["14 ready"]), 1), 2));

    // Other data of the same length, written and fetched.
    for data in ["fourteen chars", "chars fourteen"] {
        stage.client.set_data(&Number(1), data.to_owned());
        stage.flush().await;
    }
    stage.click().await;
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.renders.take()), (vec![1, 1], 0));
    stage.client.set_data(&Number(1), "four".to_owned());
    stage.flush().await;
    assert_eq!((stage.seen(), shown.take()), ((texts(["4 ready"]), 1), 1));
}

#[wasm_bindgen_test]
async fn the_selected_value_is_the_same_pointer_across_renders_and_follows_its_closure_and_its_key() {
    let (stage, shown) = (Stage::new().await, Renders::default());
    stage.client.set_data(&Number(1), "one".to_owned());
    stage.client.set_data(&Number(2), "two".to_owned());
    stage.show(length(&stage, &shown, 1, 0)).await;
    assert_eq!((stage.seen(), shown.take()), ((texts(["3 ready"]), 1), 1));
    stage.show(length(&stage, &shown, 2, 0)).await;
    assert_eq!((stage.seen(), shown.take()), ((texts(["3 ready"]), 1), 0), "an equal value");
    stage.show(length(&stage, &shown, 2, 1)).await;
    assert_eq!((stage.seen(), shown.take()), ((texts(["4 ready"]), 1), 1), "in the render that selects it");
    assert!(stage.requests().is_empty());
}

#[wasm_bindgen_test]
async fn a_selection_shows_retries_and_failures_and_lets_go() {
    let (stage, shown) = (Stage::new().await, Renders::default());
    stage.fail(["busy", "still busy"]);
    stage.show(length(&stage, &shown, 1, 0)).await;
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["none attempt 1 of 2 failed: busy"]), 2));
    stage.pass(seconds(3)).await;
    assert_eq!(stage.texts(), ["none failed: still busy"]);
    stage.click().await;
    assert_eq!((stage.requests().len(), stage.texts()), (3, texts(["none pending"])));
    stage.show(html! {}).await;
    assert_eq!((stage.aborted(), stage.client.observer_count()), (1, 0));
}

#[derive(Clone, PartialEq, Properties)]
struct ListProps {
    ids: Vec<u32>,
    renders: Renders,
}

#[component]
fn List(props: &ListProps) -> Html {
    props.renders.count();
    let numbers = use_queries(props.ids.iter().map(|id| Number(*id)));
    let numbers = numbers.iter().map(|number| html! { <span>{words(number.state())}</span> });
    html! { <>{ for numbers }</> }
}

fn list(stage: &Stage, ids: &[u32]) -> Html {
    html! { <List ids={ids.to_vec()} renders={stage.renders.clone()} /> }
}

#[wasm_bindgen_test]
async fn a_list_of_queries_renders_once_for_all_that_come_in_one_turn() {
    let stage = Stage::new().await;
    stage.show(list(&stage, &[1, 2, 3])).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1, 2, 3], (texts(["pending"; 3]), 1)));
    stage.pass(seconds(1)).await;
    let ready = texts(["1 of request 1", "2 of request 1", "3 of request 1"]);
    assert_eq!(stage.seen(), (ready, 1), "three answers, one render");
    stage.client.batch(|| {
        for id in [1, 2, 3] {
            stage.client.set_data(&Number(id), id.to_string());
            stage.world.run();
        }
    });
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["1", "2", "3"]), 1));
}

#[wasm_bindgen_test]
async fn a_list_in_another_order_fetches_nothing_again_and_one_that_shrinks_lets_go() {
    let stage = Stage::new().await;
    stage.show(list(&stage, &[1, 2, 3])).await;
    stage.pass(Duration::from_millis(500)).await;
    stage.show(list(&stage, &[3, 1, 2])).await;
    assert_eq!((stage.requests(), stage.aborted(), stage.renders.take()), (vec![1, 2, 3], 0, 2));
    stage.show(list(&stage, &[3, 4, 2])).await;
    assert_eq!((stage.requests(), stage.aborted(), stage.renders.take()), (vec![1, 2, 3, 4], 1, 1));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["3 of request 1", "pending", "2 of request 1"]), 1));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["3 of request 1", "4 of request 1", "2 of request 1"]), 1));
    stage.show(list(&stage, &[])).await;
    assert_eq!((stage.seen(), stage.client.observer_count()), ((vec![], 1), 0));
}

#[wasm_bindgen_test]
async fn the_same_query_twice_in_a_list_is_one_request() {
    let stage = Stage::new().await;
    stage.show(list(&stage, &[1, 1])).await;
    stage.show(list(&stage, &[1])).await;
    assert_eq!((stage.requests(), stage.aborted(), stage.renders.take()), (vec![1], 0, 2));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 1));
}
