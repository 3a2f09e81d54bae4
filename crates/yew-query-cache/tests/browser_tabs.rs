//! Several tabs share a cache over real channels and real locks. Three clients of one page stand for three tabs: each
//! has a channel of its own, and the browser's locks are as much between them as between pages.
#![cfg(all(target_arch = "wasm32", feature = "tabs"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::{Options, Stage, View};
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// A name that no other test, and no test before, has used.
fn fresh(name: &str) -> String {
    format!("{name} {}", js_sys::Math::random())
}

fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap()
}

fn locks() -> JsValue {
    get(&get(&js_sys::global(), "navigator"), "locks")
}

/// The locks whose names begin so: how many are `held`, or `pending`. Asked of the browser, after all that was asked
/// before.
async fn count(what: &str, prefix: &str) -> usize {
    let query: Function = get(&locks(), "query").unchecked_into();
    let promise: Promise = query.call0(&locks()).unwrap().unchecked_into();
    let list: Array = get(&JsFuture::from(promise).await.unwrap(), what).unchecked_into();
    list.iter().filter(|lock| get(lock, "name").as_string().unwrap().starts_with(prefix)).count()
}

async fn held_and_pending(prefix: &str) -> (usize, usize) {
    (count("held", prefix).await, count("pending", prefix).await)
}

/// Everything said so far on this channel has been heard.
async fn delivered(name: &str) {
    let (here, there) = (Broadcast::new(name), Broadcast::new(name));
    let promise = Promise::new(&mut |resolve, _| {
        there.listen(Rc::new(move |message| {
            if message == "the end" {
                resolve.call0(&JsValue::UNDEFINED).unwrap();
            }
        }));
    });
    here.post("the end");
    JsFuture::from(promise).await.unwrap();
}

/// One app's tabs.
struct Lab(String, Cell<u64>);

impl Lab {
    fn new() -> Lab {
        Lab(fresh("tabs"), Cell::default())
    }

    async fn open(&self, name: &str, build: &str) -> Stage {
        self.1.set(self.1.get() + 1);
        let stage = Stage::with_seed(self.1.get()).await;
        stage.client.name_scope(ScopeName::new(name));
        stage.client.share_with_tabs(browser_tabs(&self.0, build));
        stage
    }

    /// Until there is nothing more to hear, to be given or to run. No time passes in the tabs.
    async fn settle(&self, tabs: &[&Stage]) {
        for _ in 0..4 {
            for tab in tabs {
                tab.flush().await;
            }
            delivered(&self.0).await;
            count("held", &self.0).await;
        }
        for tab in tabs {
            tab.flush().await;
        }
    }

    async fn pass(&self, tabs: &[&Stage], millis: u64) {
        for tab in tabs {
            tab.pass(std::time::Duration::from_millis(millis)).await;
        }
        self.settle(tabs).await;
    }

    /// Three tabs of Ada's that know of each other.
    async fn three(&self) -> [Stage; 3] {
        let mut tabs = Vec::new();
        for _ in 0..3 {
            tabs.push(self.open("ada", "1").await);
        }
        self.settle(&tabs.iter().collect::<Vec<_>>()).await;
        tabs.try_into().ok().unwrap()
    }
}

async fn show(tab: &Stage, id: u32) {
    let options = Options::new(QueryOptions::dehydrated);
    tab.show(html! { <View {id} renders={tab.renders.clone()} {options} /> }).await;
}

fn requests(tabs: &[&Stage]) -> usize {
    tabs.iter().map(|tab| tab.requests().len()).sum()
}

fn texts(tabs: &[&Stage]) -> Vec<String> {
    tabs.iter().flat_map(|tab| tab.texts()).collect()
}

#[wasm_bindgen_test]
async fn of_three_tabs_one_fetches_and_all_show_it() {
    let lab = Lab::new();
    let tabs = lab.three().await;
    let tabs = tabs.each_ref();
    for tab in tabs {
        show(tab, 7).await;
    }
    lab.settle(&tabs).await;
    // They have asked each other, and nobody has it.
    lab.pass(&tabs, 50).await;
    assert_eq!((requests(&tabs), texts(&tabs)), (1, vec!["pending".to_owned(); 3]));
    lab.pass(&tabs, 1_000).await;
    assert_eq!((requests(&tabs), texts(&tabs)), (1, vec!["7 of request 1".to_owned(); 3]));
    // Nobody holds anything but the first of all tabs.
    assert_eq!(held_and_pending(&lab.0).await, (1, 2));
}
