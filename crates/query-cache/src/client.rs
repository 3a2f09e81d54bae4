//! The handle that people hold: borrows the engine in one function, lets go, runs the effects.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use crate::context::Provided;
use crate::engine::{Effects, Engine, FlightId, Value};
use crate::entry::EntryId;
use crate::environment::{Environment, Timestamp};
use crate::flight::launch;
use crate::observer::{Observer, QueryObserver};
use crate::query::{Answer, AnyQuery, Query, types_of};
use crate::state::Snapshot;

/// The cache. A cheap handle: clones share one cache.
///
/// Nothing here panics or calls user code while it is borrowed, so any method may be called from anywhere:
/// from a listener, from a fetch, from the `Drop` of cached data.
#[derive(Clone)]
pub struct QueryClient(pub(crate) Rc<Shared>);

/// A handle that does not keep the cache alive, for what the cache itself owns.
#[derive(Clone, Default)]
pub struct WeakQueryClient(Weak<Shared>);

pub(crate) struct Shared {
    engine: RefCell<Engine>,
    environment: Box<dyn Environment>,
    provided: Provided,
}

impl QueryClient {
    /// An empty cache in this environment: online, focused, with an open scope.
    pub fn new(environment: impl Environment + 'static) -> Self {
        let client = QueryClient(Rc::new(Shared {
            engine: RefCell::new(Engine::new()),
            environment: Box::new(environment),
            provided: Provided::default(),
        }));
        client.0.environment.attach(&client);
        client
    }

    /// A handle that does not keep the cache alive.
    pub fn downgrade(&self) -> WeakQueryClient {
        WeakQueryClient(Rc::downgrade(&self.0))
    }

    /// The environment's time.
    pub fn now(&self) -> Timestamp {
        self.0.environment.now()
    }

