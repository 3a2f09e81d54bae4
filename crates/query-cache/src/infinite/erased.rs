//! A list without its types: all that works on lists is compiled once, not once for each.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::queries::{PageList, PageQuery, Params, is_parallel, params_in};
use super::{InfiniteQuery, Page};
use crate::engine::Value;
use crate::entry::Kind;
use crate::key::QueryKey;
use crate::query::{AnyQuery, kind_of};
use crate::segment::Segment;

/// A list without its types, for bridges to a UI framework.
#[derive(Clone)]
pub struct AnyInfiniteQuery(pub(super) Rc<dyn DynList>);

impl AnyInfiniteQuery {
    /// Forgets the types.
    pub fn new<I: InfiniteQuery>(query: I) -> Self {
        AnyInfiniteQuery(Rc::new(query))
    }
}

impl fmt::Debug for AnyInfiniteQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyInfiniteQuery").field(&self.0.key()).finish()
    }
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before the first page.
    Previous,
    /// After the last page.
    Next,
}

/// A page's parameter. Equal to another when both are the same part of a key.
#[derive(Clone)]
pub(super) struct AnyParam {
    pub segment: Segment,
    value: Value,
}

impl AnyParam {
    pub fn new<P: Clone + Into<Segment> + 'static>(param: P) -> Self {
        AnyParam { segment: param.clone().into(), value: Rc::new(param) }
    }

    pub fn get<P: 'static>(&self) -> Option<&P> {
        self.value.downcast_ref()
    }
}

impl PartialEq for AnyParam {
    fn eq(&self, other: &Self) -> bool {
        self.segment == other.segment
    }
}

/// A page that is there.
#[derive(Clone)]
pub(super) struct AnyPage {
    pub param: AnyParam,
    pub data: Value,
}

/// What is needed of a list, whatever its types. Every method is user code, or calls some.
pub(super) trait DynList {
    fn key(&self) -> QueryKey;
    fn list_kind(&self) -> Kind;
    fn page_kind(&self) -> Kind;
    fn list_query(self: Rc<Self>) -> AnyQuery;
    fn page_query(self: Rc<Self>, param: &AnyParam) -> Option<AnyQuery>;
    fn first_param(&self) -> AnyParam;
    /// The parameter of the page that follows these, made by [`DynList::build`], on that side.
    fn beyond(&self, side: Side, built: &dyn Any) -> Option<AnyParam>;
    /// The list as people get it.
    fn build(&self, pages: &[AnyPage]) -> Value;
    fn limit(&self) -> Option<usize>;
    fn is_parallel(&self) -> bool;
    /// What the entry of the list holds.
    fn write(&self, params: Vec<AnyParam>) -> Value;
    fn read<'a>(&self, data: &'a dyn Any) -> &'a [AnyParam];
}

impl<I: InfiniteQuery> DynList for I {
    fn key(&self) -> QueryKey {
        InfiniteQuery::key(self)
    }

    fn list_kind(&self) -> Kind {
        kind_of::<PageList<I>>()
    }

    fn page_kind(&self) -> Kind {
        kind_of::<PageQuery<I>>()
    }

    fn list_query(self: Rc<Self>) -> AnyQuery {
        AnyQuery::new(PageList::new(self))
    }

    fn page_query(self: Rc<Self>, param: &AnyParam) -> Option<AnyQuery> {
        let param = param.get::<I::Param>()?.clone();
        Some(AnyQuery::new(PageQuery::new(self, param)))
    }

    fn first_param(&self) -> AnyParam {
        AnyParam::new(self.first())
    }

    fn beyond(&self, side: Side, built: &dyn Any) -> Option<AnyParam> {
        let pages = built.downcast_ref::<Vec<Page<I>>>()?;
        let found = match side {
            Side::Previous => self.previous(pages.first()?, pages),
            Side::Next => self.next(pages.last()?, pages),
        };
        found.map(AnyParam::new)
    }

    fn build(&self, pages: &[AnyPage]) -> Value {
        let typed = pages.iter().filter_map(|page| {
            let param = page.param.get::<I::Param>()?.clone();
            Some(Page::<I> { param, data: page.data.clone().downcast().ok()? })
        });
        Rc::new(typed.collect::<Vec<_>>())
    }

    fn limit(&self) -> Option<usize> {
        // A list of no pages would be fetched for ever.
        self.max_pages().map(|most| most.max(1))
    }

    fn is_parallel(&self) -> bool {
        is_parallel(self.order())
    }

    fn write(&self, list: Vec<AnyParam>) -> Value {
        Rc::new(Params::<I::Param> { list, param: PhantomData })
    }

    fn read<'a>(&self, data: &'a dyn Any) -> &'a [AnyParam] {
        params_in::<I::Param>(data)
    }
}
