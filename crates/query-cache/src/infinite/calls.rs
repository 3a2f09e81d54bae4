//! Asking for pages, reading and writing them, without watching.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::erased::{AnyInfiniteQuery, AnyPage, AnyParam, DynList};
use super::lists::{Brought, Lists};
use super::queries::{ListError, PageList, PageQuery};
use super::typed::InfiniteObserver;
use super::{InfiniteQuery, Page};
use crate::call::Call;
use crate::client::QueryClient;
use crate::engine::{Asked, WaiterSlot};
use crate::entry::is_stale;
use crate::error::QueryError;
use crate::query::AnyQuery;
use crate::view::typed_error;

impl QueryClient {
    /// Watches a list for as long as the guard lives: fetches its first page now, or all of its pages again, unless
    /// they are fresh, and calls the listener, one turn later, when what is shown has changed.
    pub fn observe_pages<I: InfiniteQuery>(
        &self,
        query: I,
        listener: impl Fn() + 'static,
    ) -> InfiniteObserver<I> {
        InfiniteObserver::new(self.observe_any_pages(&AnyInfiniteQuery::new(query), Rc::new(listener)))
    }

    /// Fetches the list's first pages, this many if there are, unless they are there and fresh. One call; nobody
    /// need wait or watch.
    pub fn prefetch_pages<I: InfiniteQuery>(&self, query: I, count: usize) {
        self.prefetch_any_pages(&AnyInfiniteQuery::new(query), count);
    }

    /// [`QueryClient::prefetch_pages`] without types, for bridges to a UI framework.
    pub fn prefetch_any_pages(&self, query: &AnyInfiniteQuery, count: usize) {
        self.ask_for_pages(query, count, |asked, more| {
            self.step(|engine, now, fx| {
                if more { engine.prefetch_anew(asked, now, fx) } else { engine.prefetch(asked, now, fx) }
            });
        });
    }

    /// The list's pages, this many at least if there are: what is there if it is fresh, else what is fetched, which
    /// begins in this call.
    ///
    /// # Errors
    /// The future's: the error of a page when all its attempts failed;
    /// [`QueryError::Cancelled`] when the fetch was called off, or the scope ended.
    pub fn query_pages<I: InfiniteQuery>(&self, query: I, count: usize) -> PagesFuture<I> {
        let list = Rc::new(query);
        let slot = self.ask_for_pages(&AnyInfiniteQuery(list.clone()), count, |asked, more| {
            self.step(
                |engine, now, fx| {
                    if more { engine.call_anew(asked, now, fx) } else { engine.call(asked, now, fx) }
                },
            )
        });
        let call = Call::new(self.clone(), slot.unwrap_or(WaiterSlot::NONE));
        let brought = self.extension::<Lists>().of(&list.key(), list.list_kind()).wait_for_pages();
        PagesFuture { call, client: self.clone(), list, brought }
    }

    /// Has the list asked for; `more`: though it may be fresh, since there are too few pages, or one is gone.
    fn ask_for_pages<R>(
        &self,
        query: &AnyInfiniteQuery,
        count: usize,
        act: impl FnOnce(&Asked<'_>, bool) -> R,
    ) -> Option<R> {
        let list = &query.0;
        let count = count.min(list.limit().unwrap_or(usize::MAX));
        self.ask(&list.clone().list_query().0, |asked| {
            let state = self.extension::<Lists>().of(asked.key, asked.kind);
            let now = self.now();
            let held = state.read(self, |entry| {
                let stale = is_stale(&entry.state, asked.policy.plain.stale, now);
                entry.data().cloned().map(|data| (data, stale))
            });
            let (params, stale) = held
                .flatten()
                .map_or((Vec::new(), true), |(data, stale)| (list.read(&*data).to_vec(), stale));
            // A page may be gone before its list.
            let more = params.len() < count || !params.iter().all(|param| state.has_page(self, list, param));
            if more {
                state.forget_asked(self);
                state.at_least.set(state.at_least.get().max(count));
                if !stale && !state.is_walked(self) {
                    // What is there is fresh: only what is beyond it is fetched.
                    drop(state.chosen.replace(Some(Vec::new())));
                }
            }
            let acted = act(asked, more);
            if more {
                state.asked(self);
            }
            acted
        })
    }

    pub(super) fn call(&self, query: &AnyQuery) -> WaiterSlot {
        let slot = self.ask(&query.0, |asked| self.step(|engine, now, fx| engine.call(asked, now, fx)));
        slot.unwrap_or(WaiterSlot::NONE)
    }

    pub(super) fn call_anew(&self, query: &AnyQuery) -> WaiterSlot {
        let slot = self.ask(&query.0, |asked| self.step(|engine, now, fx| engine.call_anew(asked, now, fx)));
        slot.unwrap_or(WaiterSlot::NONE)
    }

    /// The pages of the list that are there, fresh or stale. `None` when there is no list or the scope is held.
    pub fn get_pages<I: InfiniteQuery + Clone>(&self, query: &I) -> Option<Vec<Page<I>>> {
        self.pages_of(&Rc::new(query.clone()))
    }

    fn pages_of<I: InfiniteQuery>(&self, list: &Rc<I>) -> Option<Vec<Page<I>>> {
        let params = self.get_data(&PageList::new(list.clone()))?;
        Some(self.pages_by(list, &*params, &[]))
    }

    /// The pages of these parameters: those that are in the cache, or else were brought.
    fn pages_by<I: InfiniteQuery>(
        &self,
        list: &Rc<I>,
        params: &dyn Any,
        brought: &[AnyPage],
    ) -> Vec<Page<I>> {
        let page = |held: &AnyParam| {
            let param = held.get::<I::Param>()?.clone();
            let kept = self.get_data(&PageQuery::new(list.clone(), param.clone()));
            let brought = || brought.iter().find(|page| page.param == *held)?.data.clone().downcast().ok();
            Some(Page { data: kept.or_else(brought)?, param })
        };
        list.read(params).iter().filter_map(page).collect()
    }

    /// Writes a list: these pages and no others. They are as fresh as an answer that arrives now.
    pub fn set_pages<I: InfiniteQuery + Clone>(
        &self,
        query: &I,
        pages: impl IntoIterator<Item = (I::Param, I::Data)>,
    ) {
        let here = self.in_this_scope();
        let list = Rc::new(query.clone());
        let mut params = Vec::new();
        for (param, data) in pages {
            here.set_data(&PageQuery::new(list.clone(), param.clone()), data);
            params.push(param);
        }
        here.set_data(&PageList::new(list), params.into_iter().collect());
    }
}

/// The pages of a list, when they are there. Made by [`QueryClient::query_pages`].
#[must_use = "dropping it lets go of the fetch; to fetch for later, use `prefetch_pages`"]
pub struct PagesFuture<I> {
    call: Call,
    client: QueryClient,
    list: Rc<I>,
    brought: Rc<Brought>,
}

impl<I: InfiniteQuery> Future for PagesFuture<I> {
    type Output = Result<Vec<Page<I>>, QueryError<I::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.call.poll(cx).map(|verdict| match verdict {
            Ok(params) => Ok(self.client.pages_by(&self.list, &*params, &self.brought.take())),
            Err(error) => Err(match typed_error::<ListError<I::Error>>(&error) {
                Some(QueryError::Fetch(error)) => error.0.clone(),
                Some(QueryError::Misuse(misuse)) => QueryError::Misuse(misuse),
                Some(QueryError::Cancelled) | None => QueryError::Cancelled,
            }),
        })
    }
}

impl<I> fmt::Debug for PagesFuture<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagesFuture")
    }
}
