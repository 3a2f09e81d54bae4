//! The state of an entry, the one function that changes it, and the view that people match on.

use std::ops::BitOr;
use std::rc::Rc;
use std::time::Duration;

use crate::engine::Value;
use crate::environment::Timestamp;
use crate::error::QueryError;

/// What we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Error,
    Success,
}

/// What we are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Idle,
    /// An attempt is under way, or the next one is being waited for.
    Fetching,
    /// The next attempt waits for the network, the page or the scope to come back.
    Paused,
}

/// A failed attempt that is not the last.
#[derive(Clone)]
pub(crate) struct Failure {
    pub attempt: u32,
    pub attempts: u32,
    pub error: Value,
    pub wait: Duration,
    pub at: Timestamp,
    pub waiting: bool,
}

/// The state of an entry. Immutable: each change makes another, so what was handed out stays as it was.
#[derive(Clone)]
pub(crate) struct State {
    pub status: Status,
    pub activity: Activity,
    pub data: Option<Value>,
    pub updated_at: Timestamp,
    pub error: Option<QueryError<dyn std::any::Any>>,
    pub failure: Option<Failure>,
    pub invalidated: bool,
}

impl State {
    pub fn empty() -> Self {
        State {
            status: Status::Pending,
            activity: Activity::Idle,
            data: None,
            updated_at: Timestamp::default(),
            error: None,
            failure: None,
            invalidated: false,
        }
    }
}

/// Everything that can happen to a state. Borrows the values, so that none can be dropped in here.
pub(crate) enum Action<'a> {
    /// A fetch begins; nothing is sent yet.
    Begin,
    /// An attempt is sent.
    Attempt,
    /// The next attempt has to wait for the world.
    Pause,
    /// An attempt failed and another one follows.
    Retry(&'a Failure),
    /// The fetch is answered. `behind`: it was invalidated after it began.
    Success { data: &'a Value, at: Timestamp, behind: bool },
    /// The fetch failed for good.
    Error { error: &'a Value },
    /// The fetch is called off, or its answer is of no use.
    Cancel,
    /// Somebody wrote data.
    Write { data: &'a Value, at: Timestamp },
    /// What we know is out of date.
    Invalidate,
    /// Forget everything.
    Reset,
}

/// The only place where a state changes. The old state and the action outlive the call, so no user value
/// can lose its last reference here.
pub(crate) fn reduce(state: &State, action: &Action<'_>) -> State {
    let mut next = state.clone();
    match action {
        Action::Begin => {
            next.failure = None;
            if next.data.is_none() {
                next.status = Status::Pending;
                next.error = None;
            }
        }
        Action::Attempt => {
            next.activity = Activity::Fetching;
            if let Some(failure) = &mut next.failure {
                failure.waiting = false;
            }
        }
        Action::Pause => {
            next.activity = Activity::Paused;
            if let Some(failure) = &mut next.failure {
                failure.waiting = false;
            }
        }
        Action::Retry(failure) => {
            next.activity = Activity::Fetching;
            next.failure = Some((*failure).clone());
        }
        Action::Success { data, at, behind } => {
            next = State {
                status: Status::Success,
                data: Some(Rc::clone(data)),
                updated_at: *at,
                invalidated: *behind,
                ..State::empty()
            };
        }
        Action::Error { error } => {
            next.activity = Activity::Idle;
            next.failure = None;
            next.error = Some(QueryError::Fetch(Rc::clone(error)));
            next.status = Status::Error;
        }
        Action::Cancel => {
            next.activity = Activity::Idle;
            next.failure = None;
        }
        Action::Write { data, at } => {
            next = State {
                status: Status::Success,
                activity: state.activity,
                data: Some(Rc::clone(data)),
                updated_at: *at,
                ..State::empty()
            };
        }
        Action::Invalidate => next.invalidated = true,
        Action::Reset => next = State::empty(),
    }
    next
}

/// Which parts of a state changed, or are of interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(u8);

impl Parts {
    /// Anything that a [`QueryState`] shows.
    pub const STATE: Parts = Parts(1);
    /// Whether a fetch is under way.
    pub const FETCHING: Parts = Parts(2);

    pub fn meets(self, other: Parts) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Parts {
    type Output = Parts;

    fn bitor(self, other: Parts) -> Parts {
        Parts(self.0 | other.0)
    }
}

/// Compares by pointer: a user's `PartialEq` is never called.
pub(crate) fn diff(a: &State, b: &State) -> Parts {
    let mut parts = Parts::default();
    let paused = |state: &State| state.activity == Activity::Paused;
    if a.status != b.status
        || !same_value(a.data.as_ref(), b.data.as_ref())
        || a.updated_at != b.updated_at
        || !same_error(a.error.as_ref(), b.error.as_ref())
        || !same_failure(a.failure.as_ref(), b.failure.as_ref())
        || paused(a) != paused(b)
    {
        parts = parts | Parts::STATE;
    }
    if (a.activity == Activity::Fetching) != (b.activity == Activity::Fetching) {
        parts = parts | Parts::FETCHING;
    }
    parts
}

fn same_value(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same_pointer(a, b),
        _ => false,
    }
}

fn same_pointer(a: &Value, b: &Value) -> bool {
    // The address alone: one type may have several vtables.
    std::ptr::addr_eq(Rc::as_ptr(a), Rc::as_ptr(b))
}

fn same_error(a: Option<&QueryError<dyn std::any::Any>>, b: Option<&QueryError<dyn std::any::Any>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(QueryError::Fetch(a)), Some(QueryError::Fetch(b))) => same_pointer(a, b),
        (Some(QueryError::Misuse(a)), Some(QueryError::Misuse(b))) => a == b,
        (Some(QueryError::Cancelled), Some(QueryError::Cancelled)) => true,
        _ => false,
    }
}

fn same_failure(a: Option<&Failure>, b: Option<&Failure>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.attempt == b.attempt
                && a.at == b.at
                && a.waiting == b.waiting
                && same_pointer(&a.error, &b.error)
        }
        _ => false,
    }
}

