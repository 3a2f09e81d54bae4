//! Several tabs share a cache over real channels and real locks. Three clients of one page stand for three tabs: each
//! has a channel of its own, and the browser's locks are as much between them as between pages.
#![cfg(all(target_arch = "wasm32", feature = "tabs"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::browser::{Replaced, count, delivered, fresh, held_and_pending, kill, names, worker};
use common::{Options, Stage, View};
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

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

/// All tabs show the number, and one of them asks for it. Which?
async fn fetching(lab: &Lab, tabs: &[&Stage], id: u32) -> usize {
    for tab in tabs {
        show(tab, id).await;
    }
    lab.settle(tabs).await;
    lab.pass(tabs, 50).await;
    assert_eq!(requests(tabs), 1);
    tabs.iter().position(|tab| !tab.requests().is_empty()).unwrap()
}

#[wasm_bindgen_test]
async fn when_the_one_that_fetches_is_gone_the_next_takes_over() {
    let lab = Lab::new();
    let mut tabs = Vec::from(lab.three().await);
    let first = fetching(&lab, &tabs.iter().collect::<Vec<_>>(), 7).await;
    let gone = tabs.remove(first);
    gone.pass(seconds(0)).await;
    drop(gone);
    let tabs: Vec<_> = tabs.iter().collect();
    lab.settle(&tabs).await;
    // The others may know: it asks once more before it fetches.
    lab.pass(&tabs, 50).await;
    assert_eq!(requests(&tabs), 1, "one of them, not both");
    lab.pass(&tabs, 1_000).await;
    assert_eq!((requests(&tabs), texts(&tabs)), (1, vec!["7 of request 1".to_owned(); 2]));
}

/// A page's own client, with a fetch under way that never ends.
fn real_client(app: &str) -> (QueryClient, impl Sized) {
    let client = QueryClient::new(BrowserEnvironment::new());
    client.name_scope(ScopeName::new("ada"));
    client.share_with_tabs(browser_tabs(app, "1"));
    let never = query(query_key!["never"], async |_| std::future::pending::<Result<String, String>>().await);
    let watched = client.observe(never.with_options(QueryOptions::dehydrated), || {});
    (client, watched)
}

#[wasm_bindgen_test]
async fn a_client_that_is_dropped_holds_nothing() {
    let app = fresh("dropped");
    let client = real_client(&app);
    while held_and_pending(&app).await != (2, 0) {}
    drop(client);
    assert_eq!(held_and_pending(&app).await, (0, 0), "neither its turn nor the place of the first");
}

#[wasm_bindgen_test]
async fn an_invalidation_is_one_fetch_for_all() {
    let lab = Lab::new();
    let tabs = lab.three().await;
    let tabs = tabs.each_ref();
    fetching(&lab, &tabs, 7).await;
    lab.pass(&tabs, 1_000).await;
    assert_eq!((requests(&tabs), texts(&tabs)), (1, vec!["7 of request 1".to_owned(); 3]));
    tabs[2].client.invalidate(QueryFilter::prefix(query_key!["number"]));
    lab.settle(&tabs).await;
    lab.pass(&tabs, 50).await;
    lab.pass(&tabs, 1_000).await;
    assert_eq!(requests(&tabs), 2);
    let texts = texts(&tabs);
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    // A write, too.
    tabs[1].client.set_data(&common::Number(7), "written".to_owned());
    lab.settle(&tabs).await;
    assert_eq!((requests(&tabs), self::texts(&tabs)), (2, vec!["written".to_owned(); 3]));
}

#[wasm_bindgen_test]
async fn the_end_of_the_scope_in_one_is_its_end_in_all_of_the_same_name() {
    let lab = Lab::new();
    let [one, two] = [lab.open("ada", "1").await, lab.open("ada", "1").await];
    let other = lab.open("grace", "1").await;
    let tabs = [&one, &two, &other];
    lab.settle(&tabs).await;
    for tab in tabs {
        show(tab, 7).await;
    }
    for millis in [50, 1_000] {
        lab.settle(&tabs).await;
        lab.pass(&tabs, millis).await;
    }
    assert_eq!((requests(&tabs), texts(&tabs)), (2, vec!["7 of request 1".to_owned(); 3]));
    one.client.end_scope();
    lab.settle(&tabs).await;
    assert_eq!(two.client.scope_name(), None);
    assert_eq!(texts(&tabs), ["pending", "pending", "7 of request 1"]);
}

