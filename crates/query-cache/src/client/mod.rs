//! The handle that people hold: borrows the engine in one function, lets go, runs the effects.

mod calling;
mod data;
mod defaults;
pub(crate) mod extensions;
mod parts;
mod scope;
mod seeing;
#[cfg(feature = "hydrate")]
mod sleeping;
mod watching;

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

pub(crate) use extensions::{Extension, Happens};
pub(crate) use parts::World;
pub(crate) use seeing::{Act, Find, Glass, ROUNDS};
pub use watching::Listening;

use crate::context::Provided;
use crate::engine::{Answered, Effects, Engine, FlightId};
use crate::environment::{Environment, Timestamp};
use crate::error::ErrorClass;
use crate::flight::launch;
use crate::policy::Policies;
use crate::query::Answer;
use defaults::Defaults;
#[cfg(feature = "hydrate")]
pub(crate) use extensions::Concern;
use extensions::Extensions;
#[cfg(feature = "hydrate")]
pub(crate) use sleeping::Asleep;

/// The cache. A cheap handle: clones share one cache.
///
/// Nothing here panics or calls user code while it is borrowed, so any method may be called from anywhere:
/// from a listener, from a fetch, from the `Drop` of cached data.
#[derive(Clone)]
pub struct QueryClient {
    shared: Rc<Shared>,
    /// The scope it belongs to; `None`: to whichever is open.
    scope: Option<u32>,
}

/// A handle that does not keep the cache alive, for what the cache itself owns.
#[derive(Clone, Default)]
pub struct WeakQueryClient {
    shared: Weak<Shared>,
    scope: Option<u32>,
}

struct Shared {
    engine: RefCell<Engine>,
    environment: Box<dyn Environment>,
    provided: Provided,
    defaults: Defaults,
    policies: RefCell<Policies>,
    extensions: Extensions,
    glass: Cell<Option<Glass>>,
    batches: Cell<u32>,
    last_step: Cell<Timestamp>,
    /// Sees to what is in the cache as JSON. Named only where there first is some.
    #[cfg(feature = "hydrate")]
    asleep: Cell<Option<Asleep>>,
    /// The turn ended within a batch.
    late: Cell<bool>,
}

impl QueryClient {
    /// An empty cache in this environment: online, focused, with an open scope.
    pub fn new(environment: impl Environment + 'static) -> Self {
        let client = QueryClient {
            shared: Rc::new(Shared {
                engine: RefCell::new(Engine::new()),
                environment: Box::new(environment),
                provided: Provided::default(),
                defaults: Defaults::default(),
                policies: RefCell::default(),
                extensions: Extensions::default(),
                glass: Cell::new(None),
                batches: Cell::new(0),
                last_step: Cell::default(),
                #[cfg(feature = "hydrate")]
                asleep: Cell::new(None),
                late: Cell::new(false),
            }),
            scope: None,
        };
        client.shared.environment.attach(&client);
        client
    }

    /// A handle that does not keep the cache alive.
    pub fn downgrade(&self) -> WeakQueryClient {
        WeakQueryClient { shared: Rc::downgrade(&self.shared), scope: self.scope }
    }

    /// The environment's time.
    pub fn now(&self) -> Timestamp {
        self.shared.environment.now()
    }

