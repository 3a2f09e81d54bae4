//! Interest in a query, for as long as a guard lives.

use std::fmt;
use std::marker::PhantomData;

use crate::client::QueryClient;
use crate::engine::ObserverSlot;
use crate::query::{AnyQuery, Query};
use crate::state::{Parts, QueryState, Snapshot};

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

    /// The state at this moment; later changes do not reach it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.client.read(|engine| engine.snapshot(self.slot)))
    }

    /// [`Observer::snapshot`], to be shown at once: the listener is not called for changes that are in it.
    pub fn show(&self) -> Snapshot {
        self.client.step(|engine, _, _| engine.seen(self.slot));
        self.snapshot()
    }

    /// From now on, the listener is also called when a fetch begins or ends.
    pub fn watch_fetching(&self) {
        self.client.step(|engine, _, _| engine.add_interest(self.slot, Parts::FETCHING));
    }

    /// Fetches by this query and its options from now on. It must be the [same
    /// entry](AnyQuery::same_entry); another one needs another observer.
    pub fn renew(&self, query: &AnyQuery) {
        let policy = query.0.policy();
        self.client.step(|engine, _, fx| engine.renew(self.slot, &query.0, policy, fx));
    }

    /// Fetches again, fresh or not. Joins an attempt that is under way; does not wait for a retry.
    pub fn refetch(&self) {
        self.client.step(|engine, _, fx| engine.refetch_observed(self.slot, fx));
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

    /// Whether a fetch is under way. Who asks is told, from then on, when that changes.
    pub fn is_fetching(&self) -> bool {
        self.observer.watch_fetching();
        self.observer.snapshot().is_fetching()
    }

    /// Fetches again, fresh or not. Joins an attempt that is under way; does not wait for a retry.
    pub fn refetch(&self) {
        self.observer.refetch();
    }
}
