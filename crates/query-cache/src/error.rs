//! What went wrong, and what the cache may do about it.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// What kind of failure an error is: decides whether the cache tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// May go better next time: a timeout, a 503.
    Retryable {
        /// How long the server asked to be left alone (`Retry-After`); used instead of the cache's own
        /// wait. `None`: it did not say.
        after: Option<Duration>,
    },
    /// The request could not leave because there is no network. While the client knows that it is offline
    /// the fetch pauses and the attempt does not count; otherwise this is [`ErrorClass::RETRYABLE`].
    Offline,
    /// Whoever asked may not see it (401). Not retried.
    Unauthorized,
    /// Will fail the same way again: a 404, an answer that cannot be read. Not retried.
    Permanent,
}

impl ErrorClass {
    /// Worth another attempt, after the cache's own wait.
    pub const RETRYABLE: ErrorClass = ErrorClass::Retryable { after: None };
}

/// Errors say what kind of failure they are, once, when they arrive.
///
/// Text and boxed errors say nothing about themselves and are taken to be retryable.
pub trait Classify {
    /// The kind of this failure.
    fn class(&self) -> ErrorClass;
}

impl Classify for String {
    fn class(&self) -> ErrorClass {
        ErrorClass::RETRYABLE
    }
}

impl Classify for &'static str {
    fn class(&self) -> ErrorClass {
        ErrorClass::RETRYABLE
    }
}

impl Classify for Box<dyn Error> {
    fn class(&self) -> ErrorClass {
        self.downcast_ref::<MissingContext>().map_or(ErrorClass::RETRYABLE, Classify::class)
    }
}

impl Classify for Infallible {
    fn class(&self) -> ErrorClass {
        match *self {}
    }
}

impl Classify for MissingContext {
    fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}

/// A fetch asked [`FetchContext::get`](crate::FetchContext::get) for a value that nobody provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingContext {
    /// The type that was asked for.
    pub type_name: &'static str,
}

impl fmt::Display for MissingContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the query needs a {0}, and nobody provided one: call `client.provide(..)` with a {0} before the \
             query is used",
            self.type_name
        )
    }
}

impl Error for MissingContext {}

impl From<MissingContext> for String {
    fn from(missing: MissingContext) -> Self {
        missing.to_string()
    }
}

/// The cache was used in a way that cannot work. A mistake in the program, not in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A hook was used outside of a provider, so there is no client to ask.
    NoClient,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misuse::NoClient => f.write_str(
                "there is no query client here: put the components that use queries inside of a \
                 `QueryClientProvider`",
            ),
        }
    }
}

impl Error for Misuse {}

/// Why there is no data, or no newer data.
pub enum QueryError<E: ?Sized> {
    /// The fetch failed with its own error.
    Fetch(Rc<E>),
    /// The cache was used in a way that cannot work.
    Misuse(Misuse),
    /// The fetch was called off before it had an answer.
    Cancelled,
}

impl<E: ?Sized> QueryError<E> {
    /// The fetch's own error.
    pub fn fetch(&self) -> Option<&Rc<E>> {
        match self {
            QueryError::Fetch(error) => Some(error),
            QueryError::Misuse(_) | QueryError::Cancelled => None,
        }
    }
}

// By hand: an `Rc` is cloned, so the error need not be `Clone`.
impl<E: ?Sized> Clone for QueryError<E> {
    fn clone(&self) -> Self {
        match self {
            QueryError::Fetch(error) => QueryError::Fetch(error.clone()),
            QueryError::Misuse(misuse) => QueryError::Misuse(*misuse),
            QueryError::Cancelled => QueryError::Cancelled,
        }
    }
}

impl<E: fmt::Debug + ?Sized> fmt::Debug for QueryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::Fetch(error) => f.debug_tuple("Fetch").field(error).finish(),
            QueryError::Misuse(misuse) => f.debug_tuple("Misuse").field(misuse).finish(),
            QueryError::Cancelled => f.write_str("Cancelled"),
        }
    }
}

impl<E: fmt::Display + ?Sized> fmt::Display for QueryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::Fetch(error) => error.fmt(f),
            QueryError::Misuse(misuse) => misuse.fmt(f),
            QueryError::Cancelled => f.write_str("the fetch was called off before it had an answer"),
        }
    }
}

impl<E: Error + 'static> Error for QueryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            QueryError::Fetch(error) => Some(&**error),
            QueryError::Misuse(misuse) => Some(misuse),
            QueryError::Cancelled => None,
        }
    }
}
