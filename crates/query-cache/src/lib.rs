#![doc = include_str!("../README.md")]

mod call;
mod client;
mod combined;
mod context;
mod dependent;
mod engine;
mod entry;
mod environment;
mod error;
mod events;
mod feed;
mod filter;
mod flight;
#[cfg(feature = "hydrate")]
mod hydrate;
mod index;
mod infinite;
mod key;
mod layers;
#[cfg(any(test, feature = "test-util"))]
mod manual;
mod mutation;
mod observer;
mod options;
#[cfg(feature = "hydrate")]
mod persist;
mod policy;
mod query;
mod retry;
mod segment;
mod select;
mod serialize;
mod slab;
mod state;
#[cfg(feature = "stream")]
mod stream;
#[cfg(feature = "hydrate")]
mod tabs;
mod timers;
mod view;

pub use call::{QueryFuture, Settled};
pub use client::{Listening, QueryClient, WeakQueryClient};
pub use combined::{Combination, CombinedObserver, Fold, Found, Results};
pub use context::{FetchContext, SourceContext};
pub use engine::Then;
pub use entry::FetchCause;
pub use environment::{Environment, LocalBoxFuture, Timestamp};
pub use error::{Classify, ErrorClass, MissingContext, Misuse, QueryError};
pub use events::{CacheEvent, Happening};
pub use filter::{QueryFilter, QueryInfo};
#[cfg(feature = "hydrate")]
pub use hydrate::{Dehydrated, HydrateError, Hydrated, ScopeName};
pub use infinite::{
    AnyInfiniteQuery, InfiniteObserver, InfiniteQuery, ListError, Page, PageList, PageOrder, PageQuery,
    PagesFuture, PagesObserver, PagesSnapshot, Params, Side,
};
pub use key::QueryKey;
pub use layers::Layer;
#[cfg(feature = "test-util")]
pub use manual::ManualEnvironment;
pub use mutation::{
    DefaultMutationOptions, IdempotencyKey, InlineMutation, Mutation, MutationContext, MutationDetails,
    MutationError, MutationEvent, MutationFilter, MutationFuture, MutationHappening, MutationId,
    MutationInfo, MutationListening, MutationObserver, MutationOptions, MutationSnapshot, MutationState,
    MutationStatus, MutationStep, MutationWith, MutationsObserver, mutation,
};
#[cfg(feature = "hydrate")]
pub use mutation::{ResumeError, SavedMutation, Unfinished};
pub use observer::{Observer, QueryObserver};
pub use options::{DefaultOptions, GcTime, NetworkMode, QueryOptions, Refetch, StaleTime, minutes, seconds};
#[cfg(feature = "hydrate")]
pub use persist::{Change, Persist, Storage, StorageError, StorageFault, Stored};
pub use query::{AnyQuery, Inline, Query, With, query};
pub use segment::Segment;
pub use select::{SelectObserver, Selection, Selector};
pub use serialize::NotAKey;
pub use state::{FetchStatus, Status};
#[cfg(feature = "stream")]
pub use stream::Streaming;
#[cfg(feature = "hydrate")]
pub use tabs::{Channel, Locks, Tabs};
pub use view::{Details, QueryState, Retry, Snapshot};

#[doc(hidden)]
pub mod __private {
    pub use crate::entry::Types;
    pub use crate::segment::LiteralSegment;
}
