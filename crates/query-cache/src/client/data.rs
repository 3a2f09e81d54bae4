//! Reading and writing what is in the cache.

use std::rc::Rc;

use super::QueryClient;
#[cfg(feature = "hydrate")]
use super::extensions::Concern;
use super::seeing::ROUNDS;
use crate::engine::{Then, Value};
use crate::entry::Kind;
use crate::environment::Timestamp;
use crate::filter::{QueryFilter, QueryInfo};
use crate::key::QueryKey;
use crate::options::QueryOptions;
use crate::policy::{Initial, Policy};
use crate::query::{Query, kind_of};
use crate::slab::Slot;
use crate::view::{QueryState, Snapshot};

impl QueryClient {
    // ----- reading

    /// The data of the query, fresh or stale. `None` when there is none or the scope is held.
    pub fn get_data<Q: Query>(&self, query: &Q) -> Option<Rc<Q::Data>> {
        self.snapshot(query)?.state.data.clone()?.downcast().ok()
    }

    /// The data below what is [patched](QueryClient::patch) over it: what the server said, or was written. `None`
    /// when there is none or the scope is held.
    pub fn committed_data<Q: Query>(&self, query: &Q) -> Option<Rc<Q::Data>> {
        self.snapshot(query)?;
        let key = query.key();
        let base = self.read(|engine| engine.get(engine.find(&key, kind_of::<Q>())?)?.base().cloned());
        base?.downcast().ok()
    }

    /// What is known of the query at this moment. `None` when it has no entry or the scope is held.
    pub fn get_state<Q: Query>(&self, query: &Q) -> Option<QueryState<Q::Data, Q::Error>> {
        self.snapshot(query).map(|snapshot| snapshot.state())
    }

    /// [`QueryClient::get_state`], in every respect.
    pub fn snapshot<Q: Query>(&self, query: &Q) -> Option<Snapshot> {
        let key = query.key();
        #[cfg(feature = "hydrate")]
        self.wake_to_read(query, &key);
        let now = self.now();
        if self.is_over() {
            return None;
        }
        self.read(|engine| engine.peek(engine.find(&key, kind_of::<Q>())?, now))
    }

    /// The queries that the filter means, in no particular order. Nothing while the scope is held.
    pub fn find(&self, filter: impl Into<QueryFilter>) -> Vec<QueryInfo> {
        let filter = filter.into();
        let now = self.now();
        let slots = self.matching(&filter);
        slots.into_iter().filter_map(|slot| self.read(|engine| engine.info(slot, now))).collect()
    }

    /// How many queries the filter means.
    pub fn count(&self, filter: impl Into<QueryFilter>) -> usize {
        self.matching(&filter.into()).len()
    }

    /// How many queries the cache holds.
    pub fn query_count(&self) -> usize {
        self.read(|engine| engine.counts().0)
    }

    /// How many observers watch them.
    pub fn observer_count(&self) -> usize {
        self.read(|engine| engine.counts().1)
    }

    pub(crate) fn matching(&self, filter: &QueryFilter) -> Vec<Slot> {
        if self.is_over() {
            return Vec::new();
        }
        let now = self.now();
        let mut slots = self.read(|engine| engine.matching(filter, now));
        #[cfg(feature = "hydrate")]
        self.add_sleeping(filter, &mut slots);
        if let Some(predicate) = &filter.predicate {
            slots.retain(|slot| {
                let info = self.read(|engine| engine.info(*slot, now));
                info.is_some_and(|info| predicate(&info))
            });
        }
        slots
    }

    // ----- writing

    /// Writes data. It is as fresh as an answer that arrives now, unless the query was invalidated before:
    /// then it still is to be fetched. The answer to a fetch begun before is older, and is discarded when it
    /// comes.
    pub fn set_data<Q: Query>(&self, query: &Q, data: Q::Data) {
        self.set_data_of(query, data, self.now());
    }

    /// [`QueryClient::set_data`], of data that was fetched at that moment.
    pub fn set_data_of<Q: Query>(&self, query: &Q, data: Q::Data, at: Timestamp) {
        // The query's own code may end the scope that this is written for.
        let here = self.in_this_scope();
        let key = query.key();
        let policy = here.policy_of(query, &key);
        let data: Value = Rc::new(data);
        here.write(&key, kind_of::<Q>(), &policy, &data, at);
    }

    fn write(&self, key: &QueryKey, kind: Kind, policy: &Rc<Policy>, data: &Value, at: Timestamp) {
        let equal = self.equal_data(key, kind, policy, data);
        self.put(key, kind, policy, equal.as_ref().unwrap_or(data), at);
    }

