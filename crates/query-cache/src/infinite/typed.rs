//! Watching a list, with its types.

use std::marker::PhantomData;

use super::erased::AnyInfiniteQuery;
use super::observer::PagesObserver;
use super::shown::PagesSnapshot;
use super::{InfiniteQuery, Page, Side};
use crate::error::QueryError;
use crate::view::QueryState;

/// Watches a list until it is dropped. Made by [`QueryClient::observe_pages`].
#[derive(Debug)]
pub struct InfiniteObserver<I> {
    observer: PagesObserver,
    query: PhantomData<fn() -> I>,
}

impl<I: InfiniteQuery> InfiniteObserver<I> {
    pub(super) fn new(observer: PagesObserver) -> Self {
        InfiniteObserver { observer, query: PhantomData }
    }

    /// What is known at this moment: the pages in order, each the very value that is in the cache.
    pub fn state(&self) -> QueryState<Vec<Page<I>>, I::Error> {
        self.snapshot().state::<I>()
    }

    /// What is known at this moment, in every respect.
    pub fn snapshot(&self) -> PagesSnapshot {
        self.observer.snapshot()
    }

    /// Whether there is a page after the last one.
    pub fn has_next(&self) -> bool {
        self.snapshot().has(Side::Next)
    }

    /// Whether there is a page before the first one.
    pub fn has_previous(&self) -> bool {
        self.snapshot().has(Side::Previous)
    }

    /// Whether the next page is being fetched.
    pub fn is_fetching_next(&self) -> bool {
        self.snapshot().is_fetching_side(Side::Next)
    }

    /// Whether the previous page is being fetched.
    pub fn is_fetching_previous(&self) -> bool {
        self.snapshot().is_fetching_side(Side::Previous)
    }

    /// Why the next page could not be fetched.
    pub fn next_error(&self) -> Option<QueryError<I::Error>> {
        self.snapshot().side_error(Side::Next)
    }

    /// Why the previous page could not be fetched.
    pub fn previous_error(&self) -> Option<QueryError<I::Error>> {
        self.snapshot().side_error(Side::Previous)
    }

    /// Whether anything of the list is being fetched. Who asks is told, from then on, when that changes.
    pub fn is_fetching(&self) -> bool {
        self.observer.watch_fetching();
        self.snapshot().is_fetching()
    }

    /// Whether the list is stale. Who asks is told, from then on, when that changes, at the very moment.
    pub fn is_stale(&self) -> bool {
        self.observer.watch_stale();
        self.snapshot().is_stale()
    }

    /// Fetches the next page, as [`PagesObserver::fetch`].
    pub fn fetch_next(&self) {
        self.observer.fetch(Side::Next);
    }

    /// Fetches the previous page, as [`PagesObserver::fetch`].
    pub fn fetch_previous(&self) {
        self.observer.fetch(Side::Previous);
    }

    /// Fetches all pages again, fresh or not, in the list's [order](InfiniteQuery::order). Joins a fetch of all
    /// that is under way.
    pub fn refetch(&self) {
        self.observer.refetch();
    }

    /// Fetches those pages again that it says yes to; of a list that is fetched in sequence also those whose
    /// parameter is another then.
    pub fn refetch_pages(&self, chosen: impl Fn(&Page<I>) -> bool) {
        let snapshot = self.snapshot();
        let pages = snapshot.any_data().downcast_ref::<Vec<Page<I>>>();
        let chosen: Vec<bool> = pages.into_iter().flatten().map(chosen).collect();
        self.observer.refetch_pages(&|place| chosen.get(place).copied().unwrap_or(false));
    }

    /// Watches another list from now on, as [`PagesObserver::follow`].
    pub fn follow(&self, query: I) {
        self.observer.follow(&AnyInfiniteQuery::new(query));
    }
}
