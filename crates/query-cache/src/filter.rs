//! Which queries a call is about.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::entry::Kind;
use crate::key::QueryKey;
use crate::query::{Query, kind_of};
use crate::state::FetchStatus;
use crate::view::Snapshot;

/// Which queries a call like [`QueryClient::invalidate`](crate::QueryClient::invalidate) is about.
///
/// A reference to a query is a filter that means that query. Others begin with [`all`](QueryFilter::all),
/// [`prefix`](QueryFilter::prefix), [`exact`](QueryFilter::exact) or [`of`](QueryFilter::of) and are narrowed
/// down:
///
/// ```
/// use query_cache::{ManualEnvironment, QueryClient, QueryFilter, query_key};
/// # let client = QueryClient::new(ManualEnvironment::new(1));
/// client.invalidate(QueryFilter::prefix(query_key!["posts"]).active());
/// assert_eq!(client.count(QueryFilter::all().fetching()), 0);
/// ```
#[derive(Clone)]
pub struct QueryFilter {
    pub(crate) wanted: Wanted,
    /// Of the type of query that is meant.
    pub(crate) query: Option<Kind>,
    pub(crate) activity: Activity,
    pub(crate) stale: Option<bool>,
    pub(crate) fetch_status: Option<FetchStatus>,
    pub(crate) predicate: Option<Predicate>,
}

pub(crate) type Predicate = Rc<dyn Fn(&QueryInfo) -> bool>;

#[derive(Clone)]
pub(crate) enum Wanted {
    All,
    One(QueryKey, Kind),
    Key(QueryKey),
    /// `searched` is the part of it before its first map, for a map is matched in part.
    Prefix {
        prefix: QueryKey,
        searched: QueryKey,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Any,
    Active,
    Inactive,
}

impl QueryFilter {
    fn new(wanted: Wanted) -> Self {
        QueryFilter {
            wanted,
            query: None,
            activity: Activity::Any,
            stale: None,
            fetch_status: None,
            predicate: None,
        }
    }

    /// Every query.
    pub fn all() -> Self {
        QueryFilter::new(Wanted::All)
    }

    /// The queries whose keys begin with these segments. A map among them means every map that has its
    /// pairs, and perhaps others.
    pub fn prefix(prefix: QueryKey) -> Self {
        let segments = prefix.segments();
        let plain = segments.iter().take_while(|segment| !segment.is_map()).count();
        let searched = if plain == segments.len() {
            prefix.clone()
        } else {
            QueryKey::new(segments.iter().take(plain).cloned().collect::<Vec<_>>())
        };
        QueryFilter::new(Wanted::Prefix { prefix, searched })
    }

    /// The queries of this key, whatever their types.
    pub fn exact(key: QueryKey) -> Self {
        QueryFilter::new(Wanted::Key(key))
    }

    /// The queries of this type, whatever their keys.
    pub fn of<Q: Query>() -> Self {
        QueryFilter::all().query::<Q>()
    }

    /// The query of this key and kind.
    pub(crate) fn of_kind(key: QueryKey, kind: Kind) -> Self {
        QueryFilter::new(Wanted::One(key, kind))
    }

    /// Only queries of this type.
    pub fn query<Q: Query>(mut self) -> Self {
        self.query = Some(kind_of::<Q>());
        self
    }

    /// Only what somebody watches who is enabled.
    pub fn active(mut self) -> Self {
        self.activity = Activity::Active;
        self
    }

    /// Only what nobody watches who is enabled.
    pub fn inactive(mut self) -> Self {
        self.activity = Activity::Inactive;
        self
    }

    /// Only what is stale. What only the disabled watch is not.
    pub fn stale(mut self) -> Self {
        self.stale = Some(true);
        self
    }

    /// Only what is not stale.
    pub fn fresh(mut self) -> Self {
        self.stale = Some(false);
        self
    }

    /// Only what is being fetched.
    pub fn fetching(self) -> Self {
        self.fetch_status(FetchStatus::Fetching)
    }

    /// Only queries about which this is being done.
    pub fn fetch_status(mut self, status: FetchStatus) -> Self {
        self.fetch_status = Some(status);
        self
    }

    /// Only what the predicate says yes to. It may call the client.
    pub fn matching(mut self, predicate: impl Fn(&QueryInfo) -> bool + 'static) -> Self {
        self.predicate = Some(Rc::new(predicate));
        self
    }

    /// Whether the key says it all.
    pub(crate) fn is_by_key(&self) -> bool {
        self.query.is_none()
            && self.activity == Activity::Any
            && self.stale.is_none()
            && self.fetch_status.is_none()
    }
}

impl<Q: Query> From<&Q> for QueryFilter {
    fn from(query: &Q) -> Self {
        QueryFilter::new(Wanted::One(query.key(), kind_of::<Q>()))
    }
}

impl fmt::Debug for QueryFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("QueryFilter");
        match &self.wanted {
            Wanted::All => &mut debug,
            Wanted::One(key, _) | Wanted::Key(key) => debug.field("exact", key),
            Wanted::Prefix { prefix, .. } => debug.field("prefix", prefix),
        };
        debug.finish_non_exhaustive()
    }
}

/// What a predicate is shown of a query.
#[derive(Clone)]
pub struct QueryInfo {
    pub(crate) key: QueryKey,
    pub(crate) snapshot: Snapshot,
    pub(crate) observers: usize,
    pub(crate) active: bool,
    pub(crate) meta: Option<Rc<dyn Any>>,
    pub(crate) name: &'static str,
}

impl QueryInfo {
    /// The key.
    pub fn key(&self) -> &QueryKey {
        &self.key
    }

    /// What is known of it.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The data, if there is any and it is of this type.
    pub fn data<T: 'static>(&self) -> Option<Rc<T>> {
        self.snapshot.any_data()?.clone().downcast().ok()
    }

    /// How many watch it.
    pub fn observer_count(&self) -> usize {
        self.observers
    }

    /// Whether one of them is enabled.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// What [`QueryOptions::meta`](crate::QueryOptions::meta) was given, if it is of this type.
    pub fn meta<M: 'static>(&self) -> Option<Rc<M>> {
        self.meta.clone()?.downcast().ok()
    }

    /// A number for the type, if it is known: data that is still JSON has none.
    #[cfg(feature = "hydrate")]
    pub(crate) fn query_number(&self) -> Option<u32> {
        let asleep = crate::hydrate::is_asleep_name(self.name);
        (!asleep).then(|| crate::hydrate::number_of_name(self.name))
    }

    /// The name of the query's type, as the compiler gives it.
    pub fn type_name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for QueryInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryInfo")
            .field("key", &self.key)
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}
