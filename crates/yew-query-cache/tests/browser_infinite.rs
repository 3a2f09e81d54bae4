//! `use_infinite_query`, and the next page when the end of the list comes into view.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::rc::Rc;
use std::time::Duration;

use common::{Handle, Number, Renders, Stage, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// Nine pages of a list, each what the server says to a number.
#[derive(Clone, PartialEq)]
struct Numbers {
    first: u32,
    most: Option<usize>,
}

const NUMBERS: Numbers = Numbers { first: 3, most: None };

impl InfiniteQuery for Numbers {
    type Param = u32;
    type Data = String;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["numbers", self.first]
    }
    fn first(&self) -> u32 {
        self.first
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        (last.param < 9).then_some(last.param + 1)
    }
    fn previous(&self, first: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        (first.param > 1).then(|| first.param - 1)
    }
    fn max_pages(&self) -> Option<usize> {
        self.most
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        defaults.retry(0).stale_after(minutes(5))
    }
    async fn fetch(&self, param: u32, cx: FetchContext) -> Result<String, String> {
        Query::fetch(&Number(param), cx).await
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ListProps {
    list: Numbers,
    renders: Renders,
    #[prop_or_default]
    page_renders: Renders,
    #[prop_or_default]
    handle: Handle<UseInfiniteQuery<Numbers>>,
    /// Fetches as the ends come into view; how high a page is.
    #[prop_or_default]
    height: Option<u32>,
}

#[derive(Clone, Properties)]
struct RowProps {
    data: Rc<String>,
    renders: Renders,
    height: u32,
}

impl PartialEq for RowProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.data, &other.data)
    }
}

#[component]
fn Row(props: &RowProps) -> Html {
    props.renders.count();
    html! { <span style={format!("display: block; height: {}px", props.height)}>{&*props.data}</span> }
}

#[component]
fn List(props: &ListProps) -> Html {
    props.renders.count();
    let list = use_infinite_query(props.list.clone());
    let end = use_node_ref();
    use_fetch_next_in_view(&(if props.height.is_some() { end.clone() } else { NodeRef::default() }), &list);
    props.handle.put(list.clone());
    let rows = list.pages().iter().map(|page| {
        let (data, renders) = (page.data.clone(), props.page_renders.clone());
        html! { <Row key={page.param} {data} {renders} height={props.height.unwrap_or(1)} /> }
    });
    let coming = match (list.is_fetching_previous(), list.is_fetching_next(), list.next_error()) {
        (true, ..) => "previous",
        (_, true, _) => "next",
        (.., Some(_)) => "failed",
        _ => "",
    };
    let next = {
        let list = list.clone();
        Callback::from(move |_: MouseEvent| list.fetch_next())
    };
    html! { <><button onclick={next} /><div>{ for rows }</div><i ref={end}>{coming}</i></> }
}

struct Shown {
    stage: Stage,
    pages: Renders,
    handle: Handle<UseInfiniteQuery<Numbers>>,
}

impl Shown {
    async fn new(list: Numbers, height: Option<u32>) -> Shown {
        let shown = Shown { stage: Stage::new().await, pages: Renders::default(), handle: Handle::default() };
        shown.show(list, height).await;
        shown
    }

    async fn show(&self, list: Numbers, height: Option<u32>) {
        let (renders, handle) = (self.stage.renders.clone(), self.handle.clone());
        let page_renders = self.pages.clone();
        self.stage.show(html! { <List {list} {renders} {page_renders} {handle} {height} /> }).await;
    }

    /// How often the list, and its rows, rendered since this was last asked.
    fn renders(&self) -> (usize, usize) {
        (self.stage.renders.take(), self.pages.take())
    }

    fn coming(&self) -> String {
        self.stage.all("i")[0].text_content().unwrap()
    }
}

#[wasm_bindgen_test]
async fn a_list_renders_for_what_it_shows_and_a_row_for_its_own_page() {
    let shown = Shown::new(NUMBERS, None).await;
    let stage = &shown.stage;
    assert_eq!((stage.requests(), shown.renders()), (vec![3], (1, 0)), "asked for in the first render");
    stage.pass(seconds(1)).await;
    assert_eq!((stage.texts(), shown.renders()), (texts(["3 of request 1"]), (1, 1)));

    // Twice is once.
    shown.stage.click().await;
    shown.stage.click().await;
    assert_eq!((shown.coming(), shown.renders()), ("next".to_owned(), (1, 0)), "that it begins");
    stage.pass(seconds(1)).await;
    assert_eq!(stage.requests(), [3, 4]);
    assert_eq!((stage.texts(), shown.renders()), (texts(["3 of request 1", "4 of request 1"]), (1, 1)));
    shown.handle.get().fetch_previous();
    stage.flush().await;
    assert_eq!(shown.coming(), "previous");
    stage.pass(seconds(1)).await;
    assert_eq!((stage.texts()[0].as_str(), shown.renders()), ("2 of request 1", (2, 1)));

    // A page that changes renders its row, and what others do elsewhere nobody.
    stage.client.set_data(&NUMBERS.page(3), "three".to_owned());
    stage.flush().await;
    assert_eq!(
        (stage.texts(), shown.renders()),
        (texts(["2 of request 1", "three", "4 of request 1"]), (1, 1))
    );
    stage.client.set_data(&NUMBERS.page(8), "eight".to_owned());
    stage.client.set_data(&Number(3), "another".to_owned());
    stage.flush().await;
    assert_eq!(shown.renders(), (0, 0));

    // All are fetched again: a render for each page that comes, none that it is being fetched.
    stage.client.invalidate(NUMBERS.pages());
    stage.flush().await;
    assert_eq!(shown.renders(), (0, 0));
    stage.pass(seconds(1)).await;
    assert_eq!(shown.renders(), (1, 1));
    for _ in 0..2 {
        stage.pass(seconds(1)).await;
        assert_eq!(shown.renders(), (1, 1));
    }
    stage.pass(seconds(9)).await;
    assert_eq!((stage.requests(), shown.renders()), (vec![3, 4, 2, 2, 3, 4], (0, 0)));
}

