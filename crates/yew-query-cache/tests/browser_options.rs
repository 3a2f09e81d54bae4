//! What is each component's own: enabled, placeholder, interval; and what the world does to it: focus, network.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Handle, Number, Options, Renders, Stage, View, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

fn view(stage: &Stage, id: u32, options: &Options) -> Html {
    html! { <View {id} renders={stage.renders.clone()} options={options.clone()} /> }
}

#[wasm_bindgen_test]
async fn disabled_is_idle_and_fetches_nothing_until_it_is_enabled() {
    let stage = Stage::new().await;
    let [off, on] = [false, true].map(|on| Options::new(move |options| options.enabled(on)));
    stage.show(view(&stage, 1, &off)).await;
    stage.pass(seconds(5)).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![], (texts(["idle"]), 1)));

    stage.show(view(&stage, 1, &on)).await;
    assert_eq!((stage.requests(), stage.texts()), (vec![1], texts(["pending"])));
    assert_eq!(stage.renders.take(), 1, "pending in the very render that enables it");
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 1));

    // Disabled again it keeps what it shows, and the world is no reason to fetch; a press is.
    stage.show(view(&stage, 1, &off)).await;
    stage.pass(minutes(6)).await;
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.client.invalidate(&Number(1));
    stage.flush().await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1], (texts(["1 of request 1"]), 1)));
    stage.click().await;
    stage.pass(seconds(1)).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1, 1], (texts(["1 of request 2"]), 1)));
}

#[wasm_bindgen_test]
async fn the_disabled_see_what_others_fetch() {
    let stage = Stage::new().await;
    let off = Options::new(|options| options.enabled(false));
    let both = html! { <>{view(&stage, 1, &off)}{view(&stage, 1, &Options::default())}</> };
    stage.show(both).await;
    assert_eq!(stage.requests(), [1]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["1 of request 1"; 2]);
}

#[wasm_bindgen_test]
async fn the_previous_data_is_kept_across_quick_key_switches() {
    let stage = Stage::new().await;
    let keep = Options::new(|options| options.keep_previous(true));
    stage.show(view(&stage, 1, &keep)).await;
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 2));
    for id in [2, 3, 4] {
        stage.pass(Duration::from_millis(300)).await;
        stage.show(view(&stage, id, &keep)).await;
        assert_eq!(stage.seen(), (texts(["1 of request 1?"]), 1), "a placeholder while {id} is fetched");
    }
    assert_eq!((stage.requests(), stage.aborted()), (vec![1, 2, 3, 4], 2));
    stage.pass(Duration::from_millis(999)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1?"]), 0));
    stage.pass(Duration::from_millis(1)).await;
    assert_eq!(stage.seen(), (texts(["4 of request 1"]), 1));
    stage.show(view(&stage, 1, &keep)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 1), "its own data is no placeholder");
}

#[wasm_bindgen_test]
async fn a_placeholder_is_shown_meanwhile_and_is_not_in_the_cache() {
    let stage = Stage::new().await;
    let options = Options::new(|options| options.placeholder(|| Some("soon".to_owned())));
    stage.show(view(&stage, 1, &options)).await;
    assert_eq!((stage.seen(), stage.client.get_data(&Number(1))), ((texts(["soon?"]), 1), None));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 1));
}

#[wasm_bindgen_test]
async fn being_seen_again_fetches_what_is_stale_and_only_that() {
    let stage = Stage::with(&[1]).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    for (passed, requests) in [(minutes(4), 1), (minutes(2), 2)] {
        stage.client.set_focused(false);
        stage.pass(passed).await;
        stage.client.set_focused(true);
        stage.flush().await;
        assert_eq!((stage.requests().len(), stage.renders.take()), (requests, 0));
    }
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 2"]), 1));
}

