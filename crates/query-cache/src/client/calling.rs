//! Asking for data without watching it.

use std::rc::Rc;

use super::QueryClient;
use crate::call::{Call, QueryFuture, Settled};
use crate::engine::{Asked, Engine, Initially, WaiterSlot};
use crate::entry::Kind;
use crate::filter::QueryFilter;
use crate::key::QueryKey;
use crate::policy::Policy;
use crate::query::{AnyQuery, DynQuery, Query};

impl QueryClient {
    /// The query's data: what is there if it is fresh, else what is fetched. The fetch begins in this call,
    /// by the query's own options, and is shared with all who ask meanwhile. Options of this call only are
    /// given by [`with_options`](Query::with_options): with [`StaleTime::Static`](crate::StaleTime::Static)
    /// any data will do.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, Query, QueryClient, StaleTime, query, query_key};
    ///
    /// # let world = ManualEnvironment::new(1);
    /// # let client = QueryClient::new(world.clone());
    /// # let run = async move {
    /// let name = query(query_key!["name"], async |_| Ok::<_, String>("Ada".to_owned()));
    /// let length = client.query(name.with_options(|o| o.stale(StaleTime::Static))).select(String::len).await;
    /// assert_eq!(length.ok(), Some(3));
    /// # };
    /// # query_cache::Environment::spawn(&world, Box::pin(run));
    /// # world.run();
    /// ```
    ///
    /// # Errors
    /// The future's: the fetch's own error, when all its attempts failed;
    /// [`QueryError::Cancelled`](crate::QueryError::Cancelled) when it was called off, or the scope ended.
    pub fn query<Q: Query>(&self, query: Q) -> QueryFuture<Q> {
        let query: Rc<dyn DynQuery> = Rc::new(query);
        let slot = self.ask(&query, |asked| self.step(|engine, now, fx| engine.call(asked, now, fx)));
        QueryFuture::new(Call::new(self.clone(), slot.unwrap_or(WaiterSlot::NONE)))
    }

    /// Fetches a query that is not fresh, so that its data is there when somebody asks for it. Nobody need
    /// wait or watch: the fetch goes on, and the data is kept for the query's gc time.
    pub fn prefetch<Q: Query>(&self, query: Q) {
        self.prefetch_any(&AnyQuery::new(query));
    }

    /// [`QueryClient::prefetch`] without types, for bridges to a UI framework.
    pub fn prefetch_any(&self, query: &AnyQuery) {
        self.ask(&query.0, |asked| self.step(|engine, now, fx| engine.prefetch(asked, now, fx)));
    }

    /// Waits for the fetches of these queries that are under way, or due because of what was called before:
    /// [`refetch`](QueryClient::refetch), [`invalidate`](QueryClient::invalidate),
    /// [`prefetch`](QueryClient::prefetch). Comes to the failures. Waiting is interest, as in
    /// [`QueryClient::query`]: while there is no network, it waits.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, QueryClient, QueryFilter, query_key};
    ///
    /// # let world = ManualEnvironment::new(1);
    /// # let client = QueryClient::new(world.clone());
    /// # let run = async move {
    /// let posts = QueryFilter::prefix(query_key!["posts"]);
    /// client.invalidate(posts.clone());
    /// for (key, error) in client.settled(posts).await {
    ///     println!("{key:?}: {}", error.fetch().map_or("called off", |_| "failed"));
    /// }
    /// # };
    /// # query_cache::Environment::spawn(&world, Box::pin(run));
    /// # world.run();
    /// ```
    pub fn settled(&self, filter: impl Into<QueryFilter>) -> Settled {
        let slots = self.matching(&filter.into());
        let waiting: Vec<_> = self.step(|engine, now, fx| {
            slots.into_iter().filter_map(|slot| engine.wait_for_fetch(slot, now, fx)).collect()
        });
        let call = |(key, slot)| (key, Call::new(self.clone(), slot));
        Settled::new(waiting.into_iter().map(call).collect())
    }

    /// Finds out all that user code has to say about a query, before the engine is asked for it. `None`: this
    /// handle's scope is over, perhaps by that code.
    pub(crate) fn ask<R>(&self, query: &Rc<dyn DynQuery>, act: impl FnOnce(&Asked<'_>) -> R) -> Option<R> {
        if self.is_over() {
            return None;
        }
        let scope = self.read(Engine::scope);
        let (key, kind) = (query.key(), query.kind());
        let policy = self.policy(&key, &**query);
        #[cfg(feature = "hydrate")]
        self.wake(&key, kind, &policy);
        let initial = self.initial(&policy, &key, kind);
        let stand_in = match policy.placeholder() {
            Some(placeholder) if initial.is_none() && !self.has_data(&key, kind) => placeholder(),
            _ => None,
        };
        // What was made for a scope that has ended meanwhile is of no use in the next.
        let current = self.read(Engine::scope) == scope;
        (!self.is_over()).then(|| {
            act(&Asked {
                key: &key,
                kind,
                query,
                policy: &policy,
                initial: initial.as_ref().filter(|_| current),
                stand_in: stand_in.as_ref().filter(|_| current),
            })
        })
    }

    fn initial(&self, policy: &Policy, key: &QueryKey, kind: Kind) -> Option<Initially> {
        let initial = policy.initial()?;
        let (data, at) = if self.has_data(key, kind) { None } else { initial() }?;
        Some(self.initially(data, at, &|engine| engine.find(key, kind)))
    }

    fn has_data(&self, key: &QueryKey, kind: Kind) -> bool {
        self.read(|engine| {
            let entry = engine.find(key, kind).and_then(|slot| engine.get(slot));
            entry.is_some_and(|entry| entry.data().is_some())
        })
    }
}
