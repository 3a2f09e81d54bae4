//! A server that counts, on a clock that does not run.
#![allow(dead_code, unreachable_pub, unused_imports)]

pub mod lists;

pub mod posting;

pub mod disk;
pub mod lab;
pub mod travels;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    Classify, Environment, ErrorClass, FetchContext, Listening, ManualEnvironment, MissingContext, Query,
    QueryClient, QueryError, QueryKey, QueryObserver, QueryOptions, QueryState, Timestamp, query_key,
};

/// What the server says instead of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault(pub ErrorClass);

pub const BUSY: Fault = Fault(ErrorClass::RETRYABLE);
pub const MISSING: Fault = Fault(ErrorClass::Permanent);

impl Classify for Fault {
    fn class(&self) -> ErrorClass {
        self.0
    }
}

impl From<MissingContext> for Fault {
    fn from(missing: MissingContext) -> Self {
        Fault(missing.class())
    }
}

/// Answers with the number of the request, after a second, unless it was told otherwise.
#[derive(Clone)]
pub struct Server(Rc<Inner>);

struct Inner {
    world: ManualEnvironment,
    requests: RefCell<Vec<(u32, Timestamp)>>,
    next: RefCell<VecDeque<Result<u32, Fault>>>,
    aborted: Cell<usize>,
    latency: Cell<Duration>,
    /// What it says to an id, if it has not been told what to say next.
    rule: Cell<Option<Rule>>,
}

type Rule = fn(u32) -> Result<u32, Fault>;

impl Server {
    pub fn say(&self, answers: impl IntoIterator<Item = Result<u32, Fault>>) {
        self.0.next.borrow_mut().extend(answers);
    }

    pub fn fail(&self, times: usize) {
        self.say(std::iter::repeat_n(Err(BUSY), times));
    }

    /// Answers are made of what is asked for, from now on.
    pub fn answer_by(&self, rule: Rule) {
        self.0.rule.set(Some(rule));
    }

    pub fn set_latency(&self, latency: Duration) {
        self.0.latency.set(latency);
    }

    pub fn requests(&self) -> usize {
        self.0.requests.borrow().len()
    }

    pub fn asked_for(&self) -> Vec<u32> {
        self.0.requests.borrow().iter().map(|(id, _)| *id).collect()
    }

    pub fn times(&self) -> Vec<Timestamp> {
        self.0.requests.borrow().iter().map(|(_, at)| *at).collect()
    }

    pub fn aborted(&self) -> usize {
        self.0.aborted.get()
    }

    pub async fn answer(&self, id: u32) -> Result<u32, Fault> {
        struct Request<'a>(&'a Cell<usize>, bool);
        impl Drop for Request<'_> {
            fn drop(&mut self) {
                if !self.1 {
                    self.0.set(self.0.get() + 1);
                }
            }
        }

        self.0.requests.borrow_mut().push((id, query_cache::Environment::now(&self.0.world)));
        let number = self.requests();
        let mut request = Request(&self.0.aborted, false);
        self.0.world.sleep(self.0.latency.get()).await;
        request.1 = true;
        let told = self.0.next.borrow_mut().pop_front();
        told.unwrap_or_else(|| match self.0.rule.get() {
            Some(rule) => rule(id),
            None => Ok(u32::try_from(number).unwrap()),
        })
    }
}

pub type Change = fn(QueryOptions<Number>) -> QueryOptions<Number>;

/// What the server says to one id.
#[derive(Clone)]
pub struct Number(pub u32, pub Change);

/// Number 1, with the default options.
pub fn one() -> Number {
    Number(1, |defaults| defaults)
}

impl Query for Number {
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["number", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        (self.1)(defaults)
    }
    async fn fetch(&self, cx: FetchContext) -> Result<u32, Fault> {
        cx.get::<Server>()?.answer(self.0).await
    }
}

pub struct Stage {
    pub world: ManualEnvironment,
    pub client: QueryClient,
    pub server: Server,
}

pub fn stage() -> Stage {
    stage_with_seed(1)
}

