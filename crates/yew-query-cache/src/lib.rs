#![doc = include_str!("../README.md")]

mod bridge;
mod browser;
mod misuse;
mod provider;
mod use_query;

pub use browser::BrowserEnvironment;
pub use provider::{QueryClientProvider, QueryClientProviderProps, use_query_client};
// One import is enough for a page: its queries need these.
pub use query_cache::{
    Classify, Details, ErrorClass, FetchCause, FetchContext, FetchStatus, GcTime, MissingContext, Misuse,
    NetworkMode, Query, QueryClient, QueryError, QueryFilter, QueryKey, QueryOptions, QueryState, Refetch,
    Retry, Segment, StaleTime, Status, Then, Timestamp, minutes, query, query_key, seconds,
};
pub use use_query::{UseQuery, use_query};
