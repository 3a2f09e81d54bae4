//! What people see of a state.

use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::engine::Value;
use crate::environment::Timestamp;
use crate::error::QueryError;
use crate::state::{Failure, FetchStatus, State, Status};

/// What is known of a query, to be matched on.
///
/// Whether a fetch is under way is no part of it: somebody who does not show that need not be told.
#[derive(Debug)]
pub enum QueryState<T, E> {
    /// No data, and nobody is fetching any: the query is disabled, or its first fetch was called off.
    Idle,
    /// No data yet, and no verdict: being fetched.
    Pending {
        /// The attempt that failed, while others follow.
        retry: Option<Retry<E>>,
        /// Nothing is being sent: the next attempt waits until there is a network.
        paused: bool,
    },
    /// No data: the last fetch failed.
    Failed {
        /// Why.
        error: QueryError<E>,
    },
    /// There is data, fresh or stale.
    Ready {
        /// The data. Its `Rc` stays the same for as long as the data does.
        data: Rc<T>,
        /// Not this query's own data: a placeholder, or what was shown before the key changed.
        placeholder: bool,
        /// Why the last attempt to get newer data failed; `None` when it did not.
        refresh_error: Option<QueryError<E>>,
        /// The attempt to get newer data that failed, while others follow.
        retry: Option<Retry<E>>,
        /// Newer data is wanted, and the attempt waits until there is a network.
        paused: bool,
    },
}

/// An attempt that failed and will be repeated: "attempt 1 of 3 failed; retrying in 2 s".
#[derive(Debug)]
pub struct Retry<E> {
    /// Which attempt failed; the first is 1.
    pub attempt: u32,
    /// How many attempts there will be at most.
    pub attempts: u32,
    /// Why it failed.
    pub error: Rc<E>,
    /// How long the wait before the next attempt is, as it was drawn.
    pub wait: Duration,
    /// When the next attempt begins.
    pub at: Timestamp,
    /// Still waiting. `false` once the next attempt is under way, or paused.
    pub waiting: bool,
}

impl<T, E> QueryState<T, E> {
    /// Pending, with nothing to tell.
    pub const fn pending() -> Self {
        QueryState::Pending { retry: None, paused: false }
    }

    /// The data, if there is any: a placeholder, too.
    pub fn data(&self) -> Option<&Rc<T>> {
        match self {
            QueryState::Ready { data, .. } => Some(data),
            QueryState::Idle | QueryState::Pending { .. } | QueryState::Failed { .. } => None,
        }
    }

    /// Why there is no data, or none newer.
    pub fn error(&self) -> Option<&QueryError<E>> {
        match self {
            QueryState::Failed { error } => Some(error),
            QueryState::Ready { refresh_error, .. } => refresh_error.as_ref(),
            QueryState::Idle | QueryState::Pending { .. } => None,
        }
    }

    /// The attempt that failed, while others follow.
    pub fn retry(&self) -> Option<&Retry<E>> {
        match self {
            QueryState::Pending { retry, .. } | QueryState::Ready { retry, .. } => retry.as_ref(),
            QueryState::Idle | QueryState::Failed { .. } => None,
        }
    }

    /// Whether the data is not this query's own.
    pub fn is_placeholder(&self) -> bool {
        matches!(self, QueryState::Ready { placeholder: true, .. })
    }

    /// Whether the first data is being fetched.
    pub fn is_pending(&self) -> bool {
        matches!(self, QueryState::Pending { .. })
    }
}

// By hand: an `Rc` is cloned, so neither data nor error need be `Clone`.
impl<T, E> Clone for QueryState<T, E> {
    fn clone(&self) -> Self {
        match self {
            QueryState::Idle => QueryState::Idle,
            QueryState::Pending { retry, paused } => {
                QueryState::Pending { retry: retry.clone(), paused: *paused }
            }
            QueryState::Failed { error } => QueryState::Failed { error: error.clone() },
            QueryState::Ready { data, placeholder, refresh_error, retry, paused } => QueryState::Ready {
                data: data.clone(),
                placeholder: *placeholder,
                refresh_error: refresh_error.clone(),
                retry: retry.clone(),
                paused: *paused,
            },
        }
    }
}

impl<E> Clone for Retry<E> {
    fn clone(&self) -> Self {
        Retry { error: self.error.clone(), ..*self }
    }
}

