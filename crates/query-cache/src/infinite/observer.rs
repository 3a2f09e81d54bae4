//! Watching a list: its parameters, its pages, and what comes at its ends.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::erased::{AnyInfiniteQuery, AnyPage, AnyParam, DynList};
use super::lists::{ListState, Lists};
use super::moves::SIDES;
use super::shown::{PagesSnapshot, Shown};
use super::{InfiniteQuery, Page, Side};
use crate::client::QueryClient;
use crate::engine::Value;
use crate::error::QueryError;
use crate::observer::Observer;
use crate::state::Parts;
use crate::view::QueryState;

/// Watches a list until it is dropped, without the list's types: for bridges to a UI framework.
pub struct PagesObserver(Rc<Inner>);

pub(super) struct Inner {
    client: QueryClient,
    list: RefCell<Rc<dyn DynList>>,
    state: RefCell<Rc<ListState>>,
    observer: OnceCell<Observer>,
    pages: RefCell<Vec<(AnyParam, Observer)>>,
    interest: Cell<Parts>,
    shown: RefCell<Option<Rc<Shown>>>,
    listener: Rc<dyn Fn()>,
    /// User code that asks in its turn is not to begin another round.
    looking: Cell<bool>,
}

impl Inner {
    fn list(&self) -> Rc<dyn DynList> {
        self.list.borrow().clone()
    }

    fn state(&self) -> Rc<ListState> {
        self.state.borrow().clone()
    }

    /// Something has changed.
    pub fn told(self: &Rc<Self>) {
        if self.look(false) && Rc::strong_count(self) > 1 {
            (self.listener)();
        }
    }

    pub fn notice(&self) {
        self.observer.get().into_iter().for_each(Observer::notice);
    }

    /// Watches what there is to watch, and says whether what is shown has changed. `renew`: the pages' queries
    /// are new.
    fn look(self: &Rc<Self>, renew: bool) -> bool {
        if self.looking.replace(true) {
            return false;
        }
        let (list, state) = (self.list(), self.state());
        let completed = state.complete(&self.client, &list);
        self.watch_pages(&list, &state, renew);
        let again = completed.again.clone();
        drop(completed);
        let now = self.take_shown(&list, &state, true);
        let before = self.shown.replace(now.clone());
        let differs = match (&before, &now) {
            (Some(before), Some(now)) => now.differs(before, self.interest.get()),
            _ => true,
        };
        drop(before);
        self.looking.set(false);
        for side in again {
            self.fetch(side);
        }
        differs
    }

    /// Takes up interest in the pages of the list, and lets go of others only then.
    fn watch_pages(self: &Rc<Self>, list: &Rc<dyn DynList>, state: &ListState, renew: bool) {
        let held: Option<Value> = state.read(&self.client, |entry| entry.data().cloned()).flatten();
        let params = match &held {
            Some(held) => list.read(&**held).to_vec(),
            // So that its retries can be seen.
            None => vec![list.first_param()],
        };
        let mut before: Vec<_> = self.pages.take().into_iter().map(Some).collect();
        let mut pages = Vec::with_capacity(params.len());
        for (place, param) in params.into_iter().enumerate() {
            let is =
                |page: &Option<(AnyParam, Observer)>| page.as_ref().is_some_and(|(held, _)| *held == param);
            let found = match before.get(place).filter(|page| is(page)) {
                Some(_) => Some(place),
                None => before.iter().position(is),
            };
            let observer = match found.and_then(|place| before.get_mut(place)?.take()) {
                Some((_, observer)) => {
                    if let Some(query) = renew.then(|| list.clone().page_query(&param)).flatten() {
                        observer.follow(&query);
                    }
                    observer
                }
                None => {
                    let Some(query) = list.clone().page_query(&param) else { continue };
                    let observer = self.client.observe_any(&query, self.teller());
                    self.widen(&observer);
                    observer
                }
            };
            pages.push((param, observer));
        }
        let unwanted = self.pages.replace(pages);
        drop((before, unwanted));
    }

    fn teller(self: &Rc<Self>) -> Rc<dyn Fn()> {
        let weak = Rc::downgrade(self);
        Rc::new(move || {
            if let Some(inner) = weak.upgrade() {
                inner.told();
            }
        })
    }

    fn widen(&self, observer: &Observer) {
        if self.interest.get().meets(Parts::FETCHING) {
            observer.watch_fetching();
        }
    }