    /// Gives fetches a value to ask their [`FetchContext`](crate::FetchContext) for: an API client, say. One
    /// of each type; a later one replaces an earlier one. Belongs to no scope: it outlives them.
    pub fn provide<T: 'static>(&self, value: T) {
        self.0.provided.put(TypeId::of::<T>(), Rc::new(value));
    }

    pub(crate) fn provided(&self, of: TypeId) -> Option<Rc<dyn Any>> {
        self.0.provided.get(of)
    }

    // ----- data

    /// The data of the query, fresh or stale. `None` when there is none or the scope is held.
    pub fn get_data<Q: Query>(&self, query: &Q) -> Option<Rc<Q::Data>> {
        self.peek(query)?.0.data.clone()?.downcast().ok()
    }

    /// Data, errors and activity of the query at this moment. `None` when it has no entry or the scope is
    /// held.
    pub fn get_state<Q: Query>(&self, query: &Q) -> Option<crate::QueryState<Q::Data, Q::Error>> {
        self.peek(query).map(|snapshot| snapshot.state())
    }

    fn peek<Q: Query>(&self, query: &Q) -> Option<Snapshot> {
        let id = id_of(query);
        self.0.engine.borrow().peek(&id).map(Snapshot)
    }

    /// Writes data, as fresh as an answer that arrives now. The answer to a fetch begun before is older and
    /// is discarded when it comes.
    pub fn set_data<Q: Query>(&self, query: &Q, data: Q::Data) {
        let id = id_of(query);
        let policy = query.options(crate::QueryOptions::default()).into_policy();
        let data: Value = Rc::new(data);
        self.step(|engine, now, fx| engine.write(&id, policy, &data, now, fx));
    }

    /// Says that the data is out of date. If it is watched it is fetched again: once, however often this is
    /// said in one turn. A fetch that began before cannot clear it.
    pub fn invalidate<Q: Query>(&self, query: &Q) {
        let id = id_of(query);
        self.step(|engine, now, fx| engine.invalidate(&id, now, fx));
    }

    /// Says that everything is out of date, as [`QueryClient::invalidate`].
    pub fn invalidate_all(&self) {
        self.step(|engine, now, fx| engine.invalidate_all(now, fx));
    }

    /// Fetches the query again, fresh or not, if it is watched. Joins an attempt that is under way; does not
    /// wait for a retry.
    pub fn refetch<Q: Query>(&self, query: &Q) {
        let id = id_of(query);
        self.step(|engine, _, fx| engine.refetch_watched(&id, fx));
    }

    /// Forgets the query. Where it is watched it is shown as pending and fetched anew.
    pub fn remove<Q: Query>(&self, query: &Q) {
        let id = id_of(query);
        self.step(|engine, now, fx| engine.remove(&id, now, fx));
    }

    /// Forgets every query, as [`QueryClient::remove`].
    pub fn clear(&self) {
        self.step(|engine, now, fx| engine.clear(now, fx));
    }

    // ----- the scope

    /// Holds the scope, while it is unclear whose data this is: shows nothing (every query is pending),
    /// begins no attempt, throws nothing away. Ends with [`restore_scope`](QueryClient::restore_scope) or
    /// [`end_scope`](QueryClient::end_scope). Answers to attempts already under way are kept, unseen.
    pub fn hold_scope(&self) {
        self.step(|engine, _, fx| engine.hold(fx));
    }

    /// Opens a held scope again: it was still the same person. All is as it was. Does nothing to a scope
    /// that is not held.
    pub fn restore_scope(&self) {
        self.step(|engine, now, fx| engine.restore(now, fx));
    }

    /// Ends the scope, held or not, and opens a new one: fetches are dropped, their answers can no longer
    /// arrive, data is gone and what is watched shows as pending. What is still watched one turn later is
    /// fetched anew, in the new scope.
    pub fn end_scope(&self) {
        self.step(|engine, now, fx| engine.end_scope(now, fx));
    }

    // ----- the world

    /// Whether there is a network. Without one no attempt is begun; when it is back, paused fetches go on
    /// and watched, stale queries are fetched.
    pub fn set_online(&self, online: bool) {
        self.step(|engine, now, fx| engine.set_online(online, now, fx));
    }

    /// Whether somebody can see this. While nobody can, no attempt is repeated; when somebody can again,
    /// paused fetches go on and watched, stale queries are fetched.
    pub fn set_focused(&self, focused: bool) {
        self.step(|engine, now, fx| engine.set_focused(focused, now, fx));
    }

    /// The alarm rang. Calling it too early does no harm.
    pub fn alarm(&self) {
        self.step(|engine, now, fx| engine.alarm(now, fx));
    }

    // ----- watching

    /// Watches a query for as long as the guard lives: fetches it now unless it is fresh, and calls the
    /// listener, one turn later, when its state has changed.
    pub fn observe<Q: Query>(&self, query: Q, listener: impl Fn() + 'static) -> QueryObserver<Q> {
        QueryObserver::new(self.observe_any(&AnyQuery::new(query), Rc::new(listener)))
    }

    /// [`QueryClient::observe`] without types, for bridges to a UI framework.
    pub fn observe_any(&self, query: &AnyQuery, listener: Rc<dyn Fn()>) -> Observer {
        let id = EntryId { key: query.0.key(), types: query.0.types() };
        let policy = query.0.policy();
        let slot = self.step(|engine, now, fx| engine.observe(&id, &query.0, policy, &listener, now, fx));
        Observer::new(self.clone(), slot)
    }

    /// How many queries the cache holds.
    pub fn query_count(&self) -> usize {
        self.0.engine.borrow().counts().0
    }

    /// How many observers watch them.
    pub fn observer_count(&self) -> usize {
        self.0.engine.borrow().counts().1
    }

    // ----- the inside

    pub(crate) fn read<R>(&self, read: impl FnOnce(&Engine) -> R) -> R {
        read(&self.0.engine.borrow())
    }

    /// The one place that changes the engine. It is let go before anything else runs.
    pub(crate) fn step<R>(&self, step: impl FnOnce(&mut Engine, Timestamp, &mut Effects) -> R) -> R {
        let now = self.now();
        let mut fx = Effects::default();
        let result = {
            let mut engine = self.0.engine.borrow_mut();
            let result = step(&mut engine, now, &mut fx);
            fx.alarm = engine.next_alarm();
            result
        };
        self.run(fx);
        result
    }

    fn run(&self, fx: Effects) {
        let Effects { aborts, starts, alarm, flush, garbage } = fx;
        for flight in aborts {
            flight.abort();
        }
        for start in starts {
            if let Some(task) = launch(start, self.downgrade()) {
                self.0.environment.spawn(task);
            }
        }
        if alarm.is_some() {
            self.0.environment.set_alarm(alarm);
        }
        if flush {
            self.spawn_turn(QueryClient::flush);
        }
        drop(garbage);
    }

    fn spawn_turn(&self, turn: fn(&QueryClient)) {
        let client = self.downgrade();
        self.0.environment.spawn(Box::pin(async move {
            if let Some(client) = client.upgrade() {
                turn(&client);
            }
        }));
    }

    /// Tells those who have to be told. What is due is fetched one turn later still, when whoever is told
    /// has had the time to let go of it.
    fn flush(&self) {
        for observer in self.step(|engine, _, _| engine.take_notices()) {
            if let Some(listener) = self.step(|engine, _, _| engine.notice(observer)) {
                listener();
            }
        }
        if self.read(Engine::has_due) {
            self.spawn_turn(|client| client.step(|engine, _, fx| engine.fetch_due(fx)));
        }
    }

    pub(crate) fn settle(&self, id: FlightId, answer: Answer) {
        let random = self.0.environment.random();
        let borrowed = match &answer {
            Ok(data) => Ok(data),
            Err((error, class)) => Err((error, *class)),
        };
        self.step(|engine, now, fx| engine.settle(id, borrowed, now, random, fx));
    }
}

fn id_of<Q: Query>(query: &Q) -> EntryId {
    EntryId { key: query.key(), types: types_of::<Q>() }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut fx = Effects::default();
        self.engine.get_mut().close(&mut fx);
        for flight in fx.aborts {
            flight.abort();
        }
        self.environment.set_alarm(None);
    }
}

impl WeakQueryClient {
    /// The cache, if it is still there.
    pub fn upgrade(&self) -> Option<QueryClient> {
        self.0.upgrade().map(QueryClient)
    }
}

/// Equal when both are handles to the same cache.
impl PartialEq for QueryClient {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
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
