//! What is known of a call.

use std::any::{Any, TypeId};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use super::context::IdempotencyKey;
use crate::engine::Value;
use crate::environment::Timestamp;
use crate::error::Misuse;
use crate::key::QueryKey;
use crate::policy::Policy;
use crate::state::Failure;
use crate::view::Retry;

/// Names one call of a mutation, within one client. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MutationId(pub(super) u64);

/// What became of a call, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationStatus {
    /// There was none.
    Idle,
    /// It is not over: an attempt is under way or waited for, or a callback runs.
    Pending,
    /// It is done.
    Success,
    /// It failed, or was called off.
    Error,
}

/// What is known of a call, to be matched on.
#[derive(Debug)]
pub enum MutationState<T, E> {
    /// There was no call yet, or it is forgotten.
    Idle,
    /// It is not over: an attempt is under way or waited for, or a callback runs.
    Pending {
        /// The attempt that failed, while others follow.
        retry: Option<Retry<E>>,
        /// Nothing is being sent: it waits for the network, the page, the scope or those before it in its line.
        paused: bool,
    },
    /// It is done.
    Success {
        /// What the server said.
        data: Rc<T>,
    },
    /// It failed.
    Error {
        /// Why.
        error: MutationError<E>,
    },
}

impl<T, E> MutationState<T, E> {
    /// Whether it is not over.
    pub fn is_pending(&self) -> bool {
        matches!(self, MutationState::Pending { .. })
    }

    /// What the server said.
    pub fn data(&self) -> Option<&Rc<T>> {
        match self {
            MutationState::Success { data } => Some(data),
            MutationState::Idle | MutationState::Pending { .. } | MutationState::Error { .. } => None,
        }
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&MutationError<E>> {
        match self {
            MutationState::Error { error } => Some(error),
            MutationState::Idle | MutationState::Pending { .. } | MutationState::Success { .. } => None,
        }
    }
}

/// Why a call is not done.
pub enum MutationError<E: ?Sized> {
    /// The last attempt failed with the mutation's own error.
    Failed(Rc<E>),
    /// The cache was used in a way that cannot work.
    Misuse(Misuse),
    /// It was called off, or its scope has ended. If an attempt was under way, nobody knows what the server
    /// made of it.
    Cancelled,
}

impl<E: ?Sized> MutationError<E> {
    /// The mutation's own error.
    pub fn failed(&self) -> Option<&Rc<E>> {
        match self {
            MutationError::Failed(error) => Some(error),
            MutationError::Misuse(_) | MutationError::Cancelled => None,
        }
    }
}

// By hand: an `Rc` is cloned, so the error need not be `Clone`.
impl<E: ?Sized> Clone for MutationError<E> {
    fn clone(&self) -> Self {
        match self {
            MutationError::Failed(error) => MutationError::Failed(error.clone()),
            MutationError::Misuse(misuse) => MutationError::Misuse(*misuse),
            MutationError::Cancelled => MutationError::Cancelled,
        }
    }
}

impl<E: fmt::Debug + ?Sized> fmt::Debug for MutationError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MutationError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            MutationError::Misuse(misuse) => f.debug_tuple("Misuse").field(misuse).finish(),
            MutationError::Cancelled => f.write_str("Cancelled"),
        }
    }
}

impl<E: fmt::Display + ?Sized> fmt::Display for MutationError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MutationError::Failed(error) => error.fmt(f),
            MutationError::Misuse(misuse) => misuse.fmt(f),
            MutationError::Cancelled => f.write_str("it was called off before there was an answer"),
        }
    }
}

impl<E: Error + 'static> Error for MutationError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            MutationError::Failed(error) => Some(&**error),
            MutationError::Misuse(misuse) => Some(misuse),
            MutationError::Cancelled => None,
        }
    }
}

pub(super) fn typed_error<E: 'static>(error: &MutationError<dyn Any>) -> Option<MutationError<E>> {
    Some(match error {
        MutationError::Failed(error) => MutationError::Failed(error.clone().downcast().ok()?),
        MutationError::Misuse(misuse) => MutationError::Misuse(*misuse),
        MutationError::Cancelled => MutationError::Cancelled,
    })
}

