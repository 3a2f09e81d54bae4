#![doc = include_str!("../README.md")]

mod client;
mod context;
mod engine;
mod entry;
mod environment;
mod error;
mod flight;
mod key;
#[cfg(any(test, feature = "test-util"))]
mod manual;
mod observer;
mod options;
mod query;
mod retry;
mod slab;
mod state;
mod timers;

pub use client::{QueryClient, WeakQueryClient};
pub use context::FetchContext;
pub use environment::{Environment, LocalBoxFuture, Timestamp};
pub use error::{Classify, ErrorClass, MissingContext, Misuse, QueryError};
pub use key::{QueryKey, Segment};
#[cfg(feature = "test-util")]
pub use manual::ManualEnvironment;
pub use observer::{Observer, QueryObserver};
pub use options::{GcTime, QueryOptions, StaleTime, minutes, seconds};
pub use query::{AnyQuery, Inline, Query, query};
pub use state::{QueryState, Retry, Snapshot};

#[doc(hidden)]
pub mod __private {
    pub use crate::key::LiteralSegment;
}
