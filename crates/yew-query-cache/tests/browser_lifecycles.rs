//! Components that go, come back and are suspended while calls and lists are under way, and what is kept of them.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Handle, Number, Server, Stage, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// Takes a second.
struct Save;

impl Mutation for Save {
    type Variables = u32;
    type Data = String;
    type Error = String;

    fn name(&self) -> &'static str {
        "save"
    }
    async fn mutate(&self, number: &u32, cx: MutationContext) -> Result<String, String> {
        cx.get::<Server>()?.world.sleep(seconds(1)).await;
        Ok(format!("saved {number}"))
    }
}

fn words(state: &MutationState<String, String>) -> String {
    match state {
        MutationState::Idle => "idle".to_owned(),
        MutationState::Pending { .. } => "saving".to_owned(),
        MutationState::Success { data } => data.to_string(),
        MutationState::Error { error } => error.to_string(),
    }
}

#[derive(Clone, PartialEq, Properties)]
struct FormProps {
    #[prop_or_default]
    id: u32,
    #[prop_or_default]
    save: Handle<UseMutation<Save>>,
    #[prop_or_default]
    hide: Handle<Callback<()>>,
}

#[component]
fn Form(props: &FormProps) -> Html {
    let save = use_mutation(Save);
    props.save.put(save.clone());
    html! { <span>{words(save.state())}</span> }
}

/// Shows a form until it is told not to.
#[component]
fn Outer(props: &FormProps) -> Html {
    let there = use_state(|| true);
    let hide = there.clone();
    props.hide.put(Callback::from(move |()| hide.set(false)));
    if *there {
        html! { <Form save={props.save.clone()} /> }
    } else {
        html! { <span>{"gone"}</span> }
    }
}

#[wasm_bindgen_test]
async fn a_callback_may_take_its_own_component_away() {
    let stage = Stage::new().await;
    let (save, hide) = (Handle::default(), Handle::<Callback<()>>::default());
    stage.show(html! { <Outer save={save.clone()} hide={hide.clone()} /> }).await;
    let told = Rc::new(RefCell::new(Vec::new()));
    let handle: UseMutation<Save> = save.get();
    let (list, callback) = (told.clone(), hide.get());
    handle.mutate_then(1, move |outcome| {
        list.borrow_mut().push(outcome.unwrap().to_string());
        callback.emit(());
    });
    stage.pass(std::time::Duration::from_millis(500)).await;
    handle.mutate_then(2, |_| panic!("the component is gone"));
    stage.pass(std::time::Duration::from_millis(500)).await;
    stage.pass(seconds(5)).await;
    assert_eq!((stage.texts(), told.take()), (texts(["gone"]), vec!["saved 1".to_owned()]));
    // A handle that is left over still calls, and shows it to nobody.
    handle.mutate_then(3, |_| panic!("the component is gone"));
    handle.reset();
    handle.cancel();
    assert_eq!(words(handle.state()), "idle", "as it was in its render");
    stage.pass(seconds(5)).await;
    assert_eq!(stage.client.count_mutations(MutationFilter::all().status(MutationStatus::Success)), 3);
}

/// Waits for a number, and shows a call.
#[component]
fn Waits(props: &FormProps) -> HtmlResult {
    let save = use_mutation(Save);
    props.save.put(save.clone());
    let number = use_suspense_query(Number(props.id))?;
    let number = number.map_or_else(|error| error.to_string(), |number| number.data().to_string());
    Ok(html! { <span>{format!("{number}, {}", words(save.state()))}</span> })
}

#[wasm_bindgen_test]
async fn a_suspended_component_calls_and_shows_what_has_come_of_it_since() {
    let stage = Stage::new().await;
    let save = Handle::default();
    let show = async |id: u32| {
        let fallback = html! { <span>{"…"}</span> };
        let form = html! { <Waits {id} save={save.clone()} /> };
        stage.show(html! { <Suspense {fallback}>{form}</Suspense> }).await;
    };
    show(1).await;
    let handle: UseMutation<Save> = save.get();
    handle.mutate(1);
    stage.flush().await;
    assert_eq!(stage.texts(), ["…"]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["1 of request 1, saved 1"]);
    // Suspended again, while a call comes to its end and the next begins.
    save.get().mutate(2);
    stage.pass(std::time::Duration::from_millis(500)).await;
    assert_eq!(stage.texts(), ["1 of request 1, saving"]);
    show(2).await;
    stage.pass(std::time::Duration::from_millis(600)).await;
    save.get().mutate(3);
    stage.flush().await;
    assert!(stage.texts().contains(&"…".to_owned()), "{:?}", stage.texts());
    stage.pass(std::time::Duration::from_millis(400)).await;
    assert_eq!(stage.texts(), ["2 of request 1, saving"]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["2 of request 1, saved 3"]);
    stage.show(html! {}).await;
    assert_eq!(stage.client.observer_count(), 0);
}

