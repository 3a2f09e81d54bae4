//! The example `cache-only`, as it is.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[path = "../examples/cache-only/src/main.rs"]
mod cache_only;

/// The page's `fetch` answers with what the example's server would.
#[wasm_bindgen_test]
async fn the_example_fetches_once_and_shows_it() {
    let window = web_sys::window().unwrap();
    let body = window.document().unwrap().body().unwrap();
    let asked = Rc::new(Cell::new(0));
    let fetch = Closure::<dyn FnMut(JsValue) -> Promise<web_sys::Response>>::new({
        let asked = asked.clone();
        move |url: JsValue| {
            assert_eq!(url.as_string().as_deref(), Some("greeting.txt"));
            asked.set(asked.get() + 1);
            let text = include_str!("../examples/cache-only/greeting.txt");
            Promise::resolve(&web_sys::Response::new_with_opt_str(Some(text)).unwrap())
        }
    });
    let before = Reflect::get(&window, &"fetch".into()).unwrap();
    Reflect::set(&window, &"fetch".into(), fetch.as_ref().unchecked_ref()).unwrap();
    // What the test's own page shows is put back: the result is read from it.
    let page: Vec<web_sys::Node> = std::iter::from_fn(|| {
        let child = body.first_child()?;
        Some(body.remove_child(&child).unwrap())
    })
    .collect();

    cache_only::main();
    yew::scheduler::flush().await;
    let first = body.text_content().unwrap();
    // The answer's text comes in no particular number of turns: the page's next change is waited for.
    let changed = js_sys::Function::new_no_args(
        "return new Promise(told => new MutationObserver(told)
            .observe(document.body, { childList: true, subtree: true, characterData: true }))",
    );
    let changed = changed.call0(&JsValue::NULL).unwrap().unchecked_into::<Promise>();
    JsFuture::from(changed).await.unwrap();
    yew::scheduler::flush().await;
    let shown = body.text_content().unwrap();

    body.set_text_content(None);
    for node in page {
        body.append_child(&node).unwrap();
    }
    Reflect::set(&window, &"fetch".into(), &before).unwrap();
    assert_eq!((first.as_str(), shown.trim(), asked.get()), ("Loading…", "Hello from a file.", 1));
}
