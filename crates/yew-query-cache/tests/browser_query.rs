//! `use_query`: what it shows, in how many renders, and what it asks the server for.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Handle, Number, Renders, Stage, texts, views, words};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn pending_then_ready_in_two_renders() {
    let stage = Stage::with(&[1]).await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1));
    assert_eq!(stage.requests(), [1], "asked for in the first render");
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 1));
}

#[wasm_bindgen_test]
async fn data_that_is_there_and_fresh_is_shown_in_the_first_render_and_not_fetched() {
    let stage = Stage::new().await;
    stage.client.set_data(&Number(1), "written".to_owned());
    stage.views(&[1]).await;
    assert_eq!(stage.seen(), (texts(["written"]), 1));
    stage.pass(seconds(5)).await;
    assert_eq!((stage.requests(), stage.renders.take()), (vec![], 0));
}

#[wasm_bindgen_test]
async fn a_failure_shows_the_retry_then_the_verdict_then_a_button_that_works() {
    let stage = Stage::with(&[1]).await;
    stage.renders.take();
    stage.fail(["busy", "still busy"]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["attempt 1 of 2 failed: busy"]), 1));
    // The wait is drawn from up to a second; the attempt after it takes one.
    stage.world.advance(seconds(1));
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1), "the second attempt is under way");
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1, 1], (texts(["failed: still busy"]), 1)));

    stage.click().await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1));
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests().len(), stage.seen()), (3, (texts(["1 of request 3"]), 1)));
}

#[wasm_bindgen_test]
async fn a_refresh_that_fails_leaves_the_data_and_says_so() {
    let stage = Stage::with(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    stage.fail(["gone", "gone for good"]);
    stage.client.invalidate(&Number(1));
    stage.flush().await;
    assert_eq!((stage.requests(), stage.renders.take()), (vec![1, 1], 0), "a refresh renders nobody");
    stage.pass(seconds(5)).await;
    assert_eq!(stage.texts(), ["1 of request 1 (gone for good)"]);
}

#[wasm_bindgen_test]
async fn a_button_pressed_while_a_retry_is_waited_for_does_not_wait() {
    let stage = Stage::with(&[1]).await;
    stage.fail(["refused"]);
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1], texts(["attempt 1 of 2 failed: refused"])));
    stage.click().await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1, 1], texts(["pending"])), "no time has passed");
    stage.pass(seconds(60)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1, 1], texts(["1 of request 2"])));
}

#[wasm_bindgen_test]
async fn three_components_one_of_them_late_are_one_request() {
    let stage = Stage::with(&[1, 1]).await;
    stage.pass(Duration::from_millis(200)).await;
    stage.views(&[1, 1, 1]).await;
    assert_eq!(stage.renders.take(), 3, "each has rendered once");
    stage.pass(Duration::from_millis(800)).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1], (texts(["1 of request 1"; 3]), 3)));
}

#[wasm_bindgen_test]
async fn another_key_shows_in_the_same_render_and_late_answers_stay_away() {
    let stage = Stage::with(&[1]).await;
    stage.pass(Duration::from_millis(500)).await;
    stage.renders.take();
    stage.views(&[2]).await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1));
    assert_eq!((stage.requests(), stage.aborted()), (vec![1, 2], 1));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["pending"]), 0));
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["2 of request 1"]), 1));

    // Back to a key whose data is there: shown in the render that asks.
    stage.client.set_data(&Number(1), "written".to_owned());
    stage.views(&[1]).await;
    assert_eq!(stage.seen(), (texts(["written"]), 1));
    stage.click().await;
    assert_eq!(stage.requests(), [1, 2, 1], "the button follows the key");
}

#[wasm_bindgen_test]
async fn an_answer_to_the_old_key_reaches_only_those_who_still_ask_for_it() {
    let stage = Stage::with(&[1, 1]).await;
    stage.pass(Duration::from_millis(500)).await;
    stage.views(&[1, 2]).await;
    assert_eq!((stage.requests(), stage.aborted()), (vec![1, 2], 0), "the other one still wants it");
    stage.renders.take();
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1", "pending"]), 1), "the late answer renders one");
    stage.pass(Duration::from_millis(500)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1", "2 of request 1"]), 1));
}

#[wasm_bindgen_test]
async fn unmounting_while_loading_aborts_the_request_when_the_last_one_leaves_and_only_then() {
    let stage = Stage::with(&[1, 1, 1]).await;
    for left in [&[1, 1][..], &[1]] {
        stage.views(left).await;
        assert_eq!((stage.aborted(), stage.client.observer_count()), (0, left.len()));
    }
    stage.views(&[]).await;
    assert_eq!((stage.aborted(), stage.client.observer_count(), stage.world.task_count()), (1, 0, 0));
    stage.renders.take();
    stage.pass(seconds(5)).await;
    assert_eq!((stage.client.get_data(&Number(1)), stage.renders.take()), (None, 0));
}

#[wasm_bindgen_test]
async fn mounted_unmounted_and_mounted_again_is_one_request_at_a_time() {
    let stage = Stage::with(&[1]).await;
    stage.pass(Duration::from_millis(900)).await;
    stage.views(&[]).await;
    stage.views(&[1]).await;
    assert_eq!((stage.requests(), stage.aborted()), (vec![1, 1], 1));
    stage.renders.take();
    stage.pass(Duration::from_millis(900)).await;
    assert_eq!(stage.seen(), (texts(["pending"]), 0), "the first answer would have come");
    stage.pass(Duration::from_millis(100)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 2"]), 1));

    // What is fresh is neither fetched nor pending when it is mounted again.
    stage.views(&[]).await;
    stage.views(&[1]).await;
    assert_eq!((stage.requests().len(), stage.seen()), (2, (texts(["1 of request 2"]), 1)));
}

#[wasm_bindgen_test]
async fn one_that_leaves_in_the_render_in_which_another_comes_hands_the_fetch_on() {
    let stage = Stage::new().await;
    stage.show(html! { <div>{views(&[1], &stage.renders)}</div> }).await;
    stage.show(html! { <section>{views(&[1], &stage.renders)}</section> }).await;
    assert_eq!((stage.requests(), stage.aborted()), (vec![1], 0));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 3), "each pending, the second one ready");
}

