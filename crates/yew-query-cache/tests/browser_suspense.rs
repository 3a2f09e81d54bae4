//! `use_suspense_query` and `QueryErrorBoundary`.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Number, Options, Renders, Stage, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Clone, PartialEq, Properties)]
struct WaiterProps {
    id: u32,
    renders: Renders,
    #[prop_or_default]
    options: Options,
}

#[component]
fn Waiter(props: &WaiterProps) -> HtmlResult {
    props.renders.count();
    let number = use_suspense_query(props.options.of(Number(props.id)))?;
    Ok(match number {
        Ok(number) => {
            let error = number.query().error().map(ToString::to_string);
            html! { <span>{&**number.data()}{error}</span> }
        }
        Err(error) => html! { <span>{"in place: "}{error.to_string()}</span> },
    })
}

fn failed(renders: &Renders) -> Callback<CaughtError, Html> {
    let renders = renders.clone();
    Callback::from(move |caught: CaughtError| {
        renders.count();
        let error = caught.error::<String>().unwrap();
        assert!(caught.error::<u32>().is_none());
        let onclick = caught.reset().reform(|_: MouseEvent| ());
        html! { <span>{format!("caught {error} of {:?}", caught.key())}<button {onclick} /></span> }
    })
}

fn waiters(stage: &Stage, ids: &[u32], options: &Options) -> Html {
    let waiters = ids.iter().enumerate().map(|(place, id)| {
        html! { <Waiter key={place} id={*id} renders={stage.renders.clone()} options={options.clone()} /> }
    });
    html! { <>{ for waiters }</> }
}

/// Within a boundary whose callback stays the same.
struct Bounded {
    failed: Callback<CaughtError, Html>,
    failures: Renders,
}

impl Bounded {
    fn new() -> Bounded {
        let failures = Renders::default();
        Bounded { failed: failed(&failures), failures }
    }

    async fn show(&self, stage: &Stage, inside: Html) {
        let pending = html! { <span>{"waiting"}</span> };
        let failed = self.failed.clone();
        stage.show(html! { <QueryErrorBoundary {pending} {failed}>{inside}</QueryErrorBoundary> }).await;
    }
}

async fn bounded(ids: &[u32]) -> (Stage, Bounded) {
    let (stage, bounded) = (Stage::new().await, Bounded::new());
    bounded.show(&stage, waiters(&stage, ids, &Options::default())).await;
    (stage, bounded)
}

#[wasm_bindgen_test]
async fn two_that_wait_for_the_same_are_one_request_and_two_renders_each() {
    let (stage, _) = bounded(&[1, 1]).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1], (texts(["waiting"]), 2)));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1], (texts(["1 of request 1"; 2]), 2)));
    assert_eq!(stage.client.observer_count(), 2);
}

#[wasm_bindgen_test]
async fn a_refresh_suspends_nobody_even_where_it_fails() {
    let (stage, _) = bounded(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.client.invalidate(&Number(1));
    stage.flush().await;
    assert_eq!((stage.requests().len(), stage.seen()), (2, (texts(["1 of request 1"]), 0)));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 2"]), 1));
    stage.fail(["busy", "gone"]);
    stage.client.invalidate(&Number(1));
    stage.flush().await;
    stage.pass(seconds(5)).await;
    assert_eq!(stage.texts(), ["1 of request 2gone"]);
}

#[wasm_bindgen_test]
async fn data_that_is_there_suspends_nobody() {
    let (stage, bounded) = (Stage::new().await, Bounded::new());
    stage.client.set_data(&Number(1), "there".to_owned());
    bounded.show(&stage, waiters(&stage, &[1], &Options::default())).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![], (texts(["there"]), 1)));
}

#[wasm_bindgen_test]
async fn another_key_suspends_again_and_the_late_answer_stays_away() {
    let (stage, bounded) = bounded(&[1]).await;
    stage.pass(Duration::from_millis(500)).await;
    stage.renders.take();
    bounded.show(&stage, waiters(&stage, &[2], &Options::default())).await;
    assert_eq!((stage.requests(), stage.aborted(), stage.seen()), (vec![1, 2], 1, (texts(["waiting"]), 1)));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["waiting"]), 0));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["2 of request 1"]), 1));
    bounded.show(&stage, waiters(&stage, &[3], &Options::default())).await;
    assert_eq!(stage.seen(), (texts(["waiting"]), 1), "from what it showed to suspended again");
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["3 of request 1"]), 1));
}

