//! Watching a list without its types.

use std::fmt;
use std::rc::Rc;

use super::Side;
use super::erased::AnyInfiniteQuery;
use super::shown::{PagesSnapshot, Shown};
use super::watching::Inner;
use crate::client::QueryClient;
use crate::observer::Observer;
use crate::segment::Segment;
use crate::state::Parts;

/// Watches a list until it is dropped, without the list's types: for bridges to a UI framework.
pub struct PagesObserver(Rc<Inner>);

impl PagesObserver {
    /// The client it watches.
    pub fn client(&self) -> &QueryClient {
        &self.0.client
    }

    /// What is known at this moment; later changes do not reach it.
    pub fn snapshot(&self) -> PagesSnapshot {
        let shown = self.0.take_shown(&self.0.list(), &self.0.state(), false);
        self.snapshot_of(shown)
    }

    /// [`PagesObserver::snapshot`], to be shown at once: the listener is not called for changes that are in it.
    pub fn show(&self) -> PagesSnapshot {
        self.0.look();
        let shown = self.0.shown.borrow().clone();
        self.snapshot_of(shown)
    }

    fn snapshot_of(&self, shown: Option<Rc<Shown>>) -> PagesSnapshot {
        PagesSnapshot(shown.unwrap_or_else(|| {
            Rc::new(Shown {
                list: crate::view::Snapshot::pending(),
                watched: Vec::new(),
                coming: [None, None],
                more: [false; 2],
                pages: Vec::new(),
                built: self.0.list().build(&[]),
            })
        }))
    }

    /// From now on, the listener is also called when a fetch begins or ends.
    pub fn watch_fetching(&self) {
        self.watch(Parts::FETCHING, Observer::watch_fetching);
        for (_, observer) in &*self.0.pages.borrow() {
            observer.watch_fetching();
        }
    }

    /// From now on, the listener is also called when the list turns stale, and the other way round.
    pub fn watch_stale(&self) {
        self.watch(Parts::STALE, Observer::watch_stale);
    }

    fn watch(&self, parts: Parts, watch: fn(&Observer)) {
        if !self.0.interest.get().meets(parts) {
            self.0.interest.set(self.0.interest.get() | parts);
            self.0.observer.get().into_iter().for_each(watch);
        }
    }

    /// Watches this list from now on. If it is the same one only its options are new; if not, the old one is let
    /// go of.
    pub fn follow(&self, query: &AnyInfiniteQuery) {
        self.0.follow(&query.0);
    }

    /// Fetches the page beyond that end of the list and puts it there, for all who watch the list. Does nothing
    /// while that is under way, and where there is no such page; tries again what could not be fetched. It
    /// neither waits for a fetch of the list nor disturbs one.
    pub fn fetch(&self, side: Side) {
        self.0.fetch(side);
    }

    /// Fetches all pages again, fresh or not. Joins a fetch of all that is under way.
    pub fn refetch(&self) {
        if self.0.client.is_over() {
            return;
        }
        let state = self.0.state();
        drop(state.chosen.take());
        let walked = state.is_walked(&self.0.client);
        self.0.observer.get().into_iter().for_each(Observer::refetch);
        if let Some(only) = state.widen().filter(|_| walked) {
            // What it does not fetch.
            self.refetch_each(|page| !only.contains(page));
        }
    }

    /// Fetches those pages again that it says yes to, by their place, and of a list that is fetched in sequence
    /// also those whose parameter is another then.
    pub fn refetch_pages(&self, chosen: &dyn Fn(usize) -> bool) {
        let (list, state) = (self.0.list(), self.0.state());
        let pages = self.snapshot();
        let chosen = pages.0.pages.iter().enumerate().filter(|(place, _)| chosen(*place));
        let chosen: Vec<_> = chosen.map(|(_, page)| page.param.segment.clone()).collect();
        if self.0.client.is_over() {
            return;
        }
        if list.is_parallel() || state.is_walked(&self.0.client) {
            self.refetch_each(|page| chosen.contains(page));
        } else if !chosen.is_empty() {
            state.forget_asked(&self.0.client);
            drop(state.chosen.replace(Some(chosen)));
            self.0.observer.get().into_iter().for_each(Observer::refetch);
            state.asked(&self.0.client);
        }
    }

    /// Fetches those of the pages again, whatever their options.
    fn refetch_each(&self, chosen: impl Fn(&Segment) -> bool) {
        let pages = self.0.pages.borrow();
        let chosen = pages.iter().filter(|(param, _)| chosen(&param.segment));
        let chosen: Vec<_> = chosen.map(|(_, observer)| observer.slot()).collect();
        drop(pages);
        for slot in chosen {
            self.0.client.step(|engine, now, fx| engine.refetch_observed(slot, now, fx));
        }
    }
}

impl fmt::Debug for PagesObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PagesObserver").field(&self.snapshot()).finish()
    }
}

impl QueryClient {
    /// [`QueryClient::observe_pages`] without types, for bridges to a UI framework.
    pub fn observe_any_pages(&self, query: &AnyInfiniteQuery, listener: Rc<dyn Fn()>) -> PagesObserver {
        PagesObserver(Inner::new(self, &query.0, listener))
    }
}