#[wasm_bindgen_test]
async fn without_a_network_nothing_is_sent_and_its_return_sends_it() {
    let stage = Stage::new().await;
    stage.client.set_online(false);
    stage.views(&[1]).await;
    assert_eq!((stage.requests(), stage.seen()), (vec![], (texts(["paused"]), 1)));
    stage.client.set_online(true);
    stage.flush().await;
    assert_eq!((stage.requests(), stage.seen()), (vec![1], (texts(["pending"]), 1)));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1 of request 1"]), 1));

    // Its return is a reason to fetch what has become stale.
    stage.client.set_online(false);
    stage.pass(minutes(6)).await;
    stage.client.set_online(true);
    stage.flush().await;
    assert_eq!((stage.requests(), stage.renders.take()), (vec![1, 1], 0));
}

#[wasm_bindgen_test]
async fn an_interval_fetches_while_the_page_is_seen() {
    let stage = Stage::new().await;
    let options = Options::new(|options| options.interval(seconds(10)));
    stage.show(view(&stage, 1, &options)).await;
    stage.pass(seconds(1)).await;
    stage.renders.take();
    for requests in [2, 3] {
        stage.pass(Duration::from_millis(9_999)).await;
        assert_eq!((stage.requests().len(), stage.renders.take()), (requests - 1, 0));
        stage.pass(Duration::from_millis(1)).await;
        assert_eq!(stage.requests().len(), requests);
        stage.pass(seconds(1)).await;
        assert_eq!(stage.seen(), (vec![format!("1 of request {requests}")], 1));
    }
    stage.client.set_focused(false);
    stage.pass(minutes(1)).await;
    assert_eq!((stage.requests().len(), stage.renders.take()), (3, 0), "not while it is hidden");
    stage.client.set_focused(true);
    stage.pass(seconds(10)).await;
    assert_eq!(stage.requests().len(), 4);
    stage.show(html! {}).await;
    stage.pass(minutes(1)).await;
    assert_eq!(stage.requests().len(), 4, "not when it is unmounted");
}

#[wasm_bindgen_test]
async fn an_interval_goes_on_while_hidden_where_that_is_asked_for() {
    let stage = Stage::new().await;
    let options = Options::new(|options| options.interval(seconds(10)).interval_in_background(true));
    stage.show(view(&stage, 1, &options)).await;
    stage.pass(seconds(1)).await;
    stage.client.set_focused(false);
    stage.pass(seconds(11)).await;
    assert_eq!((stage.requests().len(), stage.texts()), (2, texts(["1 of request 2"])));
}

#[derive(Clone, PartialEq, Properties)]
struct AskerProps {
    renders: Renders,
    /// What it asks for.
    asks: &'static str,
    seen: Handle<String>,
}

#[component]
fn Asker(props: &AskerProps) -> Html {
    props.renders.count();
    let number = use_query(Number(1));
    props.seen.put(match props.asks {
        "stale" => format!("{}", number.is_stale()),
        "details" => {
            let details = number.details();
            details.map_or("none".to_owned(), |d| format!("{} {:?}", d.data_updates, d.fetch_status))
        }
        _ => String::new(),
    });
    html! {}
}

#[wasm_bindgen_test]
async fn what_is_asked_for_is_tracked_and_what_is_not_is_not() {
    let asked = [
        ("", [("", 0), ("", 0), ("", 1)]),
        ("stale", [("true", 1), ("true", 0), ("false", 1)]),
        ("details", [("1 Idle", 0), ("1 Fetching", 1), ("2 Idle", 1)]),
    ];
    for (asks, [old, refreshed, answered]) in asked {
        let stage = Stage::new().await;
        let seen = Handle::default();
        stage.show(html! { <Asker renders={stage.renders.clone()} {asks} seen={seen.clone()} /> }).await;
        stage.pass(seconds(1)).await;
        let seen = || (seen.get(), stage.renders.take());
        assert_eq!(seen().1, 2, "{asks}: pending, ready");
        let expected = |(text, renders): (&str, usize)| (text.to_owned(), renders);
        stage.pass(minutes(5)).await;
        assert_eq!(seen(), expected(old), "{asks}");
        stage.client.refetch(&Number(1));
        stage.flush().await;
        assert_eq!(seen(), expected(refreshed), "{asks}");
        stage.pass(seconds(1)).await;
        assert_eq!(seen(), expected(answered), "{asks}");
    }
}
