//! One entry of the cache.

use std::any::{Any, TypeId};
use std::rc::Rc;

use crate::engine::{Layers, Value, WaiterSlot, Watchers};
use crate::environment::Timestamp;
use crate::flight::Flight;
use crate::key::QueryKey;
use crate::options::{NetworkMode, Refetch};
use crate::policy::{Fresh, Policy};
use crate::query::DynQuery;
use crate::state::State;

/// What is in an entry. A function, since that is one word where the types themselves are many.
pub(crate) type Kind = fn() -> Types;

/// Whether both are of the same types. One function always is; asking it is dearer than looking.
pub(crate) fn same_types(a: Kind, b: Kind) -> bool {
    std::ptr::fn_addr_eq(a, b) || a().types == b().types
}

/// The types of an entry.
#[derive(Debug)]
pub struct Types {
    /// Of data and error: part of the identity. Not of the query: every closure is a type of its own.
    pub(crate) types: TypeId,
    /// Of the query, for filters.
    pub(crate) query: TypeId,
    pub(crate) name: &'static str,
}

/// Why a fetch was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchCause {
    /// Somebody asked: by watching, or by a call.
    Asked,
    /// It was invalidated, reset or removed while somebody watched.
    Invalidated,
    /// The page is seen again.
    Focus,
    /// The network is back.
    Reconnect,
    /// Its interval is over.
    Interval,
}

pub(crate) struct Entry {
    pub key: QueryKey,
    pub kind: Kind,
    /// How to fetch it; `None` when it was only ever written.
    pub query: Option<Rc<dyn DynQuery>>,
    pub policy: Rc<Policy>,
    pub state: Rc<State>,
    pub observers: Watchers,
    pub fetch: Option<Box<Fetch>>,
    /// What few entries have.
    pub extra: Option<Box<Extra>>,
    /// How often it was invalidated: a fetch begun before cannot clear that.
    pub invalidations: u32,
    /// How often it was written: the answer to a fetch begun before is older.
    pub writes: u32,
    /// To be fetched in the next turn, if somebody watches it then.
    pub due: bool,
    /// That there is another entry of this key has been told.
    pub clash_told: bool,
    /// An observer asked to be told when the data turns stale.
    pub tells_stale: bool,
    /// Since the data last changed, they were.
    pub stale_told: bool,
    /// When it is thrown away, if nobody has asked for it by then.
    pub gc_at: Timestamp,
    /// When an observer's interval is over, at the earliest.
    pub poll_at: Timestamp,
    /// The earliest moment at which the timers look at it.
    pub armed: Timestamp,
    /// Where it stands in each list of the index.
    pub places: Box<[u32]>,
}

/// What few entries have.
#[derive(Default)]
pub(crate) struct Extra {
    /// What feeds it from outside.
    pub feed: Option<Box<dyn Any>>,
    /// What lies over its data.
    pub layers: Option<Box<dyn Layers>>,
}

/// A fetch: all attempts from the asking to the verdict.
pub(crate) struct Fetch {
    /// Names the attempt under way. An answer with another number is of no use to anybody.
    pub number: u64,
    pub cause: FetchCause,
    pub failures: u32,
    /// The entry's counts when the attempt under way was sent.
    pub invalidations: u32,
    pub writes: u32,
    /// The answer is of that time. `None`: of when it comes.
    pub dated: Option<Timestamp>,
    pub phase: Phase,
    /// Has been looked for where it is stored.
    #[cfg(feature = "hydrate")]
    pub looked: bool,
    /// It is its turn to be sent, of all tabs.
    #[cfg(feature = "hydrate")]
    pub admitted: bool,
    /// Goes on without anybody's interest.
    pub detached: bool,
    /// Calls that wait for its verdict.
    pub waiters: Vec<WaiterSlot>,
    /// What was known before it began.
    pub before: Rc<State>,
    /// The data that was below all layers then.
    #[cfg(feature = "stream")]
    pub below: Option<Value>,
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
    pub fn new(key: QueryKey, kind: Kind, policy: Rc<Policy>, now: Timestamp) -> Self {
        Entry {
            key,
            kind,
            query: None,
            gc_at: now.plus(policy.plain.gc),
            policy,
            state: Rc::new(State::empty()),
            observers: Watchers::default(),
            fetch: None,
            extra: None,
            invalidations: 0,
            writes: 0,
            due: false,
            clash_told: false,
            tells_stale: false,
            stale_told: false,
            poll_at: Timestamp::MAX,
            armed: Timestamp::MAX,
            places: Box::default(),
        }
    }

