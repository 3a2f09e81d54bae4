//! The state of an entry, and the one function that changes it.

use std::any::Any;
use std::ops::BitOr;
use std::rc::Rc;
use std::time::Duration;

use crate::engine::Value;
use crate::environment::Timestamp;
use crate::error::QueryError;

/// What is known of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No data, and no verdict.
    Pending,
    /// The last fetch failed. There may be older data.
    Error,
    /// There is data, and the last fetch did not fail.
    Success,
}

/// What is being done about a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchStatus {
    /// Nothing.
    Idle,
    /// An attempt is under way, or the wait before the next.
    Fetching,
    /// The next attempt waits for the network, the page or the scope to come back.
    Paused,
}

/// A failed attempt.
pub(crate) struct Failure {
    pub attempt: u32,
    pub attempts: u32,
    pub error: Value,
    pub wait: Duration,
    pub at: Timestamp,
}

/// The state of an entry. Immutable: each change makes another, so what was handed out stays as it was.
#[derive(Clone)]
pub(crate) struct State {
    pub status: Status,
    pub activity: FetchStatus,
    pub invalidated: bool,
    /// There is no data, and it is about to be fetched.
    pub awaited: bool,
    /// The data is the beginning of an answer, the rest of which has not come.
    pub partial: bool,
    /// The failed attempt is followed by another, and that is still being waited for.
    pub waiting: bool,
    pub data_updates: u32,
    pub error_updates: u32,
    /// Both together, and never less than before: a reset does not begin anew.
    pub results: u32,
    pub data: Option<Value>,
    pub updated_at: Timestamp,
    pub error: Option<QueryError<dyn Any>>,
    pub error_at: Timestamp,
    pub failure: Option<Rc<Failure>>,
}

impl State {
    pub fn empty() -> Self {
        State {
            status: Status::Pending,
            activity: FetchStatus::Idle,
            invalidated: false,
            awaited: false,
            partial: false,
            waiting: false,
            data_updates: 0,
            error_updates: 0,
            results: 0,
            data: None,
            updated_at: Timestamp::default(),
            error: None,
            error_at: Timestamp::default(),
            failure: None,
        }
    }

    /// Empty, and about to be fetched: what a held scope shows.
    pub fn awaited() -> Self {
        State { awaited: true, ..State::empty() }
    }

    pub fn is_idle(&self) -> bool {
        self.activity == FetchStatus::Idle
    }

    fn known(&mut self, data: &Value, at: Timestamp) {
        self.status = Status::Success;
        self.partial = false;
        self.data = Some(Rc::clone(data));
        self.updated_at = at;
        self.error = None;
    }

    fn updated(&mut self, data: &Value, at: Timestamp) {
        self.data_updates = self.data_updates.wrapping_add(1);
        self.results = self.results.wrapping_add(1);
        self.known(data, at);
    }

    fn failed(&mut self, error: QueryError<dyn Any>, at: Timestamp) {
        self.status = Status::Error;
        self.error = Some(error);
        self.error_at = at;
        self.error_updates = self.error_updates.wrapping_add(1);
        self.results = self.results.wrapping_add(1);
        // Whatever data there is, there should be newer.
        self.invalidated = true;
    }
}

