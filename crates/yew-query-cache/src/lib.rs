#![doc = include_str!("../README.md")]

mod boundary;
mod bridge;
mod browser;
mod misuse;
#[cfg(feature = "persist")]
mod persist;
mod provider;
#[cfg(feature = "tabs")]
mod tabs;
mod use_combined;
mod use_fetch_in_view;
mod use_infinite_query;
mod use_is_fetching;
mod use_mutation;
mod use_mutation_state;
mod use_prefetch;
mod use_queries;
mod use_query;
mod use_query_effect;
mod use_query_select;
mod use_suspense_query;

pub use boundary::{CaughtError, QueryErrorBoundary, QueryErrorBoundaryProps};
pub use browser::BrowserEnvironment;
#[cfg(feature = "persist")]
pub use persist::{IndexedDb, LocalStorage};
pub use provider::{QueryClientProvider, QueryClientProviderProps, use_query_client};
// One import is enough for a page: its queries need these.
#[cfg(any(feature = "persist", feature = "tabs"))]
pub use query_cache::ScopeName;
#[cfg(feature = "tabs")]
pub use query_cache::{Channel, Locks, Tabs};
pub use query_cache::{
    Classify, Details, ErrorClass, FetchCause, FetchContext, FetchStatus, Found, GcTime, IdempotencyKey,
    InfiniteQuery, MissingContext, Misuse, Mutation, MutationContext, MutationDetails, MutationError,
    MutationFilter, MutationInfo, MutationOptions, MutationState, MutationStatus, NetworkMode, Page,
    PageList, PageOrder, PageQuery, Query, QueryClient, QueryError, QueryFilter, QueryKey, QueryOptions,
    QueryState, Refetch, Results, Retry, Segment, StaleTime, Status, Then, Timestamp, minutes, mutation,
    query, query_key, seconds,
};
#[cfg(feature = "persist")]
pub use query_cache::{Persist, Storage, StorageError, StorageFault};
#[cfg(feature = "tabs")]
pub use tabs::{Broadcast, WebLocks, browser_tabs};
pub use use_combined::use_combined;
pub use use_fetch_in_view::{use_fetch_next_in_view, use_fetch_previous_in_view};
pub use use_infinite_query::{UseInfiniteQuery, use_infinite_query};
pub use use_is_fetching::use_is_fetching;
pub use use_mutation::{UseMutation, use_mutation};
pub use use_mutation_state::{use_is_mutating, use_mutation_state};
pub use use_prefetch::use_prefetch;
pub use use_queries::use_queries;
pub use use_query::{UseQuery, use_query};
pub use use_query_effect::use_query_effect;
pub use use_query_select::{UseQuerySelect, use_query_select};
pub use use_suspense_query::{UseSuspenseQuery, use_suspense_query};
