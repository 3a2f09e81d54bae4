//! `use_query_effect`, `use_is_fetching` and `use_prefetch`.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Number, Options, Renders, Stage, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// What was acted on. Equal to itself.
#[derive(Clone, Default)]
struct Acts(Rc<RefCell<Vec<String>>>);

impl PartialEq for Acts {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ActorProps {
    id: u32,
    renders: Renders,
    acts: Acts,
    #[prop_or_default]
    options: Options,
    /// Renders it without another reason.
    #[prop_or_default]
    nudge: u32,
}

#[component]
fn Actor(props: &ActorProps) -> Html {
    props.renders.count();
    let number = use_query(props.options.of(Number(props.id)));
    let (acts, client) = (props.acts.clone(), use_query_client().unwrap());
    use_query_effect(&number, move |result| {
        let result = match result {
            Ok(data) => data.to_string(),
            Err(error) => format!("failed: {error}"),
        };
        acts.0.borrow_mut().push(result);
        // An effect may do what it likes with the cache.
        client.invalidate_then(QueryFilter::all(), Then::Nothing);
    });
    html! { <span>{common::words(number.state())}</span> }
}

#[wasm_bindgen_test]
async fn each_result_is_acted_on_once_and_not_what_was_there_before() {
    let (stage, acts) = (Stage::new().await, Acts::default());
    let actor = |id, nudge| {
        html! { <Actor {id} {nudge} renders={stage.renders.clone()} acts={acts.clone()} /> }
    };
    stage.client.set_data(&Number(1), "before".to_owned());
    stage.show(actor(1, 0)).await;
    assert_eq!((stage.seen(), acts.0.take()), ((texts(["before"]), 1), vec![]));
    stage.client.refetch(&Number(1));
    stage.flush().await;
    stage.pass(seconds(1)).await;
    assert_eq!(acts.0.take(), ["1 of request 1"]);
    for nudge in 1..4 {
        stage.show(actor(1, nudge)).await;
    }
    assert_eq!(acts.0.take(), [""; 0], "rendering again is no result");

    // A write is a result; a failure is one, however many attempts it took.
    stage.client.set_data(&Number(1), "written".to_owned());
    stage.flush().await;
    assert_eq!(acts.0.take(), ["written"]);
    stage.fail(["busy", "gone", "busy", "gone"]);
    for _ in 0..2 {
        stage.client.refetch(&Number(1));
        stage.flush().await;
        stage.pass(seconds(5)).await;
        assert_eq!(acts.0.take(), ["failed: gone"], "the same failure again is another result");
    }

    // Another key has its own.
    stage.show(actor(2, 3)).await;
    assert_eq!(acts.0.take(), [""; 0]);
    stage.pass(seconds(1)).await;
    assert_eq!(acts.0.take(), ["2 of request 1"]);
    stage.show(actor(1, 3)).await;
    assert_eq!(acts.0.take(), [""; 0], "the first key's results have been acted on");
}

#[wasm_bindgen_test]
async fn an_equal_answer_is_a_result_too_and_two_components_act_each() {
    let (stage, acts) = (Stage::new().await, Acts::default());
    let options = Options::new(|options| options.keep_equal());
    let actor = || {
        let (renders, acts, options) = (stage.renders.clone(), acts.clone(), options.clone());
        html! { <Actor id=1 {renders} {acts} {options} /> }
    };
    stage.show(html! { <>{actor()}{actor()}</> }).await;
    stage.pass(seconds(1)).await;
    assert_eq!(acts.0.take(), ["1 of request 1"; 2]);
    stage.client.set_data(&Number(1), "1 of request 2".to_owned());
    stage.flush().await;
    acts.0.take();
    let data = stage.client.get_data(&Number(1)).unwrap();
    stage.client.refetch(&Number(1));
    stage.flush().await;
    stage.pass(seconds(1)).await;
    assert!(Rc::ptr_eq(&data, &stage.client.get_data(&Number(1)).unwrap()));
    assert_eq!(acts.0.take(), ["1 of request 2"; 2]);
}

#[wasm_bindgen_test]
async fn the_first_result_after_a_reset_or_a_new_scope_is_a_result() {
    let (stage, acts) = (Stage::new().await, Acts::default());
    for data in ["one", "two", "three"] {
        stage.client.set_data(&Number(1), data.to_owned());
    }
    stage.show(html! { <Actor id=1 renders={stage.renders.clone()} acts={acts.clone()} /> }).await;
    stage.client.refetch(&Number(1));
    stage.flush().await;
    stage.pass(seconds(1)).await;
    assert_eq!(acts.0.take(), ["1 of request 1"]);
    stage.client.reset(&Number(1));
    stage.flush().await;
    stage.pass(seconds(1)).await;
    assert_eq!(acts.0.take(), ["1 of request 2"]);
    stage.client.end_scope();
    // Without a render in between.
    stage.client.set_data(&Number(1), "written".to_owned());
    stage.flush().await;
    assert_eq!(acts.0.take(), ["written"]);
}

#[wasm_bindgen_test]
async fn who_is_unmounted_acts_no_more() {
    let (stage, acts) = (Stage::new().await, Acts::default());
    let actor = html! { <Actor id=1 renders={stage.renders.clone()} acts={acts.clone()} /> };
    stage.show(actor).await;
    stage.show(html! {}).await;
    stage.client.set_data(&Number(1), "written".to_owned());
    stage.pass(seconds(5)).await;
    assert_eq!(acts.0.take(), [""; 0]);
}

#[derive(Clone, PartialEq, Properties)]
struct CounterProps {
    renders: Renders,
    /// Counts only this number.
    #[prop_or_default]
    only: Option<u32>,
}

#[component]
fn Counter(props: &CounterProps) -> Html {
    props.renders.count();
    let filter = match props.only {
        Some(id) => QueryFilter::exact(query_key!["number", id]),
        None => QueryFilter::prefix(query_key!["number"]),
    };
    let count = use_is_fetching(filter);
    html! { <i>{count}</i> }
}

#[wasm_bindgen_test]
async fn the_count_of_fetches_renders_only_when_the_number_changes() {
    let (stage, counter, only) = (Stage::new().await, Renders::default(), Renders::default());
    let show = async |ids: &[u32]| {
        let views = common::views(ids, &stage.renders);
        stage
            .show(html! {
                <>
                    <Counter key="all" renders={counter.clone()} />
                    <Counter key="one" renders={only.clone()} only=3 />
                    <div key="views">{views}</div>
                </>
            })
            .await;
    };
    let counted = || {
        let numbers: Vec<String> = stage.all("i").iter().map(|i| i.text_content().unwrap()).collect();
        (numbers.join(" "), counter.take(), only.take())
    };
    show(&[]).await;
    assert_eq!(counted(), ("0 0".to_owned(), 1, 1));
    show(&[1, 2]).await;
    assert_eq!(counted(), ("2 0".to_owned(), 1, 0), "two that begin in one turn are one render");
    stage.client.cancel(&Number(2));
    stage.client.refetch(&Number(2));
    stage.flush().await;
    assert_eq!(counted(), ("2 0".to_owned(), 0, 0), "one ended, one began");
    stage.client.set_data(&Number(9), "elsewhere".to_owned());
    stage.flush().await;
    assert_eq!(counted().1, 0);
    stage.pass(seconds(1)).await;
    assert_eq!(counted(), ("0 0".to_owned(), 1, 0));
    stage.client.refetch(&Number(1));
    stage.flush().await;
    show(&[2]).await;
    stage.flush().await;
    assert_eq!(counted().0, "0 0", "what was let go of is not being fetched");
    show(&[]).await;
    stage.client.end_scope();
    stage.flush().await;
    assert_eq!(counted().0, "0 0");
}

#[derive(Clone, PartialEq, Properties)]
struct PrefetcherProps {
    id: u32,
    nudge: u32,
    renders: Renders,
}

#[component]
fn Prefetcher(props: &PrefetcherProps) -> Html {
    props.renders.count();
    use_prefetch(Number(props.id));
    html! {}
}

#[wasm_bindgen_test]
async fn a_prefetch_is_asked_for_once_per_key_and_outlives_the_component() {
    let stage = Stage::new().await;
    let prefetcher = |id, nudge| html! { <Prefetcher {id} {nudge} renders={stage.renders.clone()} /> };
    for nudge in 0..3 {
        stage.show(prefetcher(1, nudge)).await;
    }
    assert_eq!((stage.requests(), stage.renders.take()), (vec![1], 3));
    stage.show(prefetcher(2, 3)).await;
    assert_eq!((stage.requests(), stage.aborted()), (vec![1, 2], 0));
    stage.show(html! {}).await;
    stage.renders.take();
    stage.pass(seconds(1)).await;
    assert_eq!((stage.aborted(), stage.renders.take(), stage.client.observer_count()), (0, 0, 0));
    stage.views(&[1, 2]).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1", "2 of request 1"]), 2));
    assert_eq!(stage.requests(), [1, 2], "it is there, and fresh");

    // Stale, it is fetched by who mounts; not by one who goes on rendering.
    stage.show(prefetcher(1, 0)).await;
    stage.client.invalidate_then(&Number(1), Then::Nothing);
    stage.show(prefetcher(1, 1)).await;
    assert_eq!(stage.requests(), [1, 2]);
}