pub fn stage_with_seed(seed: u64) -> Stage {
    let world = ManualEnvironment::new(seed);
    let client = QueryClient::new(world.clone());
    let server = Server(Rc::new(Inner {
        world: world.clone(),
        requests: RefCell::default(),
        next: RefCell::default(),
        aborted: Cell::new(0),
        latency: Cell::new(Duration::from_secs(1)),
        rule: Cell::new(None),
    }));
    client.provide(server.clone());
    Stage { world, client, server }
}

/// A component: how often it was told, and what it sees.
pub struct Viewer<Q: Query> {
    pub observer: QueryObserver<Q>,
    told: Rc<Cell<usize>>,
}

impl<Q: Query> Viewer<Q> {
    /// How often it was told since it was last asked here.
    pub fn told(&self) -> usize {
        self.told.replace(0)
    }
}

impl Stage {
    pub fn watch<Q: Query>(&self, query: Q) -> Viewer<Q> {
        let told = Rc::new(Cell::new(0));
        let count = told.clone();
        let observer = self.client.observe(query, move || count.set(count.get() + 1));
        Viewer { observer, told }
    }

    pub fn seconds(&self, count: u64) {
        self.world.advance(Duration::from_secs(count));
    }

    pub fn millis(&self, count: u64) {
        self.world.advance(Duration::from_millis(count));
    }

    pub fn asked_for_last(&self) -> u32 {
        *self.server.asked_for().last().unwrap()
    }

    /// Runs a future as a task of its own.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Outcome<T> {
        let outcome = Outcome(Rc::default());
        let slot = outcome.0.clone();
        self.world.spawn(Box::pin(async move {
            let came_to = future.await;
            slot.replace(Some(came_to));
        }));
        outcome
    }

    /// Writes down all that happens in the cache.
    pub fn log(&self) -> Log {
        let lines = Rc::<RefCell<Vec<String>>>::default();
        let log = lines.clone();
        let listening = self.client.listen(move |event| log.borrow_mut().push(format!("{event:?}")));
        Log { listening, lines }
    }
}

/// What a future came to, once it has.
pub struct Outcome<T>(Rc<RefCell<Option<T>>>);

impl<T> Outcome<T> {
    pub fn take(&self) -> Option<T> {
        self.0.take()
    }
}

impl<T: std::fmt::Debug, E> Outcome<Result<Rc<T>, QueryError<E>>> {
    /// In one word: what a call has come to.
    pub fn word(&self) -> String {
        match &*self.0.borrow() {
            None => "waits".to_owned(),
            Some(Ok(data)) => format!("{data:?}"),
            Some(Err(QueryError::Fetch(_))) => "failed".to_owned(),
            Some(Err(QueryError::Cancelled)) => "cancelled".to_owned(),
            Some(Err(QueryError::Misuse(misuse))) => misuse.to_string(),
        }
    }
}

/// What happened in the cache, a line each.
pub struct Log {
    pub listening: Listening,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Log {
    /// What happened since this was last asked.
    pub fn take(&self) -> Vec<String> {
        self.lines.take()
    }
}

/// A state in a few letters, for comparing.
pub fn brief<T: std::fmt::Debug, E: std::fmt::Debug>(state: &QueryState<T, E>) -> String {
    match state {
        QueryState::Idle => "idle".to_owned(),
        QueryState::Pending { retry: Some(retry), .. } if retry.waiting => {
            format!("pending, attempt {} of {} failed", retry.attempt, retry.attempts)
        }
        QueryState::Pending { paused: true, .. } => "paused".to_owned(),
        QueryState::Pending { .. } => "pending".to_owned(),
        QueryState::Failed { .. } => "failed".to_owned(),
        QueryState::Ready { data, refresh_error: None, .. } => format!("{data:?}"),
        QueryState::Ready { data, refresh_error: Some(_), .. } => format!("{data:?}, not refreshed"),
    }
}

pub fn shows<Q: Query<Data: std::fmt::Debug, Error: std::fmt::Debug>>(viewer: &Viewer<Q>) -> String {
    brief(&viewer.observer.state())
}
