//! A query that there may not be yet: one that depends on what another has fetched.

use std::any::type_name;
use std::future::pending;
use std::time::Duration;

use crate::context::FetchContext;
use crate::entry::Types;
use crate::filter::QueryFilter;
use crate::key::QueryKey;
use crate::options::QueryOptions;
use crate::query::{Query, kind_of};
use crate::segment::Segment;

/// Where a query needs what another one fetches, it is `None` until that is there: disabled, and shown as
/// [`Idle`](crate::QueryState::Idle). `Some` is the query itself, and shares its entry.
///
/// ```
/// use query_cache::{FetchContext, ManualEnvironment, Query, QueryClient, QueryKey, QueryState, query_key};
///
/// struct Me;
/// struct PostsOf(u64);
///
/// impl Query for Me {
///     type Data = u64;
///     type Error = String;
///     fn key(&self) -> QueryKey {
///         query_key!["me"]
///     }
///     async fn fetch(&self, _: FetchContext) -> Result<u64, String> {
///         Ok(7)
///     }
/// }
/// impl Query for PostsOf {
///     type Data = Vec<String>;
///     type Error = String;
///     fn key(&self) -> QueryKey {
///         query_key!["posts of", self.0]
///     }
///     async fn fetch(&self, _: FetchContext) -> Result<Vec<String>, String> {
///         Ok(vec![format!("A post of {}", self.0)])
///     }
/// }
///
/// let world = ManualEnvironment::new(1);
/// let client = QueryClient::new(world.clone());
/// let me = client.observe(Me, || {});
/// // In a component: `let me = use_query(Me); let posts = use_query(me.data().map(|me| PostsOf(**me)));`
/// let posts_of_me = || client.get_data(&Me).map(|me| PostsOf(*me));
/// let posts = client.observe(posts_of_me(), || {});
/// assert!(matches!(posts.state(), QueryState::Idle));
/// world.run();
/// posts.follow(posts_of_me());
/// world.run();
/// assert_eq!(posts.state().data().map(|posts| posts[0].as_str()), Some("A post of 7"));
/// # drop(me);
/// ```
impl<Q: Query> Query for Option<Q> {
    type Data = Q::Data;
    type Error = Q::Error;

    /// Of `None`: one for all such queries of the type. It is no place for data: what is written there, each of
    /// them shows.
    fn key(&self) -> QueryKey {
        match self {
            Some(query) => query.key(),
            None => QueryKey::new([Segment::null(), Segment::literal(type_name::<Q>())]),
        }
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        match self {
            Some(query) => {
                QueryOptions::of(query.options(QueryOptions::of(defaults.into_policy())).into_policy())
            }
            // There is nothing to keep.
            None => defaults.enabled(false).gc_after(Duration::ZERO),
        }
    }

    /// `None` calls itself off: whoever waits gets [`QueryError::Cancelled`](crate::QueryError::Cancelled).
    async fn fetch(&self, cx: FetchContext) -> Result<Q::Data, Q::Error> {
        match self {
            Some(query) => query.fetch(cx).await,
            None => {
                if let Some(client) = cx.client() {
                    client.cancel(QueryFilter::of_kind(self.key(), kind_of::<Self>()));
                }
                pending().await
            }
        }
    }

    fn __kind() -> Types {
        Q::__kind()
    }
}
