//! A stage for components: a server that counts, a clock that does not run, renders that are counted.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod browser;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use query_cache::ManualEnvironment;
use wasm_bindgen::JsCast;
use yew::prelude::*;
use yew_query_cache::*;

/// Counts requests and answers each after a second: with how many there were for this number, unless told
/// otherwise.
#[derive(Clone)]
pub struct Server {
    pub world: ManualEnvironment,
    pub requests: Rc<RefCell<Vec<u32>>>,
    pub aborted: Rc<Cell<usize>>,
    pub faults: Rc<RefCell<VecDeque<&'static str>>>,
}

impl Server {
    pub fn new(world: &ManualEnvironment) -> Server {
        let world = world.clone();
        Server { world, requests: Rc::default(), aborted: Rc::default(), faults: Rc::default() }
    }
}

/// Tried again once, fresh for five minutes.
#[derive(Clone)]
pub struct Number(pub u32);

impl Query for Number {
    type Data = String;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["number", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.retry(1).stale_after(minutes(5))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<String, String> {
        struct Request(Rc<Cell<usize>>, bool);
        impl Drop for Request {
            fn drop(&mut self) {
                self.0.set(self.0.get() + usize::from(!self.1));
            }
        }

        let server = cx.get::<Server>()?;
        server.requests.borrow_mut().push(self.0);
        let number = server.requests.borrow().iter().filter(|id| **id == self.0).count();
        let mut request = Request(server.aborted.clone(), false);
        server.world.sleep(seconds(1)).await;
        request.1 = true;
        match server.faults.borrow_mut().pop_front() {
            Some(fault) => Err(fault.to_owned()),
            None => Ok(format!("{} of request {number}", self.0)),
        }
    }
}

/// How often something rendered. Equal to itself, so that passing it on causes no render.
#[derive(Clone, Default)]
pub struct Renders(Rc<Cell<usize>>);

impl PartialEq for Renders {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Renders {
    pub fn count(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// How many there were since this was last asked.
    pub fn take(&self) -> usize {
        self.0.replace(0)
    }
}

type Change = Rc<dyn Fn(QueryOptions<Number>) -> QueryOptions<Number>>;

/// Options of one place. Equal to itself.
#[derive(Clone, Default)]
pub struct Options(Option<Change>);

impl Options {
    pub fn new(change: impl Fn(QueryOptions<Number>) -> QueryOptions<Number> + 'static) -> Options {
        Options(Some(Rc::new(change)))
    }