#[wasm_bindgen_test]
async fn a_refresh_is_seen_only_by_those_who_ask() {
    for (activity, renders) in [(false, 1), (true, 2)] {
        let stage = Stage::new().await;
        let view = html! { <common::View id=1 renders={stage.renders.clone()} {activity} /> };
        stage.show(view).await;
        stage.pass(seconds(1)).await;
        stage.renders.take();
        stage.click().await;
        let busy = if activity { "1 of request 1 (fetching)" } else { "1 of request 1" };
        assert_eq!(stage.texts(), [busy]);
        stage.pass(seconds(1)).await;
        assert_eq!(stage.seen(), (texts(["1 of request 2"]), renders));
    }
}

#[wasm_bindgen_test]
async fn what_changes_elsewhere_renders_nobody_here_and_a_batch_renders_once() {
    let stage = Stage::with(&[1, 2]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    for data in 0..10 {
        stage.client.set_data(&Number(3), data.to_string());
    }
    stage.flush().await;
    assert_eq!(stage.renders.take(), 0);
    for data in 0..10 {
        stage.client.set_data(&Number(1), data.to_string());
    }
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["9", "2 of request 1"]), 1), "all writes of one turn are one render");
    stage.client.batch(|| {
        stage.client.set_data(&Number(1), "begun".to_owned());
        stage.world.run();
        stage.client.set_data(&Number(2), "two".to_owned());
        stage.client.set_data(&Number(1), "one".to_owned());
        stage.world.run();
    });
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["one", "two"]), 2), "one for each of the two");
}

#[derive(Clone, PartialEq, Properties)]
struct KeeperProps {
    renders: Renders,
    kept: Handle<UseQuery<Number>>,
}

#[component]
fn Keeper(props: &KeeperProps) -> Html {
    props.renders.count();
    let number = use_query(Number(1));
    let text = words(number.state());
    if let Some(client) = use_query_client().ok().filter(|_| text == "1 of request 1") {
        // A write within the render: what was found stays what it was.
        client.set_data(&Number(1), "newer".to_owned());
    }
    let again = words(number.state());
    props.kept.put(number);
    html! { <span>{text}{" = "}{again}</span> }
}

#[wasm_bindgen_test]
async fn what_was_found_is_what_it_was_in_that_render_and_its_handle_keeps_nothing_alive() {
    let stage = Stage::new().await;
    let kept = Handle::default();
    stage.show(html! { <Keeper renders={stage.renders.clone()} kept={kept.clone()} /> }).await;
    let pending = kept.get();
    stage.world.advance(seconds(1));
    stage.world.run();
    yew::scheduler::flush().await;
    assert_eq!(stage.seen(), (texts(["1 of request 1 = 1 of request 1"]), 2));
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["newer = newer"]), 1));
    assert_eq!(words(pending.state()), "pending", "of that render for good");

    stage.show(html! {}).await;
    assert_eq!(stage.client.observer_count(), 0);
    kept.get().refetch();
    assert!(!kept.get().is_fetching());
    stage.flush().await;
    assert_eq!(stage.requests(), [1], "the component is gone");
}

#[component]
fn Inline(props: &KeeperProps) -> Html {
    props.renders.count();
    let server = use_context::<u32>().unwrap_or_default();
    let number = use_query(query(query_key!["inline"], async move |_| Ok::<_, String>(server + 1)));
    html! { <span>{words(number.state())}</span> }
}

#[wasm_bindgen_test]
async fn a_query_on_the_spot_and_a_new_closure_in_each_render_are_one_query() {
    let stage = Stage::new().await;
    let props = KeeperProps { renders: stage.renders.clone(), kept: Handle::default() };
    stage.show(html! { <><Inline ..props.clone() /><Inline ..props /></> }).await;
    assert_eq!(stage.seen(), (texts(["1", "1"]), 4), "pending, then the answer, in two renders each");
    assert_eq!(stage.client.query_count(), 1);
}
