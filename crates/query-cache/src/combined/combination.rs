//! Watching many queries, and folding what is known of them when a turn ends.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::{Rc, Weak};

use super::fold::{Fold, Item, Made};
use crate::client::QueryClient;
use crate::client::extensions::{Extension, Happens};
use crate::engine::Value;
use crate::key::QueryKey;
use crate::observer::Observer;
use crate::query::AnyQuery;

/// Watches many queries, folded into one value, without types.
#[derive(Clone)]
pub struct Combination(Rc<Inner>);

struct Inner {
    client: QueryClient,
    folds: Rc<Folds>,
    /// Replaced, not changed: a fold may be looking at it.
    items: RefCell<Rc<Vec<Rc<Item>>>>,
    fold: RefCell<Rc<Fold>>,
    made: RefCell<Option<Value>>,
    listener: Box<dyn Fn()>,
    /// Something in it has changed since it was last folded.
    changed: Cell<bool>,
    /// It is among those to be folded when the turn ends.
    queued: Cell<bool>,
    folding: Cell<bool>,
}

/// Those in which something has changed in this turn. They are folded when all changes are known.
#[derive(Default)]
struct Folds(RefCell<Vec<Weak<Inner>>>);

impl Extension for Folds {
    fn happens(&self, _: &QueryClient, what: Happens) {
        if what == Happens::Told {
            for changed in self.0.take() {
                let Some(inner) = changed.upgrade() else { continue };
                inner.queued.set(false);
                if inner.refresh() && Rc::strong_count(&inner) > 1 {
                    (inner.listener)();
                }
            }
        }
    }

    fn online(&self, _: &QueryClient, _: fn(&QueryClient)) -> bool {
        false
    }
}

impl Inner {
    /// Folds what has changed, and says whether something else was made of it.
    fn refresh(self: &Rc<Self>) -> bool {
        // A fold that gets here again is folded again in the next turn.
        if !self.changed.get() || self.folding.replace(true) {
            return false;
        }
        self.changed.set(false);
        // Cloned out: user code may replace any of these meanwhile.
        let (items, fold) = (self.items.borrow().clone(), self.fold.borrow().clone());
        let before = self.made.borrow().clone();
        let made = (fold.0)(&items, before.as_deref());
        self.folding.set(false);
        if self.changed.get() {
            self.change();
            self.client.end_turn();
        }
        match made {
            Made::Same => false,
            Made::New(made) => {
                drop(self.made.replace(Some(made)));
                true
            }
        }
    }

    fn change(self: &Rc<Self>) {
        self.changed.set(true);
        if !self.queued.replace(true) {
            self.folds.0.borrow_mut().push(Rc::downgrade(self));
        }
    }

    fn watch(self: &Rc<Self>, query: &AnyQuery) -> Rc<Item> {
        let item = Rc::new(Item::new());
        let (inner, told) = (Rc::downgrade(self), Rc::downgrade(&item));
        let listener = move || {
            if let (Some(inner), Some(item)) = (inner.upgrade(), told.upgrade()) {
                item.look();
                inner.change();
            }
        };
        let observer = self.client.observe_any(query, Rc::new(listener));
        observer.watch_nothing();
        // It is empty: it was made above.
        let _ = item.observer.set(observer);
        item.look();
        item
    }

    /// Watches these queries from now on. One that stays, at whatever place, keeps its fetch.
    fn follow(self: &Rc<Self>, queries: &[AnyQuery]) {
        let before = self.items.borrow().clone();
        let mut moved: Option<HashMap<QueryKey, Vec<Rc<Item>>>> = None;
        let mut items = Vec::with_capacity(queries.len());
        let mut changed = before.len() != queries.len();
        let key_of = |item: &Rc<Item>| item.observer.get().and_then(Observer::key);
        for (place, query) in queries.iter().enumerate() {
            let key = query.key();
            let here = before.get(place).filter(|_| moved.is_none());
            let found = match here.filter(|item| key_of(item).as_ref() == Some(&key)) {
                Some(item) => Some(item.clone()),
                None => {
                    changed = true;
                    // From here on the list is another one. Of equal queries the first is found first.
                    let moved = moved.get_or_insert_with(|| {
                        let mut moved = HashMap::<_, Vec<_>>::new();
                        for item in before.iter().skip(place).rev() {
                            if let Some(key) = key_of(item) {
                                moved.entry(key).or_default().push(item.clone());
                            }
                        }
                        moved
                    });
                    moved.get_mut(&key).and_then(Vec::pop)
                }
            };
            items.push(match found {
                Some(item) => {
                    item.observer.get().into_iter().for_each(|observer| observer.follow(query));
                    changed |= item.look();
                    item
                }
                None => self.watch(query),
            });
        }
        if changed {
            let left = self.items.replace(Rc::new(items));
            self.changed.set(true);
            drop(left);
        }
        // Only now: what is left of these is not wanted any more.
        drop((moved, before));
    }
}

impl Combination {
    /// What was made of the queries, as they were when the last turn ended. The same `Rc` for as long as equal
    /// values are made. `None` only while it is made for the first time.
    pub fn get(&self) -> Option<Rc<dyn Any>> {
        self.0.made.borrow().clone()
    }

    /// The client whose queries it watches.
    pub fn client(&self) -> &QueryClient {
        &self.0.client
    }

    /// Watches these queries from now on; the listener is not called for what is different at once. One that
    /// stays, at whatever place, keeps its fetch. What is in the list twice is watched twice.
    pub fn follow(&self, queries: &[AnyQuery]) {
        self.0.follow(queries);
        self.0.refresh();
    }

    /// Watches these queries, and makes something else of them, from now on.
    pub fn follow_with(&self, queries: &[AnyQuery], fold: Fold) {
        let before = self.0.fold.replace(Rc::new(fold));
        self.0.changed.set(true);
        self.follow(queries);
        drop(before);
    }

    /// Fetches all of them again, fresh or not.
    pub fn refetch(&self) {
        let items = self.0.items.borrow().clone();
        items.iter().filter_map(|item| item.observer.get()).for_each(Observer::refetch);
    }
}

impl fmt::Debug for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Combination").field("queries", &self.0.items.borrow().len()).finish()
    }
}

impl QueryClient {
    /// [`QueryClient::observe_all`] without types, for bridges to a UI framework.
    pub fn observe_any_all(&self, queries: &[AnyQuery], fold: Fold, listener: Box<dyn Fn()>) -> Combination {
        let inner = Rc::new(Inner {
            client: self.clone(),
            folds: self.extension::<Folds>(),
            items: RefCell::default(),
            fold: RefCell::new(Rc::new(fold)),
            made: RefCell::new(None),
            listener,
            changed: Cell::new(true),
            queued: Cell::new(false),
            folding: Cell::new(false),
        });
        inner.follow(queries);
        inner.changed.set(true);
        inner.refresh();
        Combination(inner)
    }
}
