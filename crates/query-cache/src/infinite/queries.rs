//! The queries that a list is made of: one for each page, one for the list of their parameters.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::erased::{AnyParam, DynList};
use super::turn::turn;
use super::walk::walk;
use super::{InfiniteQuery, PageOrder};
use crate::context::FetchContext;
use crate::error::{Classify, ErrorClass, QueryError};
use crate::key::QueryKey;
use crate::options::{QueryOptions, Refetch};
use crate::policy::{Custom, Policy};
use crate::query::{Query, kind_of};
use crate::segment::Segment;
use crate::view::typed_error;

/// The query of one page, made by [`InfiniteQuery::page`]. A page that is asked for while the list is being
/// fetched in sequence waits for its turn.
pub struct PageQuery<I: InfiniteQuery> {
    list: Rc<I>,
    param: I::Param,
}

impl<I: InfiniteQuery> PageQuery<I> {
    pub(super) fn new(list: Rc<I>, param: I::Param) -> Self {
        PageQuery { list, param }
    }
}

impl<I: InfiniteQuery> Query for PageQuery<I> {
    type Data = I::Data;
    type Error = I::Error;

    fn key(&self) -> QueryKey {
        page_key(&self.list.key(), self.param.clone().into())
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        let mut policy = self.list.options(defaults).into_policy();
        // What happens is the list's affair: it has its pages fetched.
        policy.plain.on_mount = Refetch::No;
        policy.plain.on_focus = Refetch::No;
        policy.plain.on_reconnect = Refetch::No;
        if let Some(custom) = &mut policy.custom {
            custom.interval = None;
            custom.placeholder = None;
        }
        QueryOptions::of(policy)
    }

    async fn fetch(&self, cx: FetchContext) -> Result<I::Data, I::Error> {
        let list = (&self.list.key(), kind_of::<PageList<I>>());
        turn(&cx, list, (&self.key(), kind_of::<Self>()), params_in::<I::Param>).await;
        self.list.fetch(self.param.clone(), cx).await
    }
}

pub(super) fn page_key(list: &QueryKey, param: Segment) -> QueryKey {
    let mut segments = list.segments().to_vec();
    segments.extend([Segment::literal("page"), param]);
    QueryKey::new(segments)
}

impl<I: InfiniteQuery<Param: fmt::Debug>> fmt::Debug for PageQuery<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PageQuery").field(&self.param).finish()
    }
}

/// The query of the list of a list's parameters, made by [`InfiniteQuery::list`]. To fetch it is to fetch all
/// pages.
pub struct PageList<I> {
    list: Rc<I>,
}

impl<I: InfiniteQuery> PageList<I> {
    pub(super) fn new(list: Rc<I>) -> Self {
        PageList { list }
    }
}

impl<I: InfiniteQuery> Query for PageList<I> {
    type Data = Params<I::Param>;
    type Error = ListError<I::Error>;

    fn key(&self) -> QueryKey {
        self.list.key()
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        let Policy { mut plain, custom } =
            self.list.options(QueryOptions::of(defaults.into_policy())).into_policy();
        // Each page is tried again by itself.
        plain.retry = 0;
        plain.keep_previous = false;
        let (interval, meta) = custom.map(|custom| (custom.interval, custom.meta)).unwrap_or_default();
        let same = Some(same_params::<I::Param> as _);
        let custom = Some(Box::new(Custom { same, interval, meta, ..Custom::default() }));
        self.list.list_options(QueryOptions::of(Policy { plain, custom }))
    }

    async fn fetch(&self, cx: FetchContext) -> Result<Self::Data, Self::Error> {
        let list: Rc<dyn DynList> = self.list.clone();
        match walk(list, cx).await {
            Ok(list) => Ok(Params { list, param: PhantomData }),
            Err(error) => Err(ListError(typed_error(&error).unwrap_or(QueryError::Cancelled))),
        }
    }
}

impl<I> fmt::Debug for PageList<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageList")
    }
}

/// The parameters of a list's pages, first to last. Equal when they are the same segments of a key.
pub struct Params<P> {
    pub(super) list: Vec<AnyParam>,
    pub(super) param: PhantomData<fn() -> P>,
}

impl<P: 'static> Params<P> {
    /// The parameters.
    pub fn iter(&self) -> impl Iterator<Item = &P> {
        self.list.iter().filter_map(AnyParam::get)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<P: Clone + Into<Segment> + 'static> FromIterator<P> for Params<P> {
    fn from_iter<T: IntoIterator<Item = P>>(params: T) -> Self {
        Params { list: params.into_iter().map(AnyParam::new).collect(), param: PhantomData }
    }
}

impl<P> PartialEq for Params<P> {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl<P: fmt::Debug + 'static> fmt::Debug for Params<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// As the list of them, so that a list may travel with its pages.
impl<P: Serialize + 'static> Serialize for Params<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, P: Deserialize<'de> + Clone + Into<Segment> + 'static> Deserialize<'de> for Params<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<P>::deserialize(deserializer).map(Params::from_iter)
    }
}

/// The parameters that a list's data holds; none, if it is of another type.
pub(super) fn params_in<P: 'static>(data: &dyn Any) -> &[AnyParam] {
    data.downcast_ref::<Params<P>>().map_or(&[], |params| &params.list)
}

fn same_params<P: 'static>(a: &dyn Any, b: &dyn Any) -> bool {
    matches!((a.downcast_ref::<Params<P>>(), b.downcast_ref()), (Some(a), Some(b)) if a == b)
}

/// Why a list could not be fetched: one of its pages could not be, and it has been tried again as often as it
/// is to be.
pub struct ListError<E>(
    /// The page's error.
    pub QueryError<E>,
);

impl<E> Classify for ListError<E> {
    fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}

impl<E: fmt::Debug> fmt::Debug for ListError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListError").field(&self.0).finish()
    }
}

pub(super) fn is_parallel(order: PageOrder) -> bool {
    order == PageOrder::Parallel
}