#[wasm_bindgen_test]
async fn two_builds_side_by_side_do_not_hear_each_other() {
    let lab = Lab::new();
    let [old, new] = [lab.open("ada", "1").await, lab.open("ada", "2").await];
    let tabs = [&old, &new];
    lab.settle(&tabs).await;
    for tab in tabs {
        show(tab, 7).await;
    }
    lab.settle(&tabs).await;
    assert_eq!(requests(&tabs), 2, "each its own, and none waits");
    lab.pass(&tabs, 1_000).await;
    old.client.invalidate(QueryFilter::all());
    old.client.set_data(&common::Number(7), "old".to_owned());
    old.client.end_scope();
    lab.settle(&tabs).await;
    assert_eq!((new.texts(), new.requests().len()), (vec!["7 of request 1".to_owned()], 1));
}

#[wasm_bindgen_test]
async fn two_apps_of_one_origin_do_not_hear_each_other() {
    let heard = Rc::new(Cell::new(0));
    let (one, other) = (fresh("one"), fresh("other"));
    let here = Broadcast::new(&one);
    let count = heard.clone();
    here.listen(Rc::new(move |_| count.set(count.get() + 1)));
    Broadcast::new(&other).post("for others");
    delivered(&other).await;
    delivered(&one).await;
    assert_eq!(heard.get(), 1, "the end, and nothing else");
}

#[wasm_bindgen_test]
async fn when_the_one_that_fetches_is_killed_the_next_takes_over() {
    let lab = Lab::new();
    // What a turn is called.
    let tab = lab.open("ada", "1").await;
    show(&tab, 7).await;
    lab.settle(&[&tab]).await;
    let turn = names("held", &lab.0).await.into_iter().find(|name| name.contains("number")).unwrap();
    drop(tab);
    assert_eq!(held_and_pending(&turn).await, (0, 0));
    // It is in another thread, has its turn, and says nothing any more.
    let leader = worker(&turn).await;
    let tab = lab.open("ada", "1").await;
    show(&tab, 7).await;
    lab.settle(&[&tab]).await;
    lab.pass(&[&tab], 2_000).await;
    assert_eq!((requests(&[&tab]), tab.texts()), (0, vec!["pending".to_owned()]));
    kill(&leader);
    lab.settle(&[&tab]).await;
    lab.pass(&[&tab], 1_000).await;
    assert_eq!((requests(&[&tab]), tab.texts()), (1, vec!["7 of request 1".to_owned()]));
}

#[wasm_bindgen_test]
async fn without_locks_each_tab_fetches_and_all_are_told() {
    let navigator = js_sys::Reflect::get(&js_sys::global(), &"navigator".into()).unwrap();
    let replaced = Replaced::new(&navigator, "locks", &JsValue::UNDEFINED);
    let lab = Lab::new();
    let [one, two] = [lab.open("ada", "1").await, lab.open("ada", "1").await];
    drop(replaced);
    let tabs = [&one, &two];
    lab.settle(&tabs).await;
    for tab in tabs {
        show(tab, 7).await;
    }
    lab.pass(&tabs, 50).await;
    assert_eq!(requests(&tabs), 2);
    lab.pass(&tabs, 1_000).await;
    lab.pass(&tabs, 1).await;
    one.client.set_data(&common::Number(7), "written".to_owned());
    lab.settle(&tabs).await;
    assert_eq!((requests(&tabs), texts(&tabs)), (2, vec!["written".to_owned(); 2]));
}

#[wasm_bindgen_test]
async fn without_channels_each_tab_fetches_in_its_turn() {
    let replaced = Replaced::new(&js_sys::global(), "BroadcastChannel", &JsValue::UNDEFINED);
    let lab = Lab::new();
    let [one, two] = [lab.open("ada", "1").await, lab.open("ada", "1").await];
    drop(replaced);
    let tabs = [&one, &two];
    for tab in tabs {
        show(tab, 7).await;
    }
    for _ in 0..4 {
        lab.pass(&tabs, 1_000).await;
    }
    assert_eq!((requests(&tabs), texts(&tabs)), (2, vec!["7 of request 1".to_owned(); 2]));
}