#[wasm_bindgen_test]
async fn leaving_while_suspended_aborts_the_request() {
    let (stage, bounded) = bounded(&[1, 1]).await;
    bounded.show(&stage, waiters(&stage, &[1], &Options::default())).await;
    assert_eq!((stage.aborted(), stage.client.observer_count()), (0, 1));
    bounded.show(&stage, html! {}).await;
    assert_eq!((stage.aborted(), stage.client.observer_count(), stage.world.task_count()), (1, 0, 0));
    assert!(stage.texts().is_empty());
    stage.renders.take();
    stage.pass(seconds(5)).await;
    assert_eq!(stage.renders.take(), 0);
}

#[wasm_bindgen_test]
async fn the_boundary_shows_the_failure_and_its_reset_fetches_again() {
    let (stage, bounded) = bounded(&[1]).await;
    stage.fail(["busy", "gone"]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["waiting"], "not while it is tried again");
    stage.pass(seconds(5)).await;
    assert_eq!(stage.texts(), [r#"caught gone of ["number", 1]"#]);
    assert_eq!(bounded.failures.take(), 1);
    stage.renders.take();
    stage.pass(seconds(60)).await;
    assert_eq!((stage.requests().len(), stage.renders.take(), bounded.failures.take()), (2, 0, 0));

    stage.click().await;
    assert_eq!((stage.requests().len(), stage.seen()), (3, (texts(["waiting"]), 1)));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.seen(), bounded.failures.take()), ((texts(["1 of request 3"]), 1), 0));
}

#[wasm_bindgen_test]
async fn of_several_failures_one_is_shown_and_one_reset_is_enough() {
    let (stage, bounded) = bounded(&[1, 2]).await;
    stage.fail(["a", "b", "c", "d"]);
    stage.pass(seconds(10)).await;
    assert_eq!((stage.texts().len(), stage.requests().len(), bounded.failures.take()), (1, 4, 1));
    stage.click().await;
    assert_eq!((stage.requests().len(), stage.texts()), (6, texts(["waiting"])));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["1 of request 3", "2 of request 3"]);
}

#[wasm_bindgen_test]
async fn a_reset_works_also_where_a_failure_is_not_tried_again_by_who_comes_later() {
    let (stage, bounded) = (Stage::new().await, Bounded::new());
    let once = Options::new(|options| options.retry(0).retry_on_mount(false));
    stage.fail(["gone", "gone again"]);
    bounded.show(&stage, waiters(&stage, &[1], &once)).await;
    for requests in [2, 3] {
        stage.pass(seconds(1)).await;
        assert!(stage.texts()[0].starts_with("caught gone"), "{:?}", stage.texts());
        stage.click().await;
        assert_eq!((stage.requests().len(), stage.texts()), (requests, texts(["waiting"])));
    }
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["1 of request 3"]);
}

#[wasm_bindgen_test]
async fn within_plain_suspense_the_failure_is_the_components_to_show() {
    let stage = Stage::new().await;
    stage.fail(["busy", "gone"]);
    let fallback = html! { <span>{"fallback"}</span> };
    let inside = waiters(&stage, &[1], &Options::default());
    stage.show(html! { <Suspense {fallback}>{inside}</Suspense> }).await;
    assert_eq!(stage.texts(), ["fallback"]);
    stage.pass(seconds(5)).await;
    assert_eq!(stage.texts(), ["in place: gone"]);
}

#[wasm_bindgen_test]
async fn the_disabled_wait_for_what_somebody_else_fetches() {
    let (stage, bounded) = (Stage::new().await, Bounded::new());
    let off = Options::new(|options| options.enabled(false));
    bounded.show(&stage, waiters(&stage, &[1], &off)).await;
    stage.pass(seconds(5)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![], texts(["waiting"])));
    stage.client.prefetch(Number(1));
    stage.flush().await;
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1], texts(["1 of request 1"])));
}

#[wasm_bindgen_test]
async fn what_is_gone_with_the_scope_suspends_and_comes_anew() {
    let (stage, _) = bounded(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.client.end_scope();
    stage.flush().await;
    assert_eq!((stage.seen(), stage.requests()), ((texts(["waiting"]), 1), vec![1, 1]));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 2"]), 1));
}
