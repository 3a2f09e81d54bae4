//! What watches a list: its parameters, its pages, and what comes at its ends.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use super::Side;
use super::erased::{AnyPage, AnyParam, DynList};
use super::lists::{ListState, Lists};
use super::moves::SIDES;
use super::shown::Shown;
use crate::client::QueryClient;
use crate::engine::Value;
use crate::observer::Observer;
use crate::state::Parts;

pub(super) struct Inner {
    pub client: QueryClient,
    list: RefCell<Rc<dyn DynList>>,
    state: RefCell<Rc<ListState>>,
    pub observer: OnceCell<Observer>,
    pub pages: RefCell<Vec<(AnyParam, Observer)>>,
    pub interest: Cell<Parts>,
    pub shown: RefCell<Option<Rc<Shown>>>,
    listener: Rc<dyn Fn()>,
    /// User code that asks in its turn is not to begin another round.
    looking: Cell<bool>,
    /// The pages' queries are new.
    renew: Cell<bool>,
}

impl Inner {
    /// Begins to watch.
    pub fn new(client: &QueryClient, list: &Rc<dyn DynList>, listener: Rc<dyn Fn()>) -> Rc<Inner> {
        let state = client.extension::<Lists>().of(&list.key(), list.list_kind());
        let inner = Rc::new(Inner {
            client: client.clone(),
            list: RefCell::new(list.clone()),
            state: RefCell::new(state.clone()),
            observer: OnceCell::new(),
            pages: RefCell::default(),
            interest: Cell::new(Parts::REST),
            shown: RefCell::default(),
            listener,
            looking: Cell::new(false),
            renew: Cell::new(false),
        });
        state.watch(Rc::downgrade(&inner));
        // It is empty: it was made above.
        let _ = inner.observer.set(client.observe_any(&list.clone().list_query(), inner.teller()));
        inner.look();
        inner
    }

    /// Watches this list from now on, and lets go of the old one only then.
    pub fn follow(self: &Rc<Self>, list: &Rc<dyn DynList>) {
        let next = self.client.extension::<Lists>().of(&list.key(), list.list_kind());
        let old_list = self.list.replace(list.clone());
        let old_state = self.state.replace(next.clone());
        if !Rc::ptr_eq(&old_state, &next) {
            next.watch(Rc::downgrade(self));
        }
        if let Some(observer) = self.observer.get() {
            observer.follow(&list.clone().list_query());
        }
        self.renew.set(true);
        self.look();
        // Whatever it follows by now: user code may have had it turn again.
        for state in [&old_state, &next] {
            if !Rc::ptr_eq(state, &self.state()) {
                state.leave(self);
            }
        }
        drop((old_list, old_state));
    }

    pub fn list(&self) -> Rc<dyn DynList> {
        self.list.borrow().clone()
    }

    pub fn state(&self) -> Rc<ListState> {
        self.state.borrow().clone()
    }

    /// Something has changed.
    pub fn told(self: &Rc<Self>) {
        if self.look() && Rc::strong_count(self) > 1 {
            (self.listener)();
        }
    }

    pub fn notice(&self) {
        self.observer.get().into_iter().for_each(Observer::notice);
    }

    /// Watches what there is to watch, and says whether what is shown has changed.
    pub fn look(self: &Rc<Self>) -> bool {
        if self.looking.replace(true) {
            return false;
        }
        let (list, state) = (self.list(), self.state());
        let completed = state.complete(&self.client, &list);
        self.watch_pages(&list, &state, self.renew.take());
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
    pub fn take_shown(&self, list: &Rc<dyn DynList>, state: &ListState, seen: bool) -> Option<Rc<Shown>> {
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

    pub fn fetch(self: &Rc<Self>, side: Side) {
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
