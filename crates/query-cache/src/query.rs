//! A query: a typed value that says which entry it is, what is in it, and how to get it.

use std::any::{TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::context::FetchContext;
use crate::engine::Value;
use crate::entry::{Kind, Types};
use crate::environment::LocalBoxFuture;
use crate::error::{Classify, ErrorClass};
use crate::key::QueryKey;
use crate::options::QueryOptions;
use crate::policy::Policy;

/// Something to be fetched, and kept.
///
/// ```
/// use query_cache::{FetchContext, Query, QueryKey, QueryOptions, minutes, query_key};
///
/// struct PostTitle(u64);
///
/// impl Query for PostTitle {
///     type Data = String;
///     type Error = String;
///
///     fn key(&self) -> QueryKey {
///         query_key!["posts", self.0, "title"]
///     }
///     fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
///         defaults.retry(2).stale_after(minutes(5))
///     }
///     async fn fetch(&self, _cx: FetchContext) -> Result<String, String> {
///         Ok(format!("The title of post {}", self.0))
///     }
/// }
/// ```
pub trait Query: Sized + 'static {
    /// What is fetched. Handed out as `Rc<Data>`; needs to be neither `Clone` nor `Send`. It is `Unpin`, as
    /// nearly everything is, so that a secret can refuse to be kept in a cache, alone or in a struct, by not
    /// being so.
    type Data: Unpin + 'static;
    /// Why it could not be. To use [`FetchContext::get`] with `?`, let it be `From<MissingContext>`.
    type Error: Classify + 'static;

    /// Which entry of the cache this is. Two queries with the same key and the same types share an entry;
    /// whatever changes the answer belongs in the key.
    fn key(&self) -> QueryKey;

    /// How to fetch and keep it: the defaults, changed as need be. Options are no part of the identity; of
    /// two queries on one entry the later one's count.
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults
    }

    /// One attempt to fetch it. Write it as `async fn`. The future is polled where the query is asked for,
    /// and dropped when nobody wants the answer any more: what it owns should abort its work then.
    fn fetch(&self, cx: FetchContext) -> impl Future<Output = Result<Self::Data, Self::Error>>;

    /// The same query with other options, where it is used: `PostTitle(7).with_options(|o| o.retry(0))`.
    fn with_options(self, change: impl Fn(QueryOptions<Self>) -> QueryOptions<Self> + 'static) -> With<Self> {
        With { query: self, change: Box::new(change) }
    }

    /// What is in the entry: the query's own types, whatever it is wrapped in.
    #[doc(hidden)]
    fn __kind() -> Types {
        Types {
            types: TypeId::of::<(Self::Data, Self::Error)>(),
            query: TypeId::of::<Self>(),
            name: type_name::<Self>(),
        }
    }
}

/// What the engine needs of a query, whatever its types.
pub(crate) trait DynQuery {
    fn key(&self) -> QueryKey;
    fn policy(&self, defaults: Policy) -> Policy;
    fn kind(&self) -> Kind;
    fn start(self: Rc<Self>, cx: FetchContext) -> LocalBoxFuture<Answer>;
}

/// What came of one attempt. The error is classified here, outside of the engine.
pub(crate) type Answer = Result<Value, (Value, ErrorClass)>;

pub(crate) fn kind_of<Q: Query>() -> Kind {
    Q::__kind
}

impl<Q: Query> DynQuery for Q {
    fn key(&self) -> QueryKey {
        Query::key(self)
    }

    fn policy(&self, defaults: Policy) -> Policy {
        self.options(QueryOptions::of(defaults)).into_policy()
    }

    fn kind(&self) -> Kind {
        kind_of::<Q>()
    }

    fn start(self: Rc<Self>, cx: FetchContext) -> LocalBoxFuture<Answer> {
        Box::pin(async move {
            match self.fetch(cx).await {
                Ok(data) => Ok(Rc::new(data) as Value),
                Err(error) => {
                    let class = error.class();
                    Err((Rc::new(error) as Value, class))
                }
            }
        })
    }
}

type ChangeOptions<Q> = Box<dyn Fn(QueryOptions<Q>) -> QueryOptions<Q>>;

/// A query with other options, made by [`Query::with_options`]: the same key, the same entry.
pub struct With<Q> {
    query: Q,
    change: ChangeOptions<Q>,
}

impl<Q: Query> Query for With<Q> {
    type Data = Q::Data;
    type Error = Q::Error;

    fn key(&self) -> QueryKey {
        self.query.key()
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        let own = self.query.options(QueryOptions::of(defaults.into_policy()));
        QueryOptions::of((self.change)(own).into_policy())
    }

    async fn fetch(&self, cx: FetchContext) -> Result<Q::Data, Q::Error> {
        self.query.fetch(cx).await
    }

    fn __kind() -> Types {
        Q::__kind()
    }
}

impl<Q: fmt::Debug> fmt::Debug for With<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("With").field("query", &self.query).finish_non_exhaustive()
    }
}

/// A query without its types, for bridges to a UI framework: their code is then compiled once, not once
/// per query.
#[derive(Clone)]
pub struct AnyQuery(pub(crate) Rc<dyn DynQuery>);

impl AnyQuery {
    /// Forgets the types.
    pub fn new<Q: Query>(query: Q) -> Self {
        AnyQuery(Rc::new(query))
    }

    /// Whether both ask for the same entry: the same key and the same types.
    pub fn same_entry(&self, other: &AnyQuery) -> bool {
        self.0.kind()().types == other.0.kind()().types && self.0.key() == other.0.key()
    }

    /// Its key.
    pub fn key(&self) -> QueryKey {
        self.0.key()
    }
}

impl fmt::Debug for AnyQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyQuery").field(&(self.0.kind())().name).field(&self.0.key()).finish()
    }
}

/// A query made of a key and a closure, by [`query`].
pub struct Inline<F, T, E> {
    key: QueryKey,
    fetch: F,
    types: PhantomData<fn() -> (T, E)>,
}

/// A query on the spot, for small cases that do not deserve a type.
///
/// ```
/// use query_cache::{Query, query, query_key};
///
/// let greeting = query(query_key!["greeting"], async |_cx| Ok::<_, String>("hello".to_owned()))
///     .with_options(|options| options.retry(0));
/// # let _ = greeting;
/// ```
pub fn query<F, T, E>(key: QueryKey, fetch: F) -> Inline<F, T, E>
where
    F: AsyncFn(FetchContext) -> Result<T, E> + 'static,
    T: Unpin + 'static,
    E: Classify + 'static,
{
    Inline { key, fetch, types: PhantomData }
}

impl<F, T, E> Query for Inline<F, T, E>
where
    F: AsyncFn(FetchContext) -> Result<T, E> + 'static,
    T: Unpin + 'static,
    E: Classify + 'static,
{
    type Data = T;
    type Error = E;

    fn key(&self) -> QueryKey {
        self.key.clone()
    }

    async fn fetch(&self, cx: FetchContext) -> Result<T, E> {
        (self.fetch)(cx).await
    }
}

impl<F, T, E> fmt::Debug for Inline<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inline").field(&self.key).finish()
    }
}
