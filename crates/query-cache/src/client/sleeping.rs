//! What is in the cache as JSON, until somebody asks for it.

use std::rc::Rc;

use super::QueryClient;
use crate::engine::Then;
use crate::entry::Kind;
use crate::filter::QueryFilter;
use crate::key::QueryKey;
use crate::policy::Policy;
use crate::query::Query;
use crate::slab::Slot;

/// What sees to it. A client that was never given JSON has none of this.
#[derive(Clone, Copy)]
pub(crate) struct Asleep {
    /// The entry of this key that is still JSON.
    pub find: fn(&QueryClient, &QueryKey) -> Option<Slot>,
    /// Decodes it, for a query of this kind.
    pub wake: fn(&QueryClient, &QueryKey, Kind, &Rc<Policy>),
    /// Those that a filter means which says of what type they are.
    pub meant: fn(&QueryClient, &QueryFilter) -> Vec<Slot>,
    /// Whether this entry is still JSON.
    pub is: fn(&QueryClient, Slot) -> bool,
}

impl QueryClient {
    pub(crate) fn see_to_sleeping(&self, asleep: Asleep) {
        self.shared.asleep.set(Some(asleep));
    }

    /// Somebody asks for this entry: if it is JSON, it is decoded. Runs user code.
    pub(super) fn wake(&self, key: &QueryKey, kind: Kind, policy: &Rc<Policy>) {
        if let Some(asleep) = self.shared.asleep.get() {
            (asleep.wake)(self, key, kind, policy);
        }
    }

    /// Reading asks for no options, unless there is JSON to be decoded by them.
    pub(super) fn wake_to_read<Q: Query>(&self, query: &Q, key: &QueryKey) {
        if self.shared.asleep.get().is_some_and(|asleep| (asleep.find)(self, key).is_some()) {
            self.policy_of(query, key);
        }
    }

    /// Whoever means a query, or a type of query, means it as JSON too.
    pub(super) fn add_sleeping(&self, filter: &QueryFilter, slots: &mut Vec<Slot>) {
        if let Some(asleep) = self.shared.asleep.get() {
            slots.extend((asleep.meant)(self, filter));
        }
    }

    /// What is still JSON cannot be updated; it is not to pass for what is.
    pub(super) fn outdate_sleeping(&self, slots: &[Slot]) {
        let Some(asleep) = self.shared.asleep.get() else { return };
        let sleeping: Vec<Slot> = slots.iter().copied().filter(|slot| (asleep.is)(self, *slot)).collect();
        self.step(|engine, now, fx| {
            sleeping.into_iter().for_each(|slot| engine.invalidate(slot, Then::Nothing, now, fx));
        });
    }
}
