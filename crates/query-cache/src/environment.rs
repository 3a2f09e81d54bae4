//! The world outside, passed in: time, tasks, one alarm, randomness.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::client::QueryClient;

/// A future that stays on its thread.
pub type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// A moment: milliseconds since the Unix epoch, by the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The end of time: what is due then never happens.
    pub const MAX: Timestamp = Timestamp(u64::MAX);

    /// The moment this many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Timestamp(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This much later, in whole milliseconds rounded up; [`Timestamp::MAX`] where it would overflow.
    pub fn after(self, wait: Duration) -> Self {
        self.plus(Millis::of(wait))
    }

    /// This much later; [`Timestamp::MAX`] where it would overflow.
    pub(crate) fn plus(self, wait: Millis) -> Self {
        Timestamp(self.0.saturating_add(wait.0))
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub(crate) fn past(self, earlier: Timestamp) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A span of time in whole milliseconds: a word, where a `Duration` is three, and there are many.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(pub u64);

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Duration::from_millis(self.0).fmt(f)
    }
}

impl Millis {
    /// Rounded up: rounded down, something that is over in half a millisecond would be due before it is over.
    pub fn of(wait: Duration) -> Self {
        let part = u64::from(wait.subsec_nanos().div_ceil(1_000_000));
        Millis(wait.as_secs().saturating_mul(1_000).saturating_add(part))
    }
}

/// What the cache needs from the world. A browser is one, a virtual clock in a test another.
///
/// The cache never asks whether it is focused or online and never waits: the environment, or whoever owns
/// the client, tells it by [`QueryClient::set_focused`], [`QueryClient::set_online`] and
/// [`QueryClient::alarm`].
pub trait Environment {
    /// Called once, when a client takes this environment. Where the environment learns whom to tell about
    /// alarms, focus and network; keep a [`downgraded`](QueryClient::downgrade) handle, since the client
    /// owns the environment. Does nothing unless overridden.
    fn attach(&self, client: &QueryClient) {
        let _ = client;
    }

    /// An attempt failed because there seems to be no network ([`ErrorClass::Offline`](crate::ErrorClass)).
    /// An environment that can find out says so here, by [`QueryClient::set_online`]; the fetch then pauses
    /// instead of failing. Does nothing unless overridden.
    fn network_failed(&self, client: &QueryClient) {
        let _ = client;
    }

    /// The time by the wall clock.
    fn now(&self) -> Timestamp;

    /// Runs the task to its end, later: it must not be polled inside of this call.
    fn spawn(&self, task: LocalBoxFuture<()>);

    /// Call [`QueryClient::alarm`] at this moment, or as soon after as possible; earlier does no harm.
    /// Replaces the alarm set before; `None` takes it back.
    fn set_alarm(&self, at: Option<Timestamp>);

    /// Any 64 bits, evenly spread. For the jitter of retries, not for secrets.
    fn random(&self) -> u64;
}
