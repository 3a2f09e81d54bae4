//! What is made of many queries, and what a fold is given to make it of.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::engine::Value;
use crate::error::QueryError;
use crate::observer::Observer;
use crate::query::Query;
use crate::state::{Parts, diff, same_data};
use crate::view::{Details, QueryState, Snapshot};

/// What a fold made.
pub(super) enum Made {
    /// The same as before.
    Same,
    New(Value),
}

pub(super) type FoldAll = Box<dyn Fn(&[Rc<Item>], Option<&dyn Any>) -> Made>;

/// What to make of many queries, without types: for bridges to a UI framework.
pub struct Fold(pub(super) FoldAll);

impl Fold {
    /// Makes an `S` of what is known of the queries. Of two that are equal nobody is told.
    pub fn new<Q: Query, S: PartialEq + 'static>(fold: impl Fn(Results<'_, Q>) -> S + 'static) -> Self {
        Fold(Box::new(move |items, before| {
            let made = fold(Results { items, query: PhantomData });
            match before.and_then(|before| before.downcast_ref::<S>()) {
                Some(before) if *before == made => Made::Same,
                _ => Made::New(Rc::new(made)),
            }
        }))
    }

    /// What it makes of so many queries that are all pending: for where nothing can be fetched.
    pub fn of_pending(&self, count: usize) -> Option<Rc<dyn Any>> {
        let items: Vec<_> = (0..count).map(|_| Rc::new(Item::new())).collect();
        match (self.0)(&items, None) {
            Made::New(made) => Some(made),
            Made::Same => None,
        }
    }
}

impl fmt::Debug for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fold")
    }
}

/// One of the queries that are watched.
pub(super) struct Item {
    pub observer: OnceCell<Observer>,
    seen: RefCell<Snapshot>,
    /// What the fold has asked about.
    asked: Cell<Parts>,
}

impl Item {
    /// Nobody has looked at it yet.
    pub fn new() -> Self {
        Item {
            observer: OnceCell::new(),
            seen: RefCell::new(Snapshot::pending()),
            asked: Cell::new(Parts::NONE),
        }
    }

    fn seen(&self) -> Snapshot {
        self.seen.borrow().clone()
    }

    /// From now on, whoever folds is told when these parts change.
    fn asks(&self, parts: Parts) -> Snapshot {
        let asked = self.asked.get() | parts;
        if asked != self.asked.get() {
            self.asked.set(asked);
            self.observer.get().into_iter().for_each(|observer| observer.watch(parts));
            // Nobody was told of these before.
            self.look();
        }
        self.seen()
    }

    /// Takes in what is known now, and says whether something that was asked about is different.
    pub fn look(&self) -> bool {
        let Some(now) = self.observer.get().map(Observer::show) else { return false };
        let before = self.seen.replace(now.clone());
        let asked = self.asked.get();
        let stand_in = !same_data(before.stand_in.as_ref(), now.stand_in.as_ref());
        diff(&before.state, &now.state).meets(asked)
            || (stand_in && asked.meets(Parts::STATE))
            || (before.stale != now.stale && asked.meets(Parts::STALE))
    }
}

/// What a fold is given: what is known of each query, in the order of the queries.
pub struct Results<'a, Q> {
    items: &'a [Rc<Item>],
    query: PhantomData<fn() -> Q>,
}

impl<'a, Q: Query> Results<'a, Q> {
    /// Of no queries.
    pub fn none() -> Self {
        Results { items: &[], query: PhantomData }
    }

    /// What is known of the query at this place.
    pub fn get(&self, place: usize) -> Option<Found<'a, Q>> {
        self.items.get(place).map(|item| Found { item, query: PhantomData })
    }
}

impl<Q> Clone for Results<'_, Q> {
    fn clone(&self) -> Self {
        Results { items: self.items, query: PhantomData }
    }
}

impl<'a, Q: Query> Iterator for Results<'a, Q> {
    type Item = Found<'a, Q>;

    fn next(&mut self) -> Option<Found<'a, Q>> {
        let (first, others) = self.items.split_first()?;
        self.items = others;
        Some(Found { item: first, query: PhantomData })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.items.len(), Some(self.items.len()))
    }
}

impl<Q: Query> ExactSizeIterator for Results<'_, Q> {}

impl<Q> fmt::Debug for Results<'_, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items.iter().map(|item| item.seen())).finish()
    }
}

/// What is known of one of the queries. A fold runs again for what it has asked about here, and for nothing else.
pub struct Found<'a, Q> {
    item: &'a Item,
    query: PhantomData<fn() -> Q>,
}

impl<Q: Query> Found<'_, Q> {
    /// The state.
    pub fn state(&self) -> QueryState<Q::Data, Q::Error> {
        self.item.asks(Parts::STATE).state()
    }

    /// The data, if there is any: a placeholder, too. A fold that asks for nothing else does not run again for
    /// failures, retries and pauses.
    pub fn data(&self) -> Option<Rc<Q::Data>> {
        self.item.asks(Parts::DATA).any_data()?.clone().downcast().ok()
    }

    /// Why there is no data, or none newer.
    pub fn error(&self) -> Option<QueryError<Q::Error>> {
        self.state().error().cloned()
    }

    /// Whether a fetch is under way.
    pub fn is_fetching(&self) -> bool {
        self.item.asks(Parts::FETCHING).is_fetching()
    }

    /// Whether the data is stale.
    pub fn is_stale(&self) -> bool {
        self.item.asks(Parts::STALE).is_stale()
    }

    /// Counts and times, too.
    pub fn details(&self) -> Details<Q::Error> {
        self.item.asks(Parts::STATE | Parts::FETCHING | Parts::DETAILS).details()
    }
}

impl<Q> fmt::Debug for Found<'_, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Found").field(&self.item.seen()).finish()
    }
}
