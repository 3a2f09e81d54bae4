//! One entry of the cache.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::engine::ObserverSlot;
use crate::environment::Timestamp;
use crate::flight::Flight;
use crate::key::QueryKey;
use crate::options::{Policy, StaleTime};
use crate::query::DynQuery;
use crate::state::State;

/// Which entry: the key and the types. Two types on one key are two entries.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EntryId {
    pub key: QueryKey,
    pub types: TypeId,
}

impl Hash for EntryId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The key's hash is enough to find it; two types on one key are rare.
        self.key.hash(state);
    }
}

pub(crate) struct Entry {
    pub id: EntryId,
    /// How to fetch it; `None` when it was only ever written.
    pub query: Option<Rc<dyn DynQuery>>,
    pub policy: Policy,
    pub state: Rc<State>,
    pub observers: Vec<ObserverSlot>,
    pub fetch: Option<Fetch>,
    /// How often it was invalidated: a fetch begun before cannot clear that.
    pub invalidations: u64,
    /// How often it was written: the answer to a fetch begun before is older.
    pub writes: u64,
    /// To be fetched in the next turn, if somebody watches it then.
    pub due: bool,
    /// When it is thrown away, if nobody has asked for it by then.
    pub gc_at: Timestamp,
    /// The earliest moment at which the timers look at it.
    pub armed: Option<Timestamp>,
}

/// A fetch: all attempts from the asking to the verdict.
pub(crate) struct Fetch {
    pub number: u64,
    pub failures: u32,
    /// The entry's counts when the attempt under way was sent.
    pub invalidations: u64,
    pub writes: u64,
    pub phase: Phase,
}

pub(crate) enum Phase {
    /// An attempt is under way.
    Running(Rc<Flight>),
    /// The next attempt begins then.
    Waiting(Timestamp),
    /// The next attempt begins when the network, the page or the scope is back.
    Blocked,
}

impl Entry {
    pub fn new(id: EntryId, policy: Policy, now: Timestamp) -> Self {
        Entry {
            id,
            query: None,
            policy,
            state: Rc::new(State::empty()),
            observers: Vec::new(),
            fetch: None,
            invalidations: 0,
            writes: 0,
            due: false,
            gc_at: policy.gc.from(now),
            armed: None,
        }
    }

    pub fn is_stale(&self, now: Timestamp) -> bool {
        if self.state.data.is_none() {
            return true;
        }
        match self.policy.stale {
            StaleTime::Static => false,
            StaleTime::WhenInvalidated => self.state.invalidated,
            StaleTime::After(fresh) => self.state.invalidated || now.since(self.state.updated_at) >= fresh,
        }
    }

    /// When there is something to do, if nothing happens before.
    pub fn deadline(&self) -> Option<Timestamp> {
        let retry = match &self.fetch {
            Some(Fetch { phase: Phase::Waiting(until), .. }) => Some(*until),
            _ => None,
        };
        let gc = self.observers.is_empty().then_some(self.gc_at);
        retry.into_iter().chain(gc).min().filter(|at| *at < Timestamp::MAX)
    }
}
