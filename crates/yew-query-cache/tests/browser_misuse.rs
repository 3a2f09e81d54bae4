//! Hooks outside of a provider. One test, since what it counts is counted once per page.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Number, Stage, views};
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// What is written to the console as an error while this lives.
struct Errors {
    seen: Rc<RefCell<Vec<String>>>,
    before: JsValue,
    _listener: Closure<dyn FnMut(JsValue)>,
}

impl Errors {
    fn console() -> JsValue {
        js_sys::Reflect::get(&js_sys::global(), &"console".into()).unwrap()
    }

    fn listen() -> Errors {
        let seen: Rc<RefCell<Vec<String>>> = Rc::default();
        let listener = Closure::<dyn FnMut(JsValue)>::new({
            let seen = seen.clone();
            move |error: JsValue| seen.borrow_mut().push(error.as_string().unwrap_or_default())
        });
        let before = js_sys::Reflect::get(&Errors::console(), &"error".into()).unwrap();
        js_sys::Reflect::set(&Errors::console(), &"error".into(), listener.as_ref()).unwrap();
        Errors { seen, before, _listener: listener }
    }

    fn take(&self) -> Vec<String> {
        self.seen.take()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        js_sys::Reflect::set(&Errors::console(), &"error".into(), &self.before).unwrap();
    }
}

#[component]
fn Client() -> Html {
    let client = use_query_client();
    html! { <i>{format!("{client:?}")}</i> }
}

#[component]
fn Select() -> Html {
    let length = use_query_select(Number(1), String::len);
    length.refetch();
    html! { <i>{format!("{:?} {}", length.selected(), common::words(length.state()))}</i> }
}

#[component]
fn List() -> Html {
    let numbers = use_queries([Number(1), Number(2)]);
    numbers.iter().for_each(UseQuery::refetch);
    html! { <i>{numbers.iter().map(|number| common::words(number.state())).collect::<String>()}</i> }
}

#[component]
fn Suspends() -> HtmlResult {
    let number = use_suspense_query(Number(1))?;
    Ok(html! { <i>{number.err().map(|error| error.to_string())}</i> })
}

#[component]
fn Others() -> Html {
    use_prefetch(Number(1));
    let count = use_is_fetching(QueryFilter::all());
    let saving = use_is_mutating(MutationFilter::all());
    let calls = use_mutation_state(MutationFilter::all(), |_| ());
    let save =
        use_mutation(mutation("save", async |(): &(), _| -> Result<(), String> { panic!("not sent") }));
    save.mutate(());
    save.mutate_then((), |outcome| assert!(matches!(outcome, Err(MutationError::Misuse(Misuse::NoClient)))));
    assert!(matches!(save.state(), MutationState::Error { error: MutationError::Misuse(_) }));
    assert!(saving == 0 && calls.is_empty() && !save.is_pending() && save.details().is_none());
    let number = use_query(Number(1));
    use_query_effect(&number, |_| panic!("there was no result"));
    assert!(!number.is_fetching() && !number.is_stale() && number.details().is_none());
    html! { <i>{count}</i> }
}

/// Whether each hook told once, and said what to do about it.
fn told(errors: &Errors, hooks: &[&str]) {
    let mut told = errors.take();
    told.sort();
    assert_eq!(told.len(), hooks.len(), "{told:?}");
    for (told, hook) in told.iter().zip(hooks) {
        assert!(told.starts_with(&format!("{hook}: ")) && told.contains("QueryClientProvider"), "{told}");
    }
}

#[wasm_bindgen_test]
async fn outside_of_a_provider_every_hook_says_so_in_its_result_and_once_in_the_console() {
    let errors = Errors::listen();
    let stage = Stage::new().await;
    stage.show_bare(views(&[1, 2, 3], &stage.renders)).await;
    assert_eq!(stage.texts().len(), 3);
    assert!(stage.texts().iter().all(|text| text.starts_with("failed: there is no query client")));
    stage.click().await;
    stage.pass(seconds(60)).await;
    assert_eq!((stage.requests().len(), stage.renders.take()), (0, 3));
    told(&errors, &["use_query"]);

    // Neither a later mount nor another app tells again.
    stage.show_bare(views(&[4, 5], &stage.renders)).await;
    drop(stage);
    let stage = Stage::new().await;
    stage.show_bare(views(&[1], &stage.renders)).await;
    assert_eq!(stage.texts().len(), 1);
    told(&errors, &[]);

    // The other hooks have their own.
    let all = || {
        html! {
            <>
                <Client /><Select /><List />
                <QueryErrorBoundary failed={Callback::from(|_| panic!("a mistake is the component's to show"))}>
                    <Suspends />
                </QueryErrorBoundary>
                <Others />
            </>
        }
    };
    stage.show_bare(html! { <>{all()}{all()}</> }).await;
    let shown: Vec<String> = stage.all("i").iter().map(|i| i.text_content().unwrap()).collect();
    let failed = "there is no query client";
    assert_eq!(shown.len(), 10, "{shown:?}");
    assert_eq!(shown[0], "Err(NoClient)");
    assert!(shown[1].starts_with(&format!("None failed: {failed}")), "{shown:?}");
    assert_eq!(shown[2].matches(failed).count(), 2, "{shown:?}");
    assert!(shown[3].starts_with(failed), "{shown:?}");
    assert_eq!(shown[4], "0");
    let others = ["use_is_fetching", "use_is_mutating", "use_mutation", "use_mutation_state", "use_prefetch"];
    let queries = ["use_queries", "use_query_client", "use_query_select", "use_suspense_query"];
    told(&errors, &[&others[..], &queries].concat());
}