/// What is known of a query, to be matched on.
///
/// Whether a fetch is under way is no part of it: somebody who does not show that need not be told.
#[derive(Debug)]
pub enum QueryState<T, E> {
    /// No data yet, and no verdict.
    Pending {
        /// The attempt that failed, while others follow.
        retry: Option<Retry<E>>,
        /// Nothing is being sent: the next attempt waits until there is a network.
        paused: bool,
    },
    /// No data: the last attempt failed.
    Failed {
        /// Why.
        error: QueryError<E>,
    },
    /// There is data, fresh or stale.
    Ready {
        /// The data. Its `Rc` stays the same for as long as the data does.
        data: Rc<T>,
        /// When it arrived, or was written.
        updated_at: Timestamp,
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

    /// The data, if there is any.
    pub fn data(&self) -> Option<&Rc<T>> {
        match self {
            QueryState::Ready { data, .. } => Some(data),
            QueryState::Pending { .. } | QueryState::Failed { .. } => None,
        }
    }

    /// Why there is no data, or none newer.
    pub fn error(&self) -> Option<&QueryError<E>> {
        match self {
            QueryState::Failed { error } => Some(error),
            QueryState::Ready { refresh_error, .. } => refresh_error.as_ref(),
            QueryState::Pending { .. } => None,
        }
    }

    /// The attempt that failed, while others follow.
    pub fn retry(&self) -> Option<&Retry<E>> {
        match self {
            QueryState::Pending { retry, .. } | QueryState::Ready { retry, .. } => retry.as_ref(),
            QueryState::Failed { .. } => None,
        }
    }

    /// Whether there is neither data nor a verdict.
    pub fn is_pending(&self) -> bool {
        matches!(self, QueryState::Pending { .. })
    }
}

// By hand: an `Rc` is cloned, so neither data nor error need be `Clone`.
impl<T, E> Clone for QueryState<T, E> {
    fn clone(&self) -> Self {
        match self {
            QueryState::Pending { retry, paused } => {
                QueryState::Pending { retry: retry.clone(), paused: *paused }
            }
            QueryState::Failed { error } => QueryState::Failed { error: error.clone() },
            QueryState::Ready { data, updated_at, refresh_error, retry, paused } => QueryState::Ready {
                data: data.clone(),
                updated_at: *updated_at,
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

/// The state of an entry at one moment, without its types.
#[derive(Clone)]
pub struct Snapshot(pub(crate) Rc<State>);

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("status", &self.0.status)
            .field("activity", &self.0.activity)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Whether a fetch is under way: an attempt, or the wait before the next.
    pub fn is_fetching(&self) -> bool {
        self.0.activity == Activity::Fetching
    }

    /// The state with its types. Pending, if they are not those of the query it was taken of.
    pub fn state<T: 'static, E: 'static>(&self) -> QueryState<T, E> {
        let state = &*self.0;
        let paused = state.activity == Activity::Paused;
        let retry = || state.failure.as_ref().and_then(typed_retry);
        let error = || state.error.as_ref().and_then(typed_error);
        if let Some(data) = state.data.as_ref().and_then(|data| data.clone().downcast::<T>().ok()) {
            return QueryState::Ready {
                data,
                updated_at: state.updated_at,
                refresh_error: error(),
                retry: retry(),
                paused,
            };
        }
        match (state.status, error()) {
            (Status::Error, Some(error)) => QueryState::Failed { error },
            _ => QueryState::Pending { retry: retry(), paused },
        }
    }
}

fn typed_error<E: 'static>(error: &QueryError<dyn std::any::Any>) -> Option<QueryError<E>> {
    Some(match error {
        QueryError::Fetch(error) => QueryError::Fetch(error.clone().downcast().ok()?),
        QueryError::Misuse(misuse) => QueryError::Misuse(*misuse),
        QueryError::Cancelled => QueryError::Cancelled,
    })
}

fn typed_retry<E: 'static>(failure: &Failure) -> Option<Retry<E>> {
    Some(Retry {
        attempt: failure.attempt,
        attempts: failure.attempts,
        error: failure.error.clone().downcast().ok()?,
        wait: failure.wait,
        at: failure.at,
        waiting: failure.waiting,
    })
}