#[derive(Clone)]
struct Pages;

impl InfiniteQuery for Pages {
    type Param = u32;
    type Data = String;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["pages"]
    }
    fn first(&self) -> u32 {
        1
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        Some(last.param + 1)
    }
    async fn fetch(&self, param: u32, cx: FetchContext) -> Result<String, String> {
        Query::fetch(&Number(param), cx).await
    }
}

/// Uses all there is: a list whose end is watched, a fold, a call, what is under way.
#[component]
fn Everything(props: &FormProps) -> Html {
    let list = use_infinite_query(Pages);
    let (end, start) = (use_node_ref(), use_node_ref());
    use_fetch_next_in_view(&end, &list);
    use_fetch_previous_in_view(&start, &list);
    let ready =
        use_combined([Number(1), Number(2)], |found| found.filter(|found| found.data().is_some()).count());
    let save = use_mutation(Save);
    props.save.put(save.clone());
    let (under_way, all) =
        (use_is_mutating(MutationFilter::all()), use_mutation_state(MutationFilter::all(), |_| 0));
    let text = format!("{} {ready} {under_way} {} {}", list.pages().len(), all.len(), words(save.state()));
    html! { <><i ref={start} /><span>{text}</span><i ref={end} /></> }
}

/// How many values of JavaScript's are held here.
fn kept() -> u32 {
    wasm_bindgen::externref_heap_live_count()
}

/// What a browser reports, it reports with a frame.
async fn frames() {
    for _ in 0..3 {
        let mut frame = |done: js_sys::Function, _| {
            web_sys::window().unwrap().request_animation_frame(&done).unwrap();
        };
        wasm_bindgen_futures::JsFuture::from(js_sys::Promise::new(&mut frame)).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn nothing_is_kept_of_components_that_were() {
    let stage = Stage::new().await;
    let round = async || {
        let save = Handle::<UseMutation<Save>>::default();
        stage.show(html! { <Everything save={save.clone()} /> }).await;
        save.get().mutate(1);
        frames().await;
        stage.pass(seconds(1)).await;
        frames().await;
        stage.show(html! {}).await;
        stage.pass(minutes(10)).await;
        frames().await;
        assert_eq!(stage.client.observer_count(), 0);
    };
    round().await;
    round().await;
    let before = kept();
    for _ in 0..5 {
        round().await;
    }
    assert_eq!(kept(), before);
}

#[cfg(feature = "persist")]
#[wasm_bindgen_test]
async fn what_is_asked_of_storage_comes_to_its_end_though_nobody_waits_and_nothing_is_kept_of_it() {
    use common::browser::Uncaught;
    use query_cache::{Change, Storage, Stored};
    let uncaught = Uncaught::listen();
    let storage = IndexedDb::new(&format!("kept {}", js_sys::Math::random()));
    let put = |text: &str| -> Rc<[Change]> {
        [Change::Put(Stored { name: "a".to_owned(), text: text.to_owned() })].into()
    };
    let round = async || {
        storage.write(put("1")).await.unwrap();
        assert_eq!(storage.get("a").await, Ok(Some("1".to_owned())));
        assert_eq!(storage.list("").await.unwrap().len(), 1);
        drop(storage.get("a"));
        drop(storage.list(""));
        drop(storage.write(put("2")));
        assert_eq!(storage.get("a").await, Ok(Some("2".to_owned())));
        drop(storage.clear(""));
        assert_eq!(storage.get("a").await, Ok(None));
        frames().await;
    };
    round().await;
    let before = kept();
    for _ in 0..5 {
        round().await;
    }
    assert_eq!((kept(), uncaught.take()), (before, vec![]));
}
