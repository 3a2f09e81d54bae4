//! Watching a part of a query's data.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::client::QueryClient;
use crate::engine::Value;
use crate::environment::Timestamp;
use crate::observer::Observer;
use crate::query::{AnyQuery, Query};
use crate::state::{Parts, diff};
use crate::view::Snapshot;

type Select = Box<dyn Fn(&dyn Any, Option<&dyn Any>) -> Made>;

/// What a selector made of data.
enum Made {
    /// The same as before. Nothing is allocated for it: of a thousand who select, few have something new.
    Same,
    New(Value),
    /// The data is of another type.
    Nothing,
}

/// What to make of a query's data, without types: for bridges to a UI framework.
pub struct Selector(Select);

impl Selector {
    /// Makes an `S` of the query's data. Of two that are equal nobody is told.
    pub fn new<Q: Query, S: PartialEq + 'static>(select: impl Fn(&Q::Data) -> S + 'static) -> Self {
        Selector(Box::new(move |data, before| {
            let Some(made) = data.downcast_ref().map(&select) else { return Made::Nothing };
            match before.and_then(|before| before.downcast_ref::<S>()) {
                Some(before) if *before == made => Made::Same,
                _ => Made::New(Rc::new(made)),
            }
        }))
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Selector")
    }
}

/// Watches what a [`Selector`] makes of a query's data, without types.
#[derive(Clone)]
pub struct Selection(Rc<Inner>);

struct Inner {
    observer: OnceCell<Observer>,
    selector: RefCell<Rc<Selector>>,
    listener: Box<dyn Fn()>,
    seen: Cell<Option<Seen>>,
}

/// What the selector was last given, and what it made of it.
struct Seen {
    snapshot: Snapshot,
    made: Option<Value>,
}

impl Selection {
    /// What is known at this moment, and what was made of the data. The same `Rc` as before, if an equal
    /// value was made.
    pub fn get(&self) -> (Snapshot, Option<Rc<dyn Any>>) {
        self.0.look(QueryClient::now);
        // Taken out and put back: what is in there may be dropped by nobody meanwhile.
        let seen = self.0.seen.take();
        let found = seen.as_ref().map(|seen| (seen.snapshot.clone(), seen.made.clone()));
        self.0.seen.set(seen);
        found.unwrap_or_else(|| (Snapshot::pending(), None))
    }

    /// The observer, to fetch again or watch another query by.
    pub fn observer(&self) -> Option<&Observer> {
        self.0.observer.get()
    }

    /// Makes something else of the data from now on.
    pub fn select(&self, selector: Selector) {
        let before = self.0.selector.replace(Rc::new(selector));
        drop(before);
        // What was made by the other is kept for comparison only.
        let seen = self.0.seen.take().map(|seen| Seen { snapshot: Snapshot::pending(), ..seen });
        drop(self.0.seen.replace(seen));
    }
}

impl Inner {
    /// Looks at the state, and says whether what is shown has changed. User code runs while nothing is held.
    fn look(&self, time: fn(&QueryClient) -> Timestamp) -> bool {
        let Some(observer) = self.observer.get() else { return false };
        let snapshot = observer.show_at(time(observer.client()));
        let before = self.seen.take();
        let (changed, made) = match (&before, snapshot.any_data()) {
            (Some(before), data) if same(before.snapshot.any_data(), data) => {
                let parts = diff(&before.snapshot.state, &snapshot.state);
                (parts.meets(Parts::REST | Parts::FETCHING | Parts::STALE), before.made.clone())
            }
            (_, None) => (true, None),
            (before, Some(data)) => {
                let old = before.as_ref().and_then(|seen| seen.made.as_ref());
                match self.make(data, old) {
                    Made::Same => {
                        let rest = before.as_ref().is_some_and(|before| {
                            diff(&before.snapshot.state, &snapshot.state).meets(Parts::REST)
                        });
                        (rest, old.cloned())
                    }
                    Made::New(made) => (true, Some(made)),
                    Made::Nothing => (true, None),
                }
            }
        };
        drop(self.seen.replace(Some(Seen { snapshot, made })));
        drop(before);
        changed
    }

    fn make(&self, data: &Value, old: Option<&Value>) -> Made {
        // Cloned out: it may be replaced while it runs.
        let selector = self.selector.borrow().clone();
        (selector.0)(&**data, old.map(|old| &**old))
    }
}

fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    a.is_some() && crate::state::same_data(a, b)
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Selection")
    }
}

/// Watches a part of a query's data until it is dropped. Made by [`QueryClient::observe_select`].
#[derive(Debug)]
pub struct SelectObserver<Q, S> {
    selection: Selection,
    types: PhantomData<fn() -> (Q, S)>,
}

impl<Q: Query, S: 'static> SelectObserver<Q, S> {
    /// What was made of the data; `None` while there is none. The same `Rc` for as long as equal values are
    /// made.
    pub fn selected(&self) -> Option<Rc<S>> {
        self.selection.get().1?.downcast().ok()
    }

    /// All that is known of the query.
    pub fn snapshot(&self) -> Snapshot {
        self.selection.get().0
    }
}

impl QueryClient {
    /// Watches what `select` makes of a query's data. The listener is called when that is another value, and
    /// when the query fails, is tried again or pauses; not for data of which an equal value is made.
    pub fn observe_select<Q: Query, S: PartialEq + 'static>(
        &self,
        query: Q,
        select: impl Fn(&Q::Data) -> S + 'static,
        listener: impl Fn() + 'static,
    ) -> SelectObserver<Q, S> {
        let selector = Selector::new::<Q, S>(select);
        let selection = self.observe_selection(&AnyQuery::new(query), selector, Box::new(listener));
        SelectObserver { selection, types: PhantomData }
    }

    /// [`QueryClient::observe_select`] without types, for bridges to a UI framework.
    pub fn observe_selection(
        &self,
        query: &AnyQuery,
        selector: Selector,
        listener: Box<dyn Fn()>,
    ) -> Selection {
        let inner = Rc::new(Inner {
            observer: OnceCell::new(),
            selector: RefCell::new(Rc::new(selector)),
            listener,
            seen: Cell::new(None),
        });
        let weak = Rc::downgrade(&inner);
        let listen = move || {
            if let Some(inner) = weak.upgrade()
                // Told in the turn of the last step: asking the clock once for each who is told is dear.
                && inner.look(QueryClient::last_step)
                // What looking dropped may have let go of the last handle but this.
                && Rc::strong_count(&inner) > 1
            {
                (inner.listener)();
            }
        };
        // It is empty: it was made above.
        let _ = inner.observer.set(self.observe_any(query, Rc::new(listen)));
        inner.look(QueryClient::now);
        Selection(inner)
    }
}