    fn put(&self, key: &QueryKey, kind: Kind, policy: &Rc<Policy>, data: &Value, at: Timestamp) {
        if !self.is_over() {
            self.see(&|engine| engine.find(key, kind), data, None, &|engine, seen, now, fx| {
                let slot = engine.entry_for_write(key, kind, policy, now, fx);
                engine.write(slot, data, seen, at, now, fx);
            });
        }
    }

    /// The data that is there, if the query keeps that in place of an equal value.
    fn equal_data(&self, key: &QueryKey, kind: Kind, policy: &Policy, data: &Value) -> Option<Value> {
        let (same, held) = self.read(|engine| {
            let entry = engine.find(key, kind).and_then(|slot| engine.get(slot))?;
            Some((policy.same().or(entry.policy.same())?, entry.base()?.clone()))
        })?;
        same(&*held, &**data).then_some(held)
    }

    /// Makes new data of what is there; `None` leaves that as it is. The closure is called again if the data
    /// changed while it ran. Says whether anything was written: nothing is when the scope ended, or the query
    /// was removed, meanwhile.
    pub fn update<Q: Query>(&self, query: &Q, update: impl Fn(Option<&Q::Data>) -> Option<Q::Data>) -> bool {
        let here = self.in_this_scope();
        let (key, kind) = (query.key(), kind_of::<Q>());
        let policy = self.policy_of(query, &key);
        for _ in 0..ROUNDS {
            let read = || here.read(|engine| engine.version(engine.find(&key, kind)));
            let before = read();
            let held = here.committed_data(query);
            let Some(data) = update(held.as_deref()) else { return false };
            let data: Value = Rc::new(data);
            // Comparing may write, too: it comes before the look at what has changed meanwhile.
            let data = here.equal_data(&key, kind, &policy, &data).unwrap_or(data);
            if here.is_over() || (before.is_some() && read().is_none()) {
                return false;
            }
            if read() == before {
                here.put(&key, kind, &policy, &data, here.now());
                return true;
            }
        }
        false
    }

    /// [`QueryClient::update`] of every query of this type that has data and that the filter means. Says how
    /// many were written.
    pub fn update_all<Q: Query>(
        &self,
        filter: impl Into<QueryFilter>,
        update: impl Fn(&Q::Data) -> Option<Q::Data>,
    ) -> usize {
        let here = self.in_this_scope();
        let slots = self.matching(&filter.into().query::<Q>());
        #[cfg(feature = "hydrate")]
        self.outdate_sleeping(&slots);
        slots.into_iter().filter(|slot| here.update_slot(*slot, &update)).count()
    }

