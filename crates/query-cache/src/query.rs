//! A query: a typed value that says which entry it is, what is in it, and how to get it.

use std::any::{TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::context::FetchContext;
use crate::engine::Value;
use crate::environment::LocalBoxFuture;
use crate::error::{Classify, ErrorClass};
use crate::key::QueryKey;
use crate::options::{Policy, QueryOptions};

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
    /// What is fetched. Handed out as `Rc<Data>`; needs to be neither `Clone` nor `Send`.
    type Data: 'static;
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
}

/// What the engine needs of a query, whatever its types.
pub(crate) trait DynQuery {
    fn key(&self) -> QueryKey;
    fn policy(&self) -> Policy;
    fn types(&self) -> TypeId;
    fn name(&self) -> &'static str;
    fn start(self: Rc<Self>, cx: FetchContext) -> LocalBoxFuture<Answer>;
}

/// What came of one attempt. The error is classified here, outside of the engine.
pub(crate) type Answer = Result<Value, (Value, ErrorClass)>;

/// The types of an entry. Not the type of the query: every closure has one of its own.
pub(crate) fn types_of<Q: Query>() -> TypeId {
    TypeId::of::<(Q::Data, Q::Error)>()
}

impl<Q: Query> DynQuery for Q {
    fn key(&self) -> QueryKey {
        Query::key(self)
    }

    fn policy(&self) -> Policy {
        self.options(QueryOptions::default()).into_policy()
    }

    fn types(&self) -> TypeId {
        types_of::<Q>()
    }

    fn name(&self) -> &'static str {
        type_name::<Q>()
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
        self.0.types() == other.0.types() && self.0.key() == other.0.key()
    }
}

impl fmt::Debug for AnyQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyQuery").field(&self.0.name()).field(&self.0.key()).finish()
    }
}

type ChangeOptions<Q> = Box<dyn Fn(QueryOptions<Q>) -> QueryOptions<Q>>;

/// A query made of a key and a closure, by [`query`].
pub struct Inline<F, T, E> {
    key: QueryKey,
    fetch: F,
    options: Option<ChangeOptions<Self>>,
    types: PhantomData<fn() -> (T, E)>,
}

/// A query on the spot, for small cases that do not deserve a type.
///
/// ```
/// use query_cache::{query, query_key};
///
/// let greeting = query(query_key!["greeting"], async |_cx| Ok::<_, String>("hello".to_owned()))
///     .options(|defaults| defaults.retry(0));
/// # let _ = greeting;
/// ```
pub fn query<F, T, E>(key: QueryKey, fetch: F) -> Inline<F, T, E>
where
    F: AsyncFn(FetchContext) -> Result<T, E> + 'static,
    T: 'static,
    E: Classify + 'static,
{
    Inline { key, fetch, options: None, types: PhantomData }
}

impl<F, T, E> Inline<F, T, E> {
    /// How to fetch and keep it, as [`Query::options`].
    pub fn options(mut self, change: impl Fn(QueryOptions<Self>) -> QueryOptions<Self> + 'static) -> Self {
        self.options = Some(Box::new(change));
        self
    }
}

impl<F, T, E> Query for Inline<F, T, E>
where
    F: AsyncFn(FetchContext) -> Result<T, E> + 'static,
    T: 'static,
    E: Classify + 'static,
{
    type Data = T;
    type Error = E;

    fn key(&self) -> QueryKey {
        self.key.clone()
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        match &self.options {
            Some(change) => change(defaults),
            None => defaults,
        }
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