    /// Gives fetches a value to ask their [`FetchContext`](crate::FetchContext) for: an API client, say. One
    /// of each type; a later one replaces an earlier one. Belongs to no scope: it outlives them.
    pub fn provide<T: 'static>(&self, value: T) {
        self.shared.provided.put(TypeId::of::<T>(), Rc::new(value));
    }

    pub(crate) fn provided(&self, of: TypeId) -> Option<Rc<dyn Any>> {
        self.shared.provided.get(of)
    }

    // ----- the world

    /// Whether there is a network. Without one no attempt is begun; when it is back, paused fetches go on
    /// and watched, stale queries are fetched.
    pub fn set_online(&self, online: bool) {
        if self.step(|engine, _, _| engine.set_online(online)) {
            let back = |client: &QueryClient| client.step(|engine, now, fx| engine.network_is_back(now, fx));
            if !self.extensions_go_first(back) {
                back(self);
            }
        } else if !online {
            self.tell_extensions(Happens::Offline);
        }
    }

    /// Whether somebody can see this. While nobody can, no attempt is repeated; when somebody can again,
    /// paused fetches go on and watched, stale queries are fetched.
    pub fn set_focused(&self, focused: bool) {
        self.step(|engine, now, fx| engine.set_focused(focused, now, fx));
        self.tell_extensions(if focused { Happens::Focused } else { Happens::Hidden });
    }

    /// The page is seen again, after so short a while that nothing need be fetched again: only paused fetches
    /// go on.
    pub fn resume(&self) {
        self.step(|engine, _, fx| engine.resume(fx));
        self.tell_extensions(Happens::Focused);
    }

    pub(crate) fn is_focused(&self) -> bool {
        self.read(Engine::is_focused)
    }

    /// The alarm rang. Calling it too early does no harm.
    pub fn alarm(&self) {
        self.step(|engine, now, fx| engine.alarm(now, fx));
        self.tell_extensions(Happens::Alarm);
    }

    /// Many writes, one notification, even if turns end within. Without it, what is done in one turn is told
    /// at the end of that turn, so this matters only where a write waits for something.
    pub fn batch<R>(&self, writes: impl FnOnce() -> R) -> R {
        struct Batch<'a>(&'a QueryClient);
        impl Drop for Batch<'_> {
            fn drop(&mut self) {
                let shared = &self.0.shared;
                shared.batches.set(shared.batches.get().saturating_sub(1));
                if shared.batches.get() == 0 && shared.late.take() {
                    self.0.spawn_turn(QueryClient::flush);
                }
            }
        }
        self.shared.batches.set(self.shared.batches.get().saturating_add(1));
        let _batch = Batch(self);
        writes()
    }

    // ----- the inside

    pub(crate) fn read<R>(&self, read: impl FnOnce(&Engine) -> R) -> R {
        read(&self.shared.engine.borrow())
    }

    /// Marks what has been told. Nothing follows from that, so it is no step: there is one for each observer
    /// that is told, and they are many.
    pub(crate) fn mark<R>(&self, mark: impl FnOnce(&mut Engine) -> R) -> R {
        mark(&mut self.shared.engine.borrow_mut())
    }

    /// The one place that changes the engine. It is let go before anything else runs.
    pub(crate) fn step<R>(&self, step: impl FnOnce(&mut Engine, Timestamp, &mut Effects) -> R) -> R {
        let (now, mut fx) = self.prepare_step();
        let result = step(&mut self.shared.engine.borrow_mut(), now, &mut fx);
        self.run(fx);
        result
    }

    // This and `run` are once in the program, not once for each step.
    #[inline(never)]
    fn prepare_step(&self) -> (Timestamp, Effects) {
        let now = self.now();
        self.shared.last_step.set(now);
        (now, Effects::default())
    }

    /// When the engine last changed.
    pub(crate) fn last_step(&self) -> Timestamp {
        self.shared.last_step.get()
    }

    #[inline(never)]
    fn run(&self, fx: Effects) {
        let Effects { aborts, starts, later, wakers, flush, garbage } = fx;
        let alarm = self.shared.engine.borrow_mut().next_alarm();
        // First: user code may have an earlier alarm set, which this one must not replace.
        if alarm.is_some() {
            self.shared.environment.set_alarm(alarm);
        }
        for flight in aborts {
            flight.abort();
        }
        for start in starts {
            if let Some(task) = launch(start, self) {
                self.shared.environment.spawn(task);
            }
        }
        for act in later {
            act(self);
        }
        for waker in wakers {
            waker.wake();
        }
        if flush {
            self.spawn_turn(QueryClient::flush);
        }
        drop(garbage);
    }

    /// Has a future run to its end. It begins in this call.
    #[cfg(feature = "hydrate")]
    pub(crate) fn begin_task(&self, mut task: crate::environment::LocalBoxFuture<()>) {
        let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
        if task.as_mut().poll(&mut nobody).is_pending() {
            self.shared.environment.spawn(task);
        }
    }

    /// Has this done when the call that it is part of is over.
    #[cfg(feature = "hydrate")]
    pub(crate) fn spawn_later(&self, task: crate::environment::LocalBoxFuture<()>) {
        self.shared.environment.spawn(task);
    }

    fn spawn_turn(&self, turn: fn(&QueryClient)) {
        let client = self.in_scope(None).downgrade();
        self.shared.environment.spawn(Box::pin(async move {
            if let Some(client) = client.upgrade() {
                turn(&client);
            }
        }));
    }

    /// Tells those who have to be told. What is due is fetched one turn later still, when whoever is told
    /// has had the time to let go of it.
    fn flush(&self) {
        if self.shared.batches.get() > 0 {
            self.shared.late.set(true);
            return;
        }
        self.step(|engine, now, fx| engine.drop_unwanted(now, fx));
        self.tell_extensions(Happens::Turn);
        for observer in self.mark(Engine::take_notices) {
            if let Some(listener) = self.mark(|engine| engine.listener(observer)) {
                listener();
            }
        }
        self.tell_extensions(Happens::Told);
        if self.read(Engine::has_due) {
            self.spawn_turn(|client| client.step(|engine, now, fx| engine.fetch_due(now, fx)));
        }
    }

    /// An attempt has its answer. What user code has to say about it is asked for before the engine is told.
    pub(crate) fn settle(&self, id: FlightId, answer: &Answer) {
        let random = self.shared.environment.random();
        let (policy, held) = self.read(|engine| {
            let entry = engine.get(id.entry).filter(|_| engine.awaits(id));
            entry.map(|entry| (entry.policy.clone(), entry.data().cloned())).unzip()
        });
        let held = held.flatten();
        match answer {
            Ok(data) => {
                let same = policy.as_ref().and_then(|policy| policy.same()).zip(held.as_ref());
                let same = same.filter(|(same, held)| same(&***held, &**data)).map(|(_, held)| held);
                self.see(&|_| Some(id.entry), data, Some(id), &|engine, seen, now, fx| {
                    engine.settle(id, &Answered::Data { data, seen, same_as: same }, now, random, fx);
                });
            }
            Err((error, class)) => {
                if *class == ErrorClass::Offline {
                    self.shared.environment.network_failed(&self.in_scope(None));
                }
                let judge = policy.as_ref().and_then(|policy| policy.retry_if());
                let retry = judge.is_none_or(|judge| judge(&**error));
                let class = if retry { *class } else { ErrorClass::Permanent };
                let answered = Answered::Error { error, class };
                self.step(|engine, now, fx| engine.settle(id, &answered, now, random, fx));
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for flight in self.engine.get_mut().close() {
            flight.abort();
        }
        self.environment.set_alarm(None);
    }
}

impl WeakQueryClient {
    /// The cache, if it is still there.
    pub fn upgrade(&self) -> Option<QueryClient> {
        Some(QueryClient { shared: self.shared.upgrade()?, scope: self.scope })
    }
}

/// Equal when both are handles to the same cache.
impl PartialEq for QueryClient {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for QueryClient {}

impl fmt::Debug for QueryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueryClient")
    }
}

impl fmt::Debug for WeakQueryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakQueryClient")
    }
}