    fn update_slot<T: 'static>(&self, slot: Slot, update: impl Fn(&T) -> Option<T>) -> bool {
        let read = || self.read(|engine| engine.version(Some(slot)));
        for _ in 0..ROUNDS {
            let before = read();
            let held = self.read(|engine| engine.get(slot).and_then(|entry| entry.base()).cloned());
            let Some(held) = held.and_then(|data| data.downcast::<T>().ok()) else { return false };
            let Some(data) = update(&held) else { return false };
            let same = self.read(|engine| engine.get(slot)?.policy.same());
            let data: Value = if same.is_some_and(|same| same(&*held, &data)) { held } else { Rc::new(data) };
            if self.is_over() || read().is_none() {
                return false;
            }
            if read() == before {
                self.see(&|_| Some(slot), &data, None, &|engine, seen, now, fx| {
                    engine.write(slot, &data, seen, now, now, fx);
                });
                return true;
            }
        }
        false
    }

    pub(crate) fn push(&self, key: &QueryKey, kind: Kind, pushed: Result<Value, Value>) {
        if self.is_over() {
            return;
        }
        let policy = self.share(self.default_policy(key));
        match pushed {
            Ok(data) => self.write(key, kind, &policy, &data, self.now()),
            Err(error) => {
                self.step(|engine, now, fx| engine.push_error(key, kind, &policy, &error, now, fx));
            }
        }
    }

    /// Writes an error, as if the query had been fetched and had failed: for a source of data outside.
    pub fn set_error<Q: Query>(&self, query: &Q, error: Q::Error) {
        let here = self.in_this_scope();
        let key = query.key();
        let policy = here.policy_of(query, &key);
        let error: Value = Rc::new(error);
        if !here.is_over() {
            here.step(|engine, now, fx| {
                engine.push_error(&key, kind_of::<Q>(), &policy, &error, now, fx);
            });
        }
    }

    pub(crate) fn policy_of<Q: Query>(&self, query: &Q, key: &QueryKey) -> Rc<Policy> {
        let options = query.options(QueryOptions::of(self.default_policy(key)));
        let policy = self.share(options.into_policy());
        #[cfg(feature = "hydrate")]
        self.wake(key, kind_of::<Q>(), &policy);
        policy
    }

    // ----- out of date

    /// Says that these queries are out of date. What is watched is fetched again: once, however often this
    /// is said in one turn. A fetch that began before cannot clear it.
    pub fn invalidate(&self, filter: impl Into<QueryFilter>) {
        self.invalidate_then(filter, Then::FetchActive);
    }

    /// [`QueryClient::invalidate`], with a say in what is fetched at once. What is
    /// [static](crate::StaleTime::Static), and what only the disabled watch, never is.
    pub fn invalidate_then(&self, filter: impl Into<QueryFilter>, then: Then) {
        let filter = filter.into();
        // First: it may mean what is fresh, and then nothing is.
        #[cfg(feature = "hydrate")]
        self.tell_concern(&filter, Concern::Invalidated(then));
        self.each(filter, |engine, slot, now, fx| engine.invalidate(slot, then, now, fx));
    }

    /// Fetches these queries again, fresh or not, watched or not; not what is
    /// [static](crate::StaleTime::Static) and has data, and not what only the disabled watch. Joins an
    /// attempt that is under way; does not wait for a retry.
    pub fn refetch(&self, filter: impl Into<QueryFilter>) {
        self.each(filter, |engine, slot, now, fx| engine.refetch(slot, now, fx));
    }

    /// Calls the fetches of these queries off. All is as it was before they began; a call that waits gets
    /// the data that is there, or [`QueryError::Cancelled`](crate::QueryError::Cancelled).
    pub fn cancel(&self, filter: impl Into<QueryFilter>) {
        self.each(filter, |engine, slot, now, fx| engine.cancel(slot, true, now, fx));
    }

    /// Calls the fetches of these queries off, and has them shown as failed, with
    /// [`QueryError::Cancelled`](crate::QueryError::Cancelled).
    pub fn cancel_as_failed(&self, filter: impl Into<QueryFilter>) {
        self.each(filter, |engine, slot, now, fx| engine.cancel(slot, false, now, fx));
    }

    /// Has these queries begin anew, with their initial data if they have any. What is watched is fetched.
    pub fn reset(&self, filter: impl Into<QueryFilter>) {
        self.begin(filter, |engine, slot, now, fx| engine.reset(slot, now, fx));
    }

    /// Forgets these queries. Where one is watched, it begins anew and is fetched.
    pub fn remove(&self, filter: impl Into<QueryFilter>) {
        self.begin(filter, |engine, slot, now, fx| engine.remove(slot, now, fx));
    }

    /// Forgets every query, as [`QueryClient::remove`].
    pub fn clear(&self) {
        self.remove(QueryFilter::all());
    }

    fn each(
        &self,
        filter: impl Into<QueryFilter>,
        act: impl Fn(&mut crate::engine::Engine, Slot, Timestamp, &mut crate::engine::Effects),
    ) {
        let slots = self.matching(&filter.into());
        self.step(|engine, now, fx| slots.into_iter().for_each(|slot| act(engine, slot, now, fx)));
    }

    fn begin(
        &self,
        filter: impl Into<QueryFilter>,
        act: impl Fn(&mut crate::engine::Engine, Slot, Timestamp, &mut crate::engine::Effects) -> Option<Initial>,
    ) {
        let filter = filter.into();
        let slots = self.matching(&filter);
        // First: what begins anew is not to find there what is forgotten.
        #[cfg(feature = "hydrate")]
        self.tell_concern(&filter, Concern::Forgotten);
        let begin = self.step(|engine, now, fx| {
            let initial = |slot| act(engine, slot, now, fx).map(|initial| (slot, initial));
            slots.into_iter().filter_map(initial).collect()
        });
        self.begin_with(begin);
    }

    /// Puts in what queries begin with, which is theirs to say.
    pub(super) fn begin_with(&self, begin: Vec<(Slot, Initial)>) {
        let here = self.in_this_scope();
        for (slot, initial) in begin {
            let Some((data, at)) = initial() else { continue };
            let initially = self.initially(data, at, &|_| Some(slot));
            if !here.is_over() {
                self.step(|engine, now, fx| engine.initial(slot, &initially, now, fx));
            }
        }
    }
}
