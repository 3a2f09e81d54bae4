//! Many queries folded into one value.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::rc::{Rc, Weak};

use crate::client::QueryClient;
use crate::client::extensions::{Extension, Happens};
use crate::engine::Value;
use crate::error::QueryError;
use crate::key::QueryKey;
use crate::observer::Observer;
use crate::query::{AnyQuery, Query};
use crate::state::{Parts, diff, same_data};
use crate::view::{Details, QueryState, Snapshot};

/// What a fold made.
enum Made {
    /// The same as before.
    Same,
    New(Value),
}

type FoldAll = Box<dyn Fn(&[Rc<Item>], Option<&dyn Any>) -> Made>;

/// What to make of many queries, without types: for bridges to a UI framework.
pub struct Fold(FoldAll);

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
}

impl Fold {
    /// What it makes of so many queries that are all pending: for where nothing can be fetched.
    pub fn of_pending(&self, count: usize) -> Option<Rc<dyn Any>> {
        let item = || Item {
            observer: OnceCell::new(),
            seen: RefCell::new(Snapshot::pending()),
            asked: Cell::new(Parts::NONE),
        };
        let items: Vec<_> = (0..count).map(|_| Rc::new(item())).collect();
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
struct Item {
    observer: OnceCell<Observer>,
    seen: RefCell<Snapshot>,
    /// What the fold has asked about.
    asked: Cell<Parts>,
}

impl Item {
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
    fn look(&self) -> bool {
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
        let (seen, asked) = (RefCell::new(Snapshot::pending()), Cell::new(Parts::NONE));
        let item = Rc::new(Item { observer: OnceCell::new(), seen, asked });
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

/// Watches many queries, folded into one value, until it is dropped. Made by [`QueryClient::observe_all`].
#[derive(Debug)]
pub struct CombinedObserver<Q, S> {
    combination: Combination,
    types: PhantomData<fn() -> (Q, S)>,
}

impl<Q: Query, S: 'static> CombinedObserver<Q, S> {
    /// What was made of the queries, as they were when the last turn ended. The same `Rc` for as long as equal
    /// values are made. `None` only while it is made for the first time.
    pub fn get(&self) -> Option<Rc<S>> {
        self.combination.get()?.downcast().ok()
    }

    /// Watches these queries from now on, as [`Combination::follow`].
    pub fn follow(&self, queries: impl IntoIterator<Item = Q>) {
        self.combination.follow(&queries.into_iter().map(AnyQuery::new).collect::<Vec<_>>());
    }

    /// Fetches all of them again, fresh or not.
    pub fn refetch(&self) {
        self.combination.refetch();
    }
}

impl QueryClient {
    /// Watches as many queries of one type as there are, and makes one value of them. The listener is called, one
    /// turn later, when that is another value. The fold runs once for all that changes in one turn, and only if
    /// what it asked about did; a query that changes costs no more for there being others.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, QueryClient, query, query_key};
    ///
    /// let world = ManualEnvironment::new(1);
    /// let client = QueryClient::new(world.clone());
    /// let price = |id: u32| query(query_key!["price", id], async move |_| Ok::<u32, String>(10 * id));
    /// let total = client.observe_all(
    ///     (1..=3).map(price),
    ///     |prices| prices.map(|price| price.data().map(|price| *price)).sum::<Option<u32>>(),
    ///     || println!("another total"),
    /// );
    /// assert_eq!(total.get().as_deref(), Some(&None));
    /// world.run();
    /// assert_eq!(total.get().as_deref(), Some(&Some(60)));
    /// total.follow([1, 3].map(price));
    /// assert_eq!(total.get().as_deref(), Some(&Some(40)));
    /// ```
    pub fn observe_all<Q: Query, S: PartialEq + 'static>(
        &self,
        queries: impl IntoIterator<Item = Q>,
        fold: impl Fn(Results<'_, Q>) -> S + 'static,
        listener: impl Fn() + 'static,
    ) -> CombinedObserver<Q, S> {
        let queries: Vec<_> = queries.into_iter().map(AnyQuery::new).collect();
        let combination = self.observe_any_all(&queries, Fold::new::<Q, S>(fold), Box::new(listener));
        CombinedObserver { combination, types: PhantomData }
    }

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