    /// What there is to see at this moment.
    fn take_shown(&self, list: &Rc<dyn DynList>, state: &ListState, seen: bool) -> Option<Rc<Shown>> {
        let observer = self.observer.get()?;
        let now = self.client.now();
        let snapshot = |observer: &Observer| if seen { observer.show_at(now) } else { observer.snapshot() };
        let whole = snapshot(observer);
        // Nothing of the user's is called while this is borrowed.
        let (pages, watched): (Vec<_>, Vec<_>) = self
            .pages
            .borrow()
            .iter()
            .map(|(param, observer)| {
                let snapshot = snapshot(observer);
                let data = snapshot.state.data.clone().map(|data| AnyPage { param: param.clone(), data });
                (data, (param.segment.clone(), snapshot))
            })
            .unzip();
        let listed = whole.state.data.is_some();
        let pages: Vec<_> = pages.into_iter().flatten().filter(|_| listed).collect();
        let before = self.shown.borrow().clone().filter(|before| before.same_pages(&pages));
        let (built, more) = match before {
            Some(before) => (before.built.clone(), before.more),
            None => {
                let built = list.build(&pages);
                let more = SIDES.map(|side| {
                    let beyond = list.beyond(side, &*built);
                    beyond.is_some_and(|beyond| !pages.iter().any(|page| page.param == beyond))
                });
                (built, more)
            }
        };
        let coming = SIDES.map(|side| state.moves.snapshot(side));
        Some(Rc::new(Shown { list: whole, watched, coming, more, pages, built }))
    }

    fn fetch(self: &Rc<Self>, side: Side) {
        let (list, state) = (self.list(), self.state());
        if self.client.is_over() || state.hurry(&self.client, &list, side) {
            state.notice();
            return;
        }
        let Some(shown) = self.take_shown(&list, &state, false) else { return };
        let Some(base) = shown.end(side).map(|page| page.param.segment.clone()) else { return };
        let Some(param) = list.beyond(side, &*shown.built) else { return };
        if shown.pages.iter().any(|page| page.param == param) {
            return;
        }
        state.fetch_beyond(&self.client, &list, (side, param, base));
        // It may have been there all along; and all who watch see that it is on its way.
        state.notice();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.state.borrow().unwatch();
    }
}

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
        self.0.look(false);
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
        let inner = &self.0;
        let next = inner.client.extension::<Lists>().of(&query.0.key(), query.0.list_kind());
        let old_list = inner.list.replace(query.0.clone());
        let old_state = inner.state.replace(next.clone());
        if let Some(observer) = inner.observer.get() {
            observer.follow(&query.0.clone().list_query());
        }
        if Rc::ptr_eq(&old_state, &next) {
            inner.look(true);
        } else {
            next.watch(Rc::downgrade(inner));
            inner.look(true);
            old_state.leave(inner);
        }
        drop((old_list, old_state));
    }

    /// Fetches the page beyond that end of the list and puts it there, for all who watch the list. Does nothing
    /// while that is under way, and where there is no such page; tries again what could not be fetched. It
    /// neither waits for a fetch of the list nor disturbs one.
    pub fn fetch(&self, side: Side) {
        self.0.fetch(side);
    }

    /// Fetches all pages again, fresh or not. Joins a fetch of all that is under way.
    pub fn refetch(&self) {
        self.0.state().chosen.set(None);
        let walked = self.0.state().is_walked(&self.0.client);
        if let Some(observer) = self.0.observer.get() {
            observer.refetch();
        }
        if walked {
            // What it has passed by is fetched when it is over.
            self.refetch_each(&|_| true);
        }
    }

    /// Fetches those pages again that it says yes to, by their place, and of a list that is fetched in sequence
    /// also those whose parameter is another then.
    pub fn refetch_pages(&self, chosen: &dyn Fn(usize) -> bool) {
        let (list, state) = (self.0.list(), self.0.state());
        if list.is_parallel() || state.is_walked(&self.0.client) {
            self.refetch_each(chosen);
            return;
        }
        let pages = self.snapshot();
        let chosen = pages.0.pages.iter().enumerate().filter(|(place, _)| chosen(*place));
        let chosen: Vec<_> = chosen.map(|(_, page)| page.param.segment.clone()).collect();
        if !chosen.is_empty() {
            drop(state.chosen.replace(Some(chosen)));
            self.0.observer.get().into_iter().for_each(Observer::refetch);
        }
    }

    fn refetch_each(&self, chosen: &dyn Fn(usize) -> bool) {
        let (list, pages) = (self.0.list(), self.snapshot());
        for (place, page) in pages.0.pages.iter().enumerate() {
            if chosen(place)
                && let Some(query) = list.clone().page_query(&page.param)
            {
                let filter = crate::filter::QueryFilter::of_kind(query.key(), list.page_kind());
                self.0.client.refetch(filter);
            }
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
        let state = self.extension::<Lists>().of(&query.0.key(), query.0.list_kind());
        let inner = Rc::new(Inner {
            client: self.clone(),
            list: RefCell::new(query.0.clone()),
            state: RefCell::new(state.clone()),
            observer: OnceCell::new(),
            pages: RefCell::default(),
            interest: Cell::new(Parts::REST),
            shown: RefCell::default(),
            listener,
            looking: Cell::new(false),
        });
        state.watch(Rc::downgrade(&inner));
        // It is empty: it was made above.
        let _ = inner.observer.set(self.observe_any(&query.0.clone().list_query(), inner.teller()));
        inner.look(false);
        PagesObserver(inner)
    }
}

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
