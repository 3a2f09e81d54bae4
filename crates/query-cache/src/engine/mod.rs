//! All entries, and what is to be done about them.
//!
//! The engine stores users' values but never calls, compares, polls or drops one: it takes what comes in by
//! reference, and whatever leaves it leaves through [`Effects`], which the client runs after it has let go.

mod fetching;
mod forgetting;
mod interest;
mod later;
mod scope;
mod world;

use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;

use crate::entry::{Entry, EntryId};
use crate::environment::Timestamp;
use crate::flight::{Flight, Start};
use crate::key::KeyHasher;
use crate::options::Policy;
use crate::query::DynQuery;
use crate::slab::{Slab, Slot};
use crate::state::{Action, Parts, State, diff, reduce};
use crate::timers::Timers;

/// A user's value, without its type.
pub(crate) type Value = Rc<dyn Any>;

/// Called when something that an observer shows has changed.
pub(crate) type Listener = Rc<dyn Fn()>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObserverSlot(Slot);

/// Names one fetch of one entry. An answer that names a fetch which is over is of no use to anybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlightId {
    entry: Slot,
    number: u64,
}

struct Observer {
    entry: Slot,
    /// Where in the entry's list it stands.
    position: usize,
    interest: Parts,
    listener: Listener,
    noticed: bool,
}

/// What a step leaves to be done once the engine is let go.
#[derive(Default)]
pub(crate) struct Effects {
    pub aborts: Vec<Rc<Flight>>,
    pub starts: Vec<Start>,
    pub alarm: Option<Timestamp>,
    pub flush: bool,
    pub garbage: Vec<Garbage>,
}

/// What left the engine: dropping it may run user code.
#[expect(dead_code, reason = "held only to be dropped at the right time")]
pub(crate) enum Garbage {
    State(Rc<State>),
    Query(Rc<dyn DynQuery>),
    Flight(Rc<Flight>),
    Listener(Listener),
    Entry(Box<Entry>),
}

pub(crate) struct Engine {
    entries: Slab<Entry>,
    index: HashMap<EntryId, Slot, KeyHasher>,
    observers: Slab<Observer>,
    timers: Timers,
    notices: Vec<ObserverSlot>,
    due: Vec<Slot>,
    flushing: bool,
    fetches: u64,
    online: bool,
    focused: bool,
    held: bool,
    /// What a held scope shows.
    nothing: Rc<State>,
}

impl Engine {
    pub fn new() -> Self {
        Engine {
            entries: Slab::default(),
            index: HashMap::default(),
            observers: Slab::default(),
            timers: Timers::default(),
            notices: Vec::new(),
            due: Vec::new(),
            flushing: false,
            fetches: 0,
            online: true,
            focused: true,
            held: false,
            nothing: Rc::new(State::empty()),
        }
    }

    pub fn snapshot(&self, observer: ObserverSlot) -> Rc<State> {
        self.observers
            .get(observer.0)
            .filter(|_| !self.held)
            .and_then(|observer| self.entries.get(observer.entry))
            .map_or_else(|| self.nothing.clone(), |entry| entry.state.clone())
    }

    /// The observer has seen the state: whatever it was to be told is told.
    pub fn seen(&mut self, observer: ObserverSlot) {
        if let Some(observer) = self.observers.get_mut(observer.0) {
            observer.noticed = false;
        }
    }

    pub fn peek(&self, id: &EntryId) -> Option<Rc<State>> {
        let slot = self.index.get(id).filter(|_| !self.held)?;
        self.entries.get(*slot).map(|entry| entry.state.clone())
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.observers.len())
    }

    /// The alarm to set, if there is an earlier one now.
    pub fn next_alarm(&mut self) -> Option<Timestamp> {
        self.timers.next()
    }

    fn entry(&mut self, id: &EntryId, policy: Policy, now: Timestamp) -> Slot {
        if let Some(slot) = self.index.get(id) {
            return *slot;
        }
        let slot = self.entries.insert(Entry::new(id.clone(), policy, now));
        self.index.insert(id.clone(), slot);
        slot
    }

    /// Changes the state of an entry and remembers whom to tell.
    fn apply(&mut self, slot: Slot, action: &Action<'_>, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let next = Rc::new(reduce(&entry.state, action));
        let before = std::mem::replace(&mut entry.state, next);
        if !self.held {
            let changed = diff(&before, &entry.state);
            self.notice_entry(slot, changed, fx);
        }
        fx.garbage.push(Garbage::State(before));
    }

    fn notice_entry(&mut self, slot: Slot, changed: Parts, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        let mut any = false;
        for name in &entry.observers {
            if let Some(observer) = self.observers.get_mut(name.0)
                && observer.interest.meets(changed)
                && !observer.noticed
            {
                observer.noticed = true;
                self.notices.push(*name);
                any = true;
            }
        }
        if any {
            self.flush(fx);
        }
    }

    /// The scope is held or restored: tell those for whom that makes a difference.
    fn notice_all(&mut self, fx: &mut Effects) {
        for slot in self.entries.names() {
            let Some(entry) = self.entries.get(slot) else { continue };
            let changed = diff(&self.nothing, &entry.state);
            self.notice_entry(slot, changed, fx);
        }
    }

    fn flush(&mut self, fx: &mut Effects) {
        if !self.flushing {
            self.flushing = true;
            fx.flush = true;
        }
    }

    fn arm(&mut self, slot: Slot) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some(at) = entry.deadline() else { return };
        if entry.armed.is_none_or(|armed| at < armed) {
            entry.armed = Some(at);
            self.timers.push(at, slot);
        }
    }

    /// Calls every fetch off: the client is gone.
    pub fn close(&mut self, fx: &mut Effects) {
        for slot in self.entries.names() {
            self.cancel(slot, fx);
            self.discard(slot, fx);
        }
    }
}
