//! Policy: how long data is fresh, how long it is kept, how often a failure is tried again.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::environment::Timestamp;

/// A duration of whole seconds.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A duration of whole minutes.
pub const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(60))
}

/// When data is stale: shown all the same, and fetched again when somebody new asks for it, when the page
/// gains focus and when the network comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleTime {
    /// This long after it arrived, or when invalidated. `After(Duration::ZERO)` is the default.
    After(Duration),
    /// Only when invalidated.
    WhenInvalidated,
    /// Never, invalidated or not.
    Static,
}

/// How long data that nobody watches is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GcTime {
    /// This long after the last one let go. Five minutes is the default.
    After(Duration),
    /// Until it is removed or the scope ends.
    Never,
}

impl GcTime {
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            GcTime::After(keep) => now.after(keep),
            GcTime::Never => Timestamp::MAX,
        }
    }
}

/// The options of a query, without its types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub retry: u32,
    pub stale: StaleTime,
    pub gc: GcTime,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { retry: 3, stale: StaleTime::After(Duration::ZERO), gc: GcTime::After(minutes(5)) }
    }
}

/// How a query is fetched and kept. Handed to [`Query::options`](crate::Query::options) with the defaults in
/// it, to be returned changed.
pub struct QueryOptions<Q: ?Sized> {
    policy: Policy,
    query: PhantomData<fn(&Q)>,
}

impl<Q: ?Sized> Default for QueryOptions<Q> {
    fn default() -> Self {
        QueryOptions { policy: Policy::default(), query: PhantomData }
    }
}

impl<Q: ?Sized> fmt::Debug for QueryOptions<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.fmt(f)
    }
}

impl<Q: ?Sized> QueryOptions<Q> {
    /// How often a fetch that failed is tried again: `retry(2)` makes three attempts. Default 3. Between
    /// attempts there is a random wait of up to 1 s, 2 s, 4 s and so on, never over 30 s, or the one that
    /// the error asked for.
    pub fn retry(mut self, times: u32) -> Self {
        self.policy.retry = times;
        self
    }

    /// When data is stale. Default: at once.
    pub fn stale(mut self, stale: StaleTime) -> Self {
        self.policy.stale = stale;
        self
    }

    /// Data is fresh for this long after it arrived: [`StaleTime::After`]. Default zero.
    pub fn stale_after(self, fresh: Duration) -> Self {
        self.stale(StaleTime::After(fresh))
    }

    /// How long data that nobody watches is kept. Default: five minutes.
    pub fn gc(mut self, gc: GcTime) -> Self {
        self.policy.gc = gc;
        self
    }

    /// Data that nobody watches is kept for this long: [`GcTime::After`]. Default five minutes.
    pub fn gc_after(self, keep: Duration) -> Self {
        self.gc(GcTime::After(keep))
    }

    pub(crate) fn into_policy(self) -> Policy {
        self.policy
    }
}
