//! Interest in a query, for as long as a guard lives.

use std::fmt;
use std::marker::PhantomData;

use crate::call::{Call, QueryFuture};
use crate::client::QueryClient;
use crate::engine::{ObserverSlot, WaiterSlot};
use crate::environment::Timestamp;
use crate::key::QueryKey;
use crate::query::{AnyQuery, Query};
use crate::state::Parts;
use crate::view::{Details, QueryState, Snapshot};

/// Watches a query until it is dropped, without the query's types: for bridges to a UI framework. The last
/// one to let go cancels the fetch.
pub struct Observer {
    client: QueryClient,
    slot: ObserverSlot,
}

impl Observer {
    pub(crate) fn new(client: QueryClient, slot: ObserverSlot) -> Self {
        Observer { client, slot }
    }

    /// The client it watches.
    pub fn client(&self) -> &QueryClient {
        &self.client
    }

    /// What the engine knows it by, for as long as it lives.
    pub(crate) fn slot(&self) -> ObserverSlot {
        self.slot
    }

    /// What is known at this moment; later changes do not reach it.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.client.now();
        self.client.read(|engine| engine.snapshot(self.slot, now))
    }

    /// [`Observer::snapshot`], to be shown at once: the listener is not called for changes that are in it.
    pub fn show(&self) -> Snapshot {
        self.show_at(self.client.now())
    }

    pub(crate) fn show_at(&self, now: Timestamp) -> Snapshot {
        self.client.mark(|engine| {
            engine.seen(self.slot);
            engine.snapshot(self.slot, now)
        })
    }

    /// Has the listener called, one turn later: there is something new that the cache does not know of.
    pub(crate) fn notice(&self) {
        self.client.step(|engine, _, fx| engine.notice(self.slot, fx));
    }

    /// The key that is watched. `None` where the observer was made for a scope that had ended.
    pub fn key(&self) -> Option<QueryKey> {
        self.client.read(|engine| engine.observed(self.slot).map(|(_, entry)| entry.key.clone()))
    }

    pub(crate) fn watch(&self, parts: Parts) {
        self.client.step(|engine, now, _| engine.add_interest(self.slot, parts, now));
    }

    /// From now on, the listener is also called when a fetch begins or ends.
    pub fn watch_fetching(&self) {
        self.watch(Parts::FETCHING);
    }

    /// From now on, the listener is also called when fresh data turns stale, and the other way round.
    pub fn watch_stale(&self) {
        self.watch(Parts::STALE);
    }

    /// From now on, the listener is also called when nothing changed but a count or a time in
    /// [`Details`].
    pub fn watch_details(&self) {
        self.watch(Parts::DETAILS);
    }

    /// From now on, the listener is called for other data only: not for errors, retries and pauses.
    pub fn watch_data_only(&self) {
        self.client.step(|engine, _, _| engine.set_interest(self.slot, Parts::DATA));
    }

    /// From now on, the listener is called for nothing but what is asked about after this.
    pub(crate) fn watch_nothing(&self) {
        self.client.mark(|engine| engine.set_interest(self.slot, Parts::NONE));
    }

    /// Watches this query from now on. If it is the [same entry](AnyQuery::same_entry) only its options are
    /// new; if not, what both want goes on, and the old entry is let go of.
    pub fn follow(&self, query: &AnyQuery) {
        self.client.follow(self.slot, query);
    }

    /// Fetches again, fresh or not. Joins an attempt that is under way; does not wait for a retry.
    pub fn refetch(&self) {
        self.client.step(|engine, now, fx| engine.refetch_observed(self.slot, now, fx));
    }

    fn refetch_and_wait(&self) -> WaiterSlot {
        self.client.step(|engine, now, fx| engine.refetch_and_wait(self.slot, now, fx))
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.client.step(|engine, now, fx| engine.unobserve(self.slot, now, fx));
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.snapshot()).finish()
    }
}

/// Watches a query until it is dropped. Made by [`QueryClient::observe`]; the last one to let go cancels the
/// fetch.
#[derive(Debug)]
pub struct QueryObserver<Q> {
    observer: Observer,
    query: PhantomData<fn() -> Q>,
}

impl<Q: Query> QueryObserver<Q> {
    pub(crate) fn new(observer: Observer) -> Self {
        QueryObserver { observer, query: PhantomData }
    }

    /// What is known at this moment.
    pub fn state(&self) -> QueryState<Q::Data, Q::Error> {
        self.observer.snapshot().state()
    }

    /// All that is known at this moment. Who asks is told, from then on, of every change in it.
    pub fn details(&self) -> Details<Q::Error> {
        self.observer.watch_details();
        self.observer.watch_fetching();
        self.observer.snapshot().details()
    }

    /// Whether a fetch is under way. Who asks is told, from then on, when that changes.
    pub fn is_fetching(&self) -> bool {
        self.observer.watch_fetching();
        self.observer.snapshot().is_fetching()
    }

    /// Whether the data is stale. Who asks is told, from then on, when that changes, at the very moment.
    pub fn is_stale(&self) -> bool {
        self.observer.watch_stale();
        self.observer.snapshot().is_stale()
    }

    /// What is known at this moment, in every respect.
    pub fn snapshot(&self) -> Snapshot {
        self.observer.snapshot()
    }

    /// Watches another query from now on, as [`Observer::follow`].
    pub fn follow(&self, query: Q) {
        self.observer.follow(&AnyQuery::new(query));
    }

    /// Fetches again, fresh or not. Joins an attempt that is under way; does not wait for a retry.
    pub fn refetch(&self) {
        self.observer.refetch();
    }

    /// [`refetch`](QueryObserver::refetch), and waits for what comes of it. The fetch begins in this call.
    pub fn refetch_and_wait(&self) -> QueryFuture<Q> {
        QueryFuture::new(Call::new(self.observer.client().clone(), self.observer.refetch_and_wait()))
    }
}