/// The rest of what is known of a call: times and counts.
#[derive(Debug)]
pub struct MutationDetails<V, E> {
    /// What it was given.
    pub variables: Rc<V>,
    /// When it was made: before the reload, if there was one.
    pub submitted_at: Timestamp,
    /// When it was over.
    pub settled_at: Option<Timestamp>,
    /// How many attempts have failed.
    pub failures: u32,
    /// Why the latest of them failed.
    pub last_failure: Option<Rc<E>>,
    /// What the call is named to the server.
    pub idempotency_key: IdempotencyKey,
}

/// What came of a call.
pub(crate) type Outcome = Result<Value, MutationError<dyn Any>>;

/// What does not change about a call.
pub(crate) struct Facts {
    pub name: &'static str,
    pub of: TypeId,
    pub variables: Value,
    pub policy: Policy,
    pub line: Option<QueryKey>,
    pub key: IdempotencyKey,
    pub submitted_at: Timestamp,
}

/// What does. Each change makes another, so what was handed out stays as it was.
#[derive(Clone)]
pub(crate) struct State {
    pub paused: bool,
    /// The failed attempt is followed by another, and that is still being waited for.
    pub waiting: bool,
    /// There is an outcome, though it is not over.
    pub answered: bool,
    pub failures: u32,
    pub failure: Option<Rc<Failure>>,
    pub outcome: Option<Outcome>,
    pub settled_at: Option<Timestamp>,
}

impl State {
    pub fn new() -> Self {
        State {
            paused: false,
            waiting: false,
            answered: false,
            failures: 0,
            failure: None,
            outcome: None,
            settled_at: None,
        }
    }

    pub fn status(&self) -> MutationStatus {
        match &self.outcome {
            None => MutationStatus::Pending,
            Some(Ok(_)) => MutationStatus::Success,
            Some(Err(_)) => MutationStatus::Error,
        }
    }
}

/// A call as it was at a moment, without its types.
#[derive(Clone)]
pub struct MutationSnapshot {
    pub(super) facts: Option<Rc<Facts>>,
    /// `None`: there was no call.
    pub(super) state: Option<Rc<State>>,
}

impl MutationSnapshot {
    pub(super) const IDLE: MutationSnapshot = MutationSnapshot { facts: None, state: None };

    /// What became of it, in a word.
    pub fn status(&self) -> MutationStatus {
        self.state.as_ref().map_or(MutationStatus::Idle, |state| state.status())
    }

    /// Whether it is not over, and nothing is being sent.
    pub fn is_paused(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.paused && state.outcome.is_none())
    }

    /// The state with its types. Idle, if they are not those of the mutation it was taken of.
    pub fn state<T: 'static, E: 'static>(&self) -> MutationState<T, E> {
        let Some(state) = &self.state else { return MutationState::Idle };
        match &state.outcome {
            None => MutationState::Pending { retry: state.retry(), paused: state.paused },
            Some(Ok(data)) => {
                let data = data.clone().downcast();
                data.map_or(MutationState::Idle, |data| MutationState::Success { data })
            }
            Some(Err(error)) => {
                typed_error(error).map_or(MutationState::Idle, |error| MutationState::Error { error })
            }
        }
    }

    /// The rest of what is known, with its types. `None` if they are not those of the mutation, if there is
    /// no call, and while the scope is held.
    pub fn details<V: 'static, E: 'static>(&self) -> Option<MutationDetails<V, E>> {
        let (state, facts) = (self.state.as_ref()?, self.facts.as_ref()?);
        Some(MutationDetails {
            variables: facts.variables.clone().downcast().ok()?,
            submitted_at: facts.submitted_at,
            settled_at: state.settled_at,
            failures: state.failures,
            last_failure: state.failure.as_ref().and_then(|failure| failure.error.clone().downcast().ok()),
            idempotency_key: facts.key.clone(),
        })
    }

    /// What it was given, if it is of this type.
    pub fn variables<V: 'static>(&self) -> Option<Rc<V>> {
        self.facts.as_ref()?.variables.clone().downcast().ok()
    }
}

impl State {
    fn retry<E: 'static>(&self) -> Option<Retry<E>> {
        let failure = self.failure.as_ref().filter(|_| !self.answered)?;
        Some(Retry {
            attempt: failure.attempt,
            attempts: failure.attempts,
            error: failure.error.clone().downcast().ok()?,
            wait: failure.wait,
            at: failure.at,
            waiting: self.waiting,
        })
    }
}

impl fmt::Debug for MutationSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutationSnapshot")
            .field("name", &self.facts.as_ref().map(|facts| facts.name))
            .field("status", &self.status())
            .field("paused", &self.is_paused())
            .finish_non_exhaustive()
    }
}