    /// The data that is shown.
    pub fn data(&self) -> Option<&Value> {
        self.state.data.as_ref()
    }

    pub fn layers(&self) -> Option<&dyn Layers> {
        self.extra.as_ref()?.layers.as_deref()
    }

    /// The data below all layers.
    pub fn base(&self) -> Option<&Value> {
        self.layers().map_or_else(|| self.data(), |layers| layers.base())
    }

    pub fn take_feed(&mut self) -> Option<Box<dyn Any>> {
        self.extra.as_mut()?.feed.take()
    }

    /// Whether what is there should be fetched again when there is a reason to.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        is_stale(&self.state, self.policy.plain.stale, now)
    }

    /// Whether a reason to fetch what is there is reason enough.
    pub fn moved_by(&self, reason: Refetch, now: Timestamp) -> bool {
        match reason {
            Refetch::No => false,
            Refetch::WhenStale => self.is_stale(now),
            Refetch::Always => self.policy.plain.stale != Fresh::ALWAYS || self.data().is_none(),
        }
    }

    /// Whether somebody wants the fetch to go on.
    pub fn is_wanted(&self) -> bool {
        !self.observers.is_empty()
            || self.fetch.as_ref().is_some_and(|fetch| {
                let stuck = matches!(fetch.phase, Phase::Blocked) && self.state.data.is_none();
                !fetch.waiters.is_empty()
                    || fetch.detached
                    || (self.policy.plain.finishes_unwatched && !stuck)
            })
    }

    /// Whether an attempt is under way.
    pub fn is_running(&self) -> bool {
        matches!(self.fetch.as_deref(), Some(Fetch { phase: Phase::Running(_), .. }))
    }

    /// Whether the attempt under way was sent before the last invalidation.
    pub fn runs_behind(&self) -> bool {
        self.is_running()
            && self.fetch.as_ref().is_some_and(|fetch| fetch.invalidations != self.invalidations)
    }

    pub fn needs_network(&self) -> bool {
        let first = self.fetch.as_ref().is_none_or(|fetch| fetch.failures == 0);
        match self.policy.plain.network {
            NetworkMode::Online => true,
            NetworkMode::Always => false,
            NetworkMode::OfflineFirst => !first,
        }
    }

    /// When there is something to do, if nothing happens before; [`Timestamp::MAX`] when there is not.
    pub fn deadline(&self, now: Timestamp) -> Timestamp {
        let retry = match self.fetch.as_deref() {
            Some(Fetch { phase: Phase::Waiting(until), .. }) => *until,
            _ => Timestamp::MAX,
        };
        let gc = if self.observers.is_empty() && self.fetch.is_none() { self.gc_at } else { Timestamp::MAX };
        let stale = if self.tells_stale { self.stale_at(now) } else { Timestamp::MAX };
        retry.min(gc).min(self.poll_at).min(stale)
    }

    /// When fresh data turns stale of itself.
    fn stale_at(&self, now: Timestamp) -> Timestamp {
        if self.is_stale(now) { Timestamp::MAX } else { self.policy.plain.stale.end(self.state.updated_at) }
    }
}

pub(crate) fn is_stale(state: &State, fresh: Fresh, now: Timestamp) -> bool {
    state.data.is_none()
        || state.partial
        || (fresh != Fresh::ALWAYS && (state.invalidated || fresh.is_over(state.updated_at, now)))
}