#[wasm_bindgen_test]
async fn a_page_that_fails_is_shown_and_asked_for_again() {
    let shown = Shown::new(NUMBERS, None).await;
    let stage = &shown.stage;
    stage.pass(seconds(1)).await;
    stage.fail(["no"]);
    stage.click().await;
    stage.pass(seconds(1)).await;
    assert_eq!((shown.coming(), stage.texts()), ("failed".to_owned(), texts(["3 of request 1"])));
    stage.click().await;
    stage.pass(seconds(1)).await;
    assert_eq!((shown.coming(), stage.texts().len()), (String::new(), 2));
    stage.fail(["no"]);
    shown.handle.get().refetch_pages(|page| page.param == 3);
    stage.pass(seconds(9)).await;
    let list = shown.handle.get();
    assert!(list.error().is_some() && list.pages().len() == 2);
}

#[wasm_bindgen_test]
async fn another_list_is_shown_in_the_same_render_and_leaving_drops_what_is_under_way() {
    let shown = Shown::new(NUMBERS, None).await;
    let stage = &shown.stage;
    stage.pass(seconds(1)).await;
    stage.click().await;
    stage
        .client
        .set_pages(&Numbers { first: 7, ..NUMBERS }, [(7, "seven".to_owned()), (8, "eight".to_owned())]);
    shown.renders();
    shown.show(Numbers { first: 7, ..NUMBERS }, None).await;
    assert_eq!((stage.texts(), shown.renders()), (texts(["seven", "eight"]), (1, 2)));
    assert_eq!((stage.requests(), stage.aborted()), (vec![3, 4], 1));
    stage.click().await;
    stage.show(html! {}).await;
    assert_eq!((stage.requests(), stage.aborted(), stage.client.observer_count()), (vec![3, 4, 9], 2, 0));
    shown.handle.get().fetch_next();
    shown.handle.get().refetch();
    assert_eq!(stage.requests().len(), 3, "the component is gone");
}

#[wasm_bindgen_test]
async fn the_end_of_a_scope_empties_the_list_in_one_render() {
    let shown = Shown::new(NUMBERS, None).await;
    let stage = &shown.stage;
    stage.pass(seconds(1)).await;
    stage.click().await;
    stage.pass(Duration::from_millis(500)).await;
    shown.renders();
    stage.client.end_scope();
    stage.flush().await;
    assert_eq!((stage.texts().len(), shown.coming(), shown.renders().0), (0, String::new(), 1));
    assert_eq!((stage.requests(), stage.aborted()), (vec![3, 4, 3], 1), "from the first page on");
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
async fn the_next_page_comes_as_the_end_of_the_list_comes_into_view() {
    let window = web_sys::window().unwrap();
    let screen = window.inner_height().unwrap().as_f64().unwrap() as u32;
    // Two pages fill the screen.
    let shown = Shown::new(NUMBERS, Some(screen * 6 / 10)).await;
    let stage = &shown.stage;
    stage.root.scroll_into_view();
    let settle = async || {
        for _ in 0..6 {
            frames().await;
            stage.pass(seconds(1)).await;
        }
    };
    settle().await;
    assert_eq!(stage.requests(), [3, 4], "as many as fill the screen, and no more");
    stage.all("i")[0].scroll_into_view();
    settle().await;
    assert_eq!(stage.requests(), [3, 4, 5]);

    // One that fails is not asked for again until the end comes into view anew.
    stage.fail(["no", "no"]);
    stage.all("i")[0].scroll_into_view();
    settle().await;
    assert_eq!((stage.requests(), shown.coming()), (vec![3, 4, 5, 6], "failed".to_owned()));
    stage.all("button")[0].scroll_into_view();
    frames().await;
    stage.server.faults.borrow_mut().clear();
    stage.all("i")[0].scroll_into_view();
    settle().await;
    assert_eq!((stage.requests(), stage.texts().len()), (vec![3, 4, 5, 6, 6], 4));

    stage.show(html! {}).await;
    settle().await;
    assert_eq!((stage.requests().len(), stage.client.observer_count()), (5, 0));
}

#[wasm_bindgen_test]
async fn another_list_whose_end_is_in_view_goes_on_too() {
    let window = web_sys::window().unwrap();
    let screen = window.inner_height().unwrap().as_f64().unwrap() as u32;
    let list = |first: u32| Numbers { first, ..NUMBERS };
    for online in [true, false] {
        let shown = Shown { stage: Stage::new().await, pages: Renders::default(), handle: Handle::default() };
        let stage = &shown.stage;
        for first in [3, 6] {
            stage.client.set_pages(&list(first), [(first, "there".to_owned())]);
        }
        stage.client.set_online(online);
        for first in [3, 6, 3, 6] {
            shown.show(list(first), Some(screen * 6 / 10)).await;
            stage.root.scroll_into_view();
            frames().await;
            stage.flush().await;
        }
        stage.client.set_online(true);
        stage.flush().await;
        assert_eq!(stage.requests().last(), Some(&7), "online at first: {online}, {:?}", stage.requests());
        stage.pass(seconds(1)).await;
        assert_eq!(stage.texts().len(), 2);
    }
}
