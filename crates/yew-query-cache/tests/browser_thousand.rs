//! A thousand components on a thousand queries, beside a thousand with nothing but Yew's state.
//!
//! The counts are asserted; the times are printed, not judged. `cargo test --release` has the figures that
//! mean something.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Renders, Stage};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

const COUNT: u32 = 1_000;
const ROUNDS: usize = 20;

/// Never fetched: its data is written, as an answer would be.
struct Row(u32);

impl Query for Row {
    type Data = u32;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["row", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale(StaleTime::WhenInvalidated)
    }
    async fn fetch(&self, _cx: FetchContext) -> Result<u32, String> {
        std::future::pending().await
    }
}

/// The setters of components that hold bare state.
#[derive(Clone, Default)]
struct Setters(Rc<RefCell<Vec<Option<UseStateSetter<u32>>>>>);

impl PartialEq for Setters {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RowProps {
    id: u32,
    renders: Renders,
    #[prop_or_default]
    setters: Setters,
}

#[component]
fn Cached(props: &RowProps) -> Html {
    props.renders.count();
    let row = use_query(Row(props.id));
    html! { <i>{row.data().map_or(0, |data| **data)}</i> }
}

#[component]
fn Bare(props: &RowProps) -> Html {
    props.renders.count();
    let row = use_state(|| 0);
    props.setters.0.borrow_mut()[props.id as usize].get_or_insert_with(|| row.setter());
    html! { <i>{*row}</i> }
}

fn now() -> f64 {
    web_sys::window().unwrap().performance().unwrap().now()
}

/// What one round of a kind took, in the middle: one answer, and all of them.
struct Took {
    mount: f64,
    one: f64,
    all: f64,
}

/// Sets a row, for its component to show. The whole of a tick is given at once.
type Set<'a> = &'a dyn Fn(&mut dyn Iterator<Item = (u32, u32)>);

async fn measure(stage: &Stage, rows: Html, set: Set<'_>) -> Took {
    let renders = &stage.renders;
    let started = now();
    stage.show(rows).await;
    let mount = now() - started;
    assert_eq!(renders.take(), COUNT as usize);
    let shown = |id: usize| stage.all("i")[id].text_content().unwrap();

    let (mut one, mut all) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (id, value) = ((round * 37) as u32 % COUNT, round as u32);
        let started = now();
        set(&mut std::iter::once((id, value + 1_000)));
        stage.world.run();
        yew::scheduler::flush().await;
        one.push(now() - started);
        assert_eq!((renders.take(), shown(id as usize)), (1, (value + 1_000).to_string()), "one answer");

        let started = now();
        set(&mut (0..COUNT).map(|id| (id, value)));
        stage.world.run();
        yew::scheduler::flush().await;
        all.push(now() - started);
        assert_eq!(renders.take(), COUNT as usize, "each renders once");
        assert!(stage.all("i").iter().all(|i| i.text_content().unwrap() == value.to_string()));
    }
    let middle = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    Took { mount, one: middle(one), all: middle(all) }
}

#[wasm_bindgen_test]
async fn one_answer_renders_one_of_a_thousand_and_a_thousand_render_each_once() {
    let stage = Stage::new().await;
    let rows = (0..COUNT).map(|id| html! { <Cached key={id} {id} renders={stage.renders.clone()} /> });
    let rows = html! { <>{ for rows }</> };
    for id in 0..COUNT {
        stage.client.set_data(&Row(id), 0);
    }
    let cached = measure(&stage, rows, &|rows| {
        for (id, value) in rows {
            stage.client.set_data(&Row(id), value);
        }
    })
    .await;
    assert_eq!((stage.client.query_count(), stage.client.observer_count()), (1_000, 1_000));

    let bare_stage = Stage::new().await;
    let setters = Setters(Rc::new(RefCell::new(vec![None; COUNT as usize])));
    let rows = (0..COUNT).map(|id| {
        html! { <Bare key={id} {id} renders={bare_stage.renders.clone()} setters={setters.clone()} /> }
    });
    let rows = html! { <>{ for rows }</> };
    let bare = measure(&bare_stage, rows, &|rows| {
        for (id, value) in rows {
            setters.0.borrow()[id as usize].as_ref().unwrap().set(value);
        }
    })
    .await;

    console_log!("{COUNT} components, ms   | use_query | bare use_state");
    console_log!("mounted                | {:9.3} | {:9.3}", cached.mount, bare.mount);
    console_log!("one answer, 1 render   | {:9.3} | {:9.3}", cached.one, bare.one);
    console_log!("all answers in a tick  | {:9.3} | {:9.3}", cached.all, bare.all);
}