/// All that is known of a query at one moment, for what [`QueryState`] does not say.
#[derive(Clone, Debug)]
pub struct Details<E> {
    /// What is known.
    pub status: Status,
    /// What is being done.
    pub fetch_status: FetchStatus,
    /// How often data arrived or was written. Initial data does not count.
    pub data_updates: u32,
    /// When the data arrived or was written; `None` without data.
    pub updated_at: Option<Timestamp>,
    /// How often a fetch failed for good.
    pub error_updates: u32,
    /// When the last one failed for good; `None` when none did.
    pub error_at: Option<Timestamp>,
    /// How many attempts of the present fetch failed, or of the last one if it failed.
    pub failures: u32,
    /// Why the last of them failed.
    pub last_failure: Option<Rc<E>>,
    /// Said to be out of date: by [`invalidate`](crate::QueryClient::invalidate), or since a fetch failed.
    pub invalidated: bool,
}

/// The state of an entry at one moment, as one observer sees it, without its types.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) state: Rc<State>,
    /// Shown while there is no data.
    pub(crate) stand_in: Option<Value>,
    pub(crate) stale: bool,
    pub(crate) enabled: bool,
    pub(crate) fetched_since: bool,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("status", &self.state.status)
            .field("fetch_status", &self.state.activity)
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Of nothing.
    pub(crate) fn pending() -> Self {
        Snapshot {
            state: Rc::new(State::awaited()),
            stand_in: None,
            stale: true,
            enabled: true,
            fetched_since: false,
        }
    }

    /// Whether a fetch is under way: an attempt, or the wait before the next.
    pub fn is_fetching(&self) -> bool {
        self.state.activity == FetchStatus::Fetching
    }

    /// Whether newer data should be fetched when there is a reason to. Never, for somebody who is disabled.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether watching fetches.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether an answer, a failure or a write has come since the observer began to watch this key.
    pub fn is_fetched_since_mount(&self) -> bool {
        self.fetched_since
    }

    /// How many results there have been: answers, writes and failures, those before a reset among them. Tells
    /// two results apart.
    pub fn result_count(&self) -> u64 {
        u64::from(self.state.results)
    }

    /// The data without its type, if there is any: a placeholder, too.
    pub fn any_data(&self) -> Option<&Rc<dyn Any>> {
        match &self.state.data {
            Some(data) => Some(data),
            None => self.stand_in.as_ref().filter(|_| self.state.status == Status::Pending),
        }
    }

    /// The state with its types. Pending, if they are not those of the query it was taken of.
    pub fn state<T: 'static, E: 'static>(&self) -> QueryState<T, E> {
        let state = &*self.state;
        let paused = state.activity == FetchStatus::Paused;
        let retry = || state.failure.as_ref().filter(|_| !state.is_idle()).and_then(|f| self.retry(f));
        let error = || state.error.as_ref().and_then(typed_error);
        if let Some(data) = self.any_data().and_then(|data| data.clone().downcast::<T>().ok()) {
            return QueryState::Ready {
                data,
                placeholder: state.data.is_none(),
                refresh_error: error(),
                retry: retry(),
                paused,
            };
        }
        match (state.status, error()) {
            (Status::Error, Some(error)) => QueryState::Failed { error },
            _ if state.is_idle() && !state.awaited && state.data.is_none() => QueryState::Idle,
            _ => QueryState::Pending { retry: retry(), paused },
        }
    }

    /// All that is known, with the error's type.
    pub fn details<E: 'static>(&self) -> Details<E> {
        let state = &*self.state;
        Details {
            status: state.status,
            fetch_status: state.activity,
            data_updates: state.data_updates,
            updated_at: state.data.as_ref().map(|_| state.updated_at),
            error_updates: state.error_updates,
            error_at: (state.error_updates > 0).then_some(state.error_at),
            failures: state.failure.as_ref().map_or(0, |failure| failure.attempt),
            last_failure: state.failure.as_ref().and_then(|f| f.error.clone().downcast().ok()),
            invalidated: state.invalidated,
        }
    }

    fn retry<E: 'static>(&self, failure: &Failure) -> Option<Retry<E>> {
        Some(Retry {
            attempt: failure.attempt,
            attempts: failure.attempts,
            error: failure.error.clone().downcast().ok()?,
            wait: failure.wait,
            at: failure.at,
            waiting: self.state.waiting,
        })
    }
}

pub(crate) fn typed_error<E: 'static>(error: &QueryError<dyn Any>) -> Option<QueryError<E>> {
    Some(match error {
        QueryError::Fetch(error) => QueryError::Fetch(error.clone().downcast().ok()?),
        QueryError::Misuse(misuse) => QueryError::Misuse(*misuse),
        QueryError::Cancelled => QueryError::Cancelled,
    })
}