    pub fn of(&self, number: Number) -> impl Query<Data = String, Error = String> {
        let change = self.0.clone();
        number.with_options(move |options| match &change {
            Some(change) => change(options),
            None => options,
        })
    }
}

impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

/// A state in words.
pub fn words<T: std::fmt::Display>(state: &QueryState<T, String>) -> String {
    match state {
        QueryState::Idle => "idle".to_owned(),
        QueryState::Pending { paused: true, .. } => "paused".to_owned(),
        QueryState::Pending { retry: Some(retry), .. } if retry.waiting => {
            format!("attempt {} of {} failed: {}", retry.attempt, retry.attempts, retry.error)
        }
        QueryState::Pending { .. } => "pending".to_owned(),
        QueryState::Failed { error } => format!("failed: {error}"),
        QueryState::Ready { data, placeholder: true, .. } => format!("{data}?"),
        QueryState::Ready { data, refresh_error: Some(error), .. } => format!("{data} ({error})"),
        QueryState::Ready { data, paused: true, .. } => format!("{data} (paused)"),
        QueryState::Ready { data, .. } => data.to_string(),
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct ViewProps {
    pub id: u32,
    pub renders: Renders,
    #[prop_or_default]
    pub options: Options,
    /// Shows whether it is fetching.
    #[prop_or_default]
    pub activity: bool,
}

/// Shows a number's state, with a button that fetches it again.
#[component]
pub fn View(props: &ViewProps) -> Html {
    props.renders.count();
    let number = use_query(props.options.of(Number(props.id)));
    let onclick = {
        let number = number.clone();
        Callback::from(move |_: MouseEvent| number.refetch())
    };
    let activity = if props.activity && number.is_fetching() { " (fetching)" } else { "" };
    html! { <p><span>{words(number.state())}{activity}</span><button {onclick} /></p> }
}

/// A list of views.
pub fn views(ids: &[u32], renders: &Renders) -> Html {
    let views = ids.iter().enumerate();
    let views = views.map(|(place, id)| html! { <View key={place} id={*id} renders={renders.clone()} /> });
    html! { <>{ for views }</> }
}

type Shown = Rc<RefCell<Option<UseStateHandle<Html>>>>;

#[derive(Clone, Properties)]
pub struct RootProps {
    shown: Shown,
}

impl PartialEq for RootProps {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[component]
fn Root(props: &RootProps) -> Html {
    let shown = use_state(Html::default);
    *props.shown.borrow_mut() = Some(shown.clone());
    (*shown).clone()
}

pub struct Stage {
    pub world: ManualEnvironment,
    pub client: QueryClient,
    pub server: Server,
    pub renders: Renders,
    pub root: web_sys::Element,
    shown: Shown,
    app: Option<yew::AppHandle<Root>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

impl Stage {
    /// Shows nothing yet.
    pub async fn new() -> Stage {
        Stage::with_seed(1).await
    }

    /// The same, in a world that draws other numbers.
    pub async fn with_seed(seed: u64) -> Stage {
        let world = ManualEnvironment::new(seed);
        let client = QueryClient::new(world.clone());
        let server = Server::new(&world);
        client.provide(server.clone());
        let document = web_sys::window().unwrap().document().unwrap();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let shown = Shown::default();
        let props = RootProps { shown: shown.clone() };
        let app = yew::Renderer::<Root>::with_root_and_props(root.clone(), props).render();
        let stage = Stage { world, client, server, renders: Renders::default(), root, shown, app: Some(app) };
        stage.flush().await;
        stage
    }

    /// Shows a view of each of these numbers.
    pub async fn with(ids: &[u32]) -> Stage {
        let stage = Stage::new().await;
        stage.views(ids).await;
        stage
    }

    pub async fn views(&self, ids: &[u32]) {
        self.show(views(ids, &self.renders)).await;
    }

    /// Shows this instead, within a provider.
    pub async fn show(&self, html: Html) {
        let client = self.client.clone();
        self.show_bare(html! { <QueryClientProvider {client}>{html}</QueryClientProvider> }).await;
    }

    /// Shows this instead, as it is.
    pub async fn show_bare(&self, html: Html) {
        let shown = self.shown.borrow().clone().unwrap();
        shown.set(html);
        drop(shown);
        self.flush().await;
    }

    /// Runs tasks and renders until there is nothing left to do. No time passes.
    pub async fn flush(&self) {
        for _ in 0..4 {
            yew::scheduler::flush().await;
            self.world.run();
        }
        yew::scheduler::flush().await;
    }

    pub async fn pass(&self, time: Duration) {
        self.world.advance(time);
        self.flush().await;
    }

    pub fn texts(&self) -> Vec<String> {
        self.all("span").iter().map(|span| span.text_content().unwrap()).collect()
    }

    pub fn text(&self) -> String {
        self.root.text_content().unwrap()
    }

    pub fn all(&self, selector: &str) -> Vec<web_sys::Element> {
        let found = self.root.query_selector_all(selector).unwrap();
        (0..found.length()).map(|index| found.item(index).unwrap().dyn_into().unwrap()).collect()
    }

    /// Presses the first button.
    pub async fn click(&self) {
        let button = self.root.query_selector("button").unwrap().unwrap();
        button.dyn_into::<web_sys::HtmlElement>().unwrap().click();
        self.flush().await;
    }

    /// What is shown, and in how many renders since this was last asked.
    pub fn seen(&self) -> (Vec<String>, usize) {
        (self.texts(), self.renders.take())
    }

    pub fn requests(&self) -> Vec<u32> {
        self.server.requests.borrow().clone()
    }

    pub fn aborted(&self) -> usize {
        self.server.aborted.get()
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = &'static str>) {
        self.server.faults.borrow_mut().extend(faults);
    }
}

/// Texts, as [`Stage::seen`] has them.
pub fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

/// The state's handle that a component gave away, for the test to set.
pub struct Handle<T: 'static>(Rc<RefCell<Option<T>>>);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<T> Default for Handle<T> {
    fn default() -> Self {
        Handle(Rc::default())
    }
}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Clone> Handle<T> {
    pub fn put(&self, value: T) {
        let before = self.0.replace(Some(value));
        drop(before);
    }

    pub fn get(&self) -> T {
        self.0.borrow().clone().unwrap()
    }
}