/// Everything that can happen to a state. Borrows the values, so that none can be dropped in here.
pub(crate) enum Action<'a> {
    /// A fetch begins, by an attempt or by waiting for the world.
    Begin { paused: bool },
    /// Another attempt is sent.
    Attempt,
    /// The next attempt has to wait for the world.
    Pause,
    /// An attempt failed and another one follows.
    Retry(&'a Rc<Failure>),
    /// The fetch is answered. `behind`: it was invalidated after it began.
    Success { data: &'a Value, at: Timestamp, behind: bool },
    /// The fetch failed for good.
    Error { failure: &'a Rc<Failure>, at: Timestamp },
    /// The fetch is called off, or its answer is of no use: all is as it was before it began.
    Revert { before: &'a State },
    /// The fetch is called off, and that is its verdict.
    CalledOff { at: Timestamp },
    /// A part of an answer; `None`: what there was is gone, and the first part is still to come.
    #[cfg(feature = "stream")]
    Progress { data: Option<&'a Value>, at: Timestamp },
    /// Data to begin with.
    Initial { data: &'a Value, at: Timestamp },
    /// Data comes from elsewhere, with what is known of it there.
    #[cfg(feature = "hydrate")]
    Restore { data: &'a Value, at: Timestamp, invalidated: bool },
    /// Somebody wrote data. What was out of date before is out of date still: a write does not ask the
    /// server.
    Write { data: &'a Value, at: Timestamp },
    /// Other data is shown, of the same moment: what lies over it has changed.
    Show { data: &'a Value },
    /// A source of data says that it failed.
    PushedError { error: &'a Value, at: Timestamp },
    /// What is known is out of date.
    Invalidate,
    /// Forget everything. `awaited`: it will be fetched at once.
    Reset { awaited: bool },
}

/// The only place where a state changes. The old state and the action outlive the call, so no user value
/// can lose its last reference here.
pub(crate) fn reduce(state: &State, action: &Action<'_>) -> State {
    let mut next = state.clone();
    match action {
        Action::Begin { paused } => {
            next.failure = None;
            next.awaited = false;
            next.activity = if *paused { FetchStatus::Paused } else { FetchStatus::Fetching };
            if next.data.is_none() {
                next.status = Status::Pending;
                next.error = None;
            }
        }
        Action::Attempt => {
            next.activity = FetchStatus::Fetching;
            next.waiting = false;
        }
        Action::Pause => {
            next.activity = FetchStatus::Paused;
            next.waiting = false;
        }
        Action::Retry(failure) => {
            next.activity = FetchStatus::Fetching;
            next.failure = Some(Rc::clone(failure));
            next.waiting = true;
        }
        Action::Success { data, at, behind } => {
            next.activity = FetchStatus::Idle;
            next.failure = None;
            next.waiting = false;
            next.updated(data, *at);
            next.invalidated = *behind;
        }
        Action::Error { failure, at } => {
            next.activity = FetchStatus::Idle;
            next.failure = Some(Rc::clone(failure));
            next.waiting = false;
            next.failed(QueryError::Fetch(Rc::clone(&failure.error)), *at);
        }
        Action::Revert { before } => {
            next.activity = FetchStatus::Idle;
            next.waiting = false;
            next.failure = None;
            // An error that is there was pushed meanwhile.
            if next.data.is_none() && next.error.is_none() {
                // What was taken away for the answer's sake is put back.
                next.data.clone_from(&before.data);
                next.partial = before.partial;
                next.updated_at = before.updated_at;
                next.status = before.status;
                next.error = before.error.clone();
                next.failure = before.failure.clone();
            }
        }
        #[cfg(feature = "stream")]
        Action::Progress { data: Some(data), at } => {
            next.updated(data, *at);
            next.partial = true;
        }
        #[cfg(feature = "stream")]
        Action::Progress { data: None, .. } => {
            next.status = Status::Pending;
            next.data = None;
            next.error = None;
            next.partial = false;
        }
        Action::CalledOff { at } => {
            next.activity = FetchStatus::Idle;
            next.waiting = false;
            next.failed(QueryError::Cancelled, *at);
        }
        Action::Initial { data, at } => {
            next.awaited = false;
            next.known(data, *at);
        }
        #[cfg(feature = "hydrate")]
        Action::Restore { data, at, invalidated } => {
            next.awaited = false;
            next.known(data, *at);
            next.invalidated = *invalidated;
        }
        Action::Write { data, at } => {
            next.awaited = false;
            next.updated(data, *at);
        }
        Action::Show { data } => next.data = Some(Rc::clone(data)),
        Action::PushedError { error, at } => {
            next.awaited = false;
            next.failed(QueryError::Fetch(Rc::clone(error)), *at);
        }
        Action::Invalidate => next.invalidated = true,
        Action::Reset { awaited } => {
            next = State { awaited: *awaited, results: state.results, ..State::empty() };
        }
    }
    next
}

/// Which parts of a state changed, or are of interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(u8);

impl Parts {
    pub const NONE: Parts = Parts(0);
    /// The data.
    pub const DATA: Parts = Parts(1);
    /// Anything else that a [`QueryState`](crate::QueryState) shows.
    pub const REST: Parts = Parts(2);
    /// Anything that a [`QueryState`](crate::QueryState) shows.
    pub const STATE: Parts = Parts(3);
    /// Whether a fetch is under way.
    pub const FETCHING: Parts = Parts(4);
    /// Whether the data is stale.
    pub const STALE: Parts = Parts(8);
    /// The counts and times that [`Details`](crate::Details) has beyond the rest.
    pub const DETAILS: Parts = Parts(16);

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
    let mut parts = Parts::NONE;
    if !same_data(a.data.as_ref(), b.data.as_ref()) {
        parts = parts | Parts::DATA;
    }
    if shown(a) != shown(b) {
        parts = parts | Parts::REST;
    }
    if (a.activity == FetchStatus::Fetching) != (b.activity == FetchStatus::Fetching) {
        parts = parts | Parts::FETCHING;
    }
    if a.updated_at != b.updated_at
        || a.invalidated != b.invalidated
        || a.partial != b.partial
        || a.data.is_none() != b.data.is_none()
    {
        parts = parts | Parts::STALE;
    }
    if a.results != b.results || a.updated_at != b.updated_at {
        parts = parts | Parts::DETAILS;
    }
    parts
}

pub(crate) fn same_data(a: Option<&Value>, b: Option<&Value>) -> bool {
    a.map(address) == b.map(address)
}

fn address(value: &Value) -> *const () {
    // The address alone: one type may have several vtables.
    Rc::as_ptr(value).cast()
}

/// What a view shows besides data, in a form that can be compared: pointers, not what they point to.
fn shown(state: &State) -> impl PartialEq {
    let error = state.error.as_ref().map(|error| match error {
        QueryError::Fetch(error) => (0, address(error)),
        QueryError::Misuse(_) => (1, std::ptr::null()),
        QueryError::Cancelled => (2, std::ptr::null()),
    });
    let paused = state.activity == FetchStatus::Paused;
    let unasked = state.data.is_none() && state.is_idle() && !state.awaited;
    let failure = state.failure.as_ref().filter(|_| !state.is_idle()).map(Rc::as_ptr);
    (state.status, error, paused, unasked, failure, state.waiting)
}
