//! Pages beyond the ends of a list, on their way into it.

use std::cell::RefCell;
use std::rc::Rc;

use super::Side;
use super::erased::{AnyParam, DynList};
use super::lists::{ListState, entry};
use super::queries::page_key;
use crate::client::QueryClient;
use crate::engine::{Engine, Value};
use crate::observer::Observer;
use crate::segment::Segment;
use crate::view::Snapshot;

/// A page that is to be put in the list when it is there.
pub(super) struct Move {
    param: AnyParam,
    /// The page it is to follow.
    base: Segment,
    /// Interest in it: all who watch the list have it. `None` only while it is being taken up.
    observer: Option<Observer>,
}

/// One for each end.
#[derive(Default)]
pub(super) struct Moves {
    previous: RefCell<Option<Move>>,
    next: RefCell<Option<Move>>,
}

pub(super) const SIDES: [Side; 2] = [Side::Previous, Side::Next];

impl Moves {
    fn at(&self, side: Side) -> &RefCell<Option<Move>> {
        match side {
            Side::Previous => &self.previous,
            Side::Next => &self.next,
        }
    }

    pub fn is_toward(&self, page: &Segment) -> bool {
        SIDES
            .iter()
            .any(|side| self.at(*side).borrow().as_ref().is_some_and(|held| held.param.segment == *page))
    }

    /// Takes the moves out, to be dropped.
    pub fn take_all(&self) -> [Option<Move>; 2] {
        SIDES.map(|side| self.at(side).take())
    }

    /// What is known of the page that is to come on that side.
    pub fn snapshot(&self, side: Side) -> Option<Snapshot> {
        self.at(side).borrow().as_ref()?.observer.as_ref().map(Observer::snapshot)
    }

    fn get(&self, side: Side) -> Option<(AnyParam, Segment)> {
        self.at(side).borrow().as_ref().map(|held| (held.param.clone(), held.base.clone()))
    }
}

/// What became of the moves of a list.
#[derive(Default)]
pub(super) struct Completed {
    /// They are in the list, or of no use. To be dropped once the list's pages are watched.
    pub over: Vec<Option<Move>>,
    /// Where the list has another end than the one that was to be followed.
    pub again: Vec<Side>,
}

impl ListState {
    /// Fetches a page, to be put in the list on that side of `base`. `None`: one is on its way already.
    pub fn fetch_beyond(
        self: &Rc<Self>,
        client: &QueryClient,
        list: &Rc<dyn DynList>,
        (side, param, base): (Side, AnyParam, Segment),
    ) {
        let Some(query) = list.clone().page_query(&param) else { return };
        let place = self.moves.at(side);
        if place.borrow().is_some() {
            return;
        }
        // Before it is watched, so that it need not wait for its turn.
        place.replace(Some(Move { param: param.clone(), base, observer: None }));
        let state = Rc::downgrade(self);
        let tell = move || {
            if let Some(state) = state.upgrade() {
                state.tell();
            }
        };
        let observer = client.observe_any(&query, Rc::new(tell));
        observer.watch_fetching();
        let seen = observer.snapshot();
        if seen.any_data().is_some() && seen.is_stale() && !seen.is_fetching() {
            observer.refetch();
        }
        let mut held = place.borrow_mut();
        let unwanted = match held.as_mut().filter(|held| held.param == param && held.observer.is_none()) {
            Some(held) => held.observer.replace(observer),
            None => Some(observer),
        };
        drop(held);
        drop(unwanted);
        // Whoever watched may have turned to another list meanwhile.
        self.let_go();
    }

    /// Tries a page again that could not be fetched. Says whether there was one to fetch, or is on its way.
    pub fn hurry(&self, client: &QueryClient, list: &Rc<dyn DynList>, side: Side) -> bool {
        let Some((param, _)) = self.moves.get(side) else { return false };
        if self.has_failed(client, list, &param) {
            // Taken out: it is user code that fetches.
            let place = self.moves.at(side);
            let observer = place.borrow_mut().as_mut().and_then(|held| held.observer.take());
            if let Some(observer) = &observer {
                observer.refetch();
            }
            let mut held = place.borrow_mut();
            let unwanted = match held.as_mut().filter(|held| held.observer.is_none()) {
                Some(held) => std::mem::replace(&mut held.observer, observer),
                None => observer,
            };
            drop(held);
            drop(unwanted);
        }
        true
    }

    /// Whether a page is there, shown or not.
    pub fn has_page(&self, client: &QueryClient, list: &Rc<dyn DynList>, param: &AnyParam) -> bool {
        let key = page_key(&self.key, param.segment.clone());
        let kind = list.page_kind();
        client.read(|engine| entry(engine, &key, kind).is_some_and(|entry| entry.data().is_some()))
    }

    /// Whether a page is neither there nor being fetched, held scope or not.
    fn has_failed(&self, client: &QueryClient, list: &Rc<dyn DynList>, param: &AnyParam) -> bool {
        let key = page_key(&self.key, param.segment.clone());
        let kind = list.page_kind();
        client.read(|engine| {
            entry(engine, &key, kind).is_none_or(|entry| entry.data().is_none() && entry.fetch.is_none())
        })
    }

    /// Puts the pages that have come in the list.
    pub fn complete(&self, client: &QueryClient, list: &Rc<dyn DynList>) -> Completed {
        let mut completed = Completed::default();
        for side in SIDES {
            let Some((param, base)) = self.moves.get(side) else { continue };
            let held: Option<Value> = self.read(client, |entry| entry.base().cloned()).flatten();
            let mut params = held.map(|held| list.read(&*held).to_vec()).unwrap_or_default();
            let end = match side {
                Side::Previous => params.first(),
                Side::Next => params.last(),
            };
            let current = end.is_some_and(|end| end.segment == base);
            if current && !params.contains(&param) {
                if !self.has_page(client, list, &param) {
                    continue; // It is still to come.
                }
                let limit = list.limit().unwrap_or(usize::MAX);
                let over = params.len().saturating_add(1).saturating_sub(limit);
                match side {
                    Side::Previous => {
                        params.truncate(params.len().saturating_sub(over));
                        params.insert(0, param);
                    }
                    Side::Next => {
                        params.drain(..over.min(params.len()));
                        params.push(param);
                        self.appended.set(self.appended.get().saturating_add(1));
                    }
                }
                self.last_side.set(Some(side));
                self.amend(client, &list.write(params));
            } else if !current && end.is_some() && !self.has_failed(client, list, &param) {
                completed.again.push(side);
            }
            completed.over.push(self.moves.at(side).take());
        }
        completed
    }

    fn amend(&self, client: &QueryClient, params: &Value) {
        let find = |engine: &Engine| engine.find(&self.key, self.kind);
        client.see(&find, params, None, &|engine, seen, _, fx| {
            if let Some(slot) = find(engine) {
                engine.amend(slot, params, seen, fx);
            }
        });
    }
}
