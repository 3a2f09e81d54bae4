//! All entries, and what is to be done about them.
//!
//! The engine stores users' values but never calls, compares, polls or drops one: it takes what comes in by
//! reference, and whatever leaves it leaves through [`Effects`], which the client runs after it has let go.

mod amending;
mod calls;
mod fetching;
mod forgetting;
mod interest;
mod later;
mod layering;
#[cfg(feature = "hydrate")]
mod looking;
mod matching;
#[cfg(feature = "hydrate")]
mod parcels;
mod polling;
mod scope;
#[cfg(feature = "hydrate")]
mod turns;
mod watchers;
mod world;

use std::any::Any;
use std::rc::Rc;
use std::task::Waker;

pub(crate) use fetching::Answered;
pub use forgetting::Then;
pub(crate) use interest::{Asked, Initially};
use layering::Landing;
pub(crate) use layering::{Folded, Lander, Layers, land};
#[cfg(feature = "hydrate")]
pub(crate) use looking::{Look, Looker};
#[cfg(feature = "hydrate")]
pub(crate) use parcels::{Arrival, Parcel};
pub(crate) use polling::{Poll, see_to_intervals};
pub(crate) use watchers::Watchers;

use crate::client::QueryClient;
use crate::entry::{Entry, Fetch, Kind, Phase};
use crate::environment::Timestamp;
use crate::error::QueryError;
use crate::events::Happening;
use crate::flight::{Flight, Start};
use crate::index::Index;
use crate::key::QueryKey;
use crate::policy::Policy;
use crate::query::DynQuery;
use crate::slab::{Slab, Slot};
use crate::state::{Action, Parts, State, diff, reduce};
use crate::timers::Timers;
use crate::view::Snapshot;
use watchers::Links;

/// A user's value, without its type.
pub(crate) type Value = Rc<dyn Any>;

/// Called when something that an observer shows has changed.
pub(crate) type Listener = Rc<dyn Fn()>;

/// What came of a fetch.
pub(crate) type Verdict = Result<Value, QueryError<dyn Any>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObserverSlot(Slot);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaiterSlot(Slot);

/// Names one attempt of one entry. An answer that names an attempt which is over is of no use to anybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlightId {
    pub entry: Slot,
    number: u64,
    /// The scope it belongs to: its answer is no business of another.
    scope: u32,
}

impl FlightId {
    pub fn scope(self) -> u32 {
        self.scope
    }

    pub fn number(self) -> u64 {
        self.number
    }
}

impl ObserverSlot {
    /// Watches nothing.
    pub const NONE: ObserverSlot = ObserverSlot(Slot::NONE);
}

impl WaiterSlot {
    /// Waits for nothing.
    pub const NONE: WaiterSlot = WaiterSlot(Slot::NONE);
}

struct Observer {
    entry: Slot,
    links: Links,
    interest: Parts,
    noticed: bool,
    /// The entry's count of results when it began to watch.
    results: u32,
    policy: Rc<Policy>,
    listener: Listener,
    /// Shown while there is no data.
    stand_in: Option<Value>,
    since: Timestamp,
}

/// A call that waits for a verdict.
#[derive(Default)]
struct Waiter {
    entry: Option<Slot>,
    verdict: Option<Verdict>,
    waker: Option<Waker>,
    /// Whose verdict it is. `None`: everybody's.
    scope: Option<u32>,
}

/// What a step leaves to be done once the engine is let go.
#[derive(Default)]
pub(crate) struct Effects {
    pub aborts: Vec<Rc<Flight>>,
    pub starts: Vec<Start>,
    pub later: Vec<Later>,
    pub wakers: Vec<Waker>,
    pub flush: bool,
    pub garbage: Trash,
}

/// To be done with the client, by parts that the engine does not know.
pub(crate) type Later = Box<dyn FnOnce(&QueryClient)>;

/// Takes up what happened in a scope: there is one only while somebody listens.
pub(crate) type Teller = Rc<dyn Fn(u32, &QueryKey, Happening)>;

/// Sees to intervals: there is one only where a query has one.
pub(crate) type Poller = fn(&mut Engine, Slot, Timestamp, Poll, &mut Effects);

/// What left the engine. Most steps leave one thing or none, for which nothing need be allocated.
#[derive(Default)]
pub(crate) struct Trash {
    first: Option<Garbage>,
    others: Vec<Garbage>,
}

impl Trash {
    pub fn push(&mut self, garbage: Garbage) {
        if self.first.is_none() {
            self.first = Some(garbage);
        } else {
            self.others.push(garbage);
        }
    }

    /// A policy that gave way to this one. Most often they are the same, and then it did not leave.
    pub fn push_policy(&mut self, before: Rc<Policy>, now: &Rc<Policy>) {
        if !Rc::ptr_eq(&before, now) {
            self.push(Garbage::Policy(before));
        }
    }
}

impl Extend<Garbage> for Trash {
    fn extend<I: IntoIterator<Item = Garbage>>(&mut self, garbage: I) {
        garbage.into_iter().for_each(|garbage| self.push(garbage));
    }
}

/// What left the engine: dropping it may run user code.
#[expect(dead_code, reason = "held only to be dropped at the right time")]
pub(crate) enum Garbage {
    State(Rc<State>),
    Query(Rc<dyn DynQuery>),
    Flight(Rc<Flight>),
    Fetch(Box<Fetch>),
    Policy(Rc<Policy>),
    Listener(Listener),
    Value(Value),
    Guard(Box<dyn Any>),
    Layers(Box<dyn Layers>),
    Verdict(Verdict),
    Waker(Waker),
    Entry(Box<Entry>),
}

pub(crate) struct Engine {
    entries: Slab<Entry>,
    index: Index,
    observers: Slab<Observer>,
    waiters: Slab<Waiter>,
    timers: Timers,
    notices: Vec<ObserverSlot>,
    due: Vec<Slot>,
    unwanted: Vec<Slot>,
    flushing: bool,
    teller: Option<Teller>,
    poller: Option<Poller>,
    lander: Option<Lander>,
    /// Where first data is looked for before it is fetched: there is one only where there is storage.
    #[cfg(feature = "hydrate")]
    looker: Option<Looker>,
    /// Says whose turn it is: there is one only where there are other tabs.
    #[cfg(feature = "hydrate")]
    turns: Option<Looker>,
    fetches: u64,
    online: bool,
    focused: bool,
    held: bool,
    scope: u32,
    /// What a held scope shows.
    nothing: Rc<State>,
}

impl Engine {
    pub fn new() -> Self {
        Engine {
            entries: Slab::default(),
            index: Index::default(),
            observers: Slab::default(),
            waiters: Slab::default(),
            timers: Timers::default(),
            notices: Vec::new(),
            due: Vec::new(),
            unwanted: Vec::new(),
            flushing: false,
            teller: None,
            poller: None,
            lander: None,
            #[cfg(feature = "hydrate")]
            looker: None,
            #[cfg(feature = "hydrate")]
            turns: None,
            fetches: 0,
            online: true,
            focused: true,
            held: false,
            scope: 0,
            nothing: Rc::new(State::awaited()),
        }
    }

    /// Whom to tell what happens; gives back who was told before.
    pub fn listen(&mut self, teller: Option<Teller>) -> Option<Teller> {
        std::mem::replace(&mut self.teller, teller)
    }

    pub fn is_online(&self) -> bool {
        self.online
    }

    /// A number that no attempt and no source has had.
    pub fn next_number(&mut self) -> u64 {
        self.fetches += 1;
        self.fetches
    }

    pub fn is_focused(&self) -> bool {
        self.focused
    }

    pub fn find(&self, key: &QueryKey, kind: Kind) -> Option<Slot> {
        self.index.find(&self.entries, key, kind)
    }

    pub fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot)
    }

    /// A held scope shows nothing but what belongs to everybody.
    fn is_hidden(&self, entry: &Entry) -> bool {
        self.held && !entry.policy.plain.public
    }

    /// What is seen of an entry, by nobody in particular.
    pub fn peek(&self, slot: Slot, now: Timestamp) -> Option<Snapshot> {
        let entry = self.entries.get(slot).filter(|entry| !self.is_hidden(entry))?;
        Some(Snapshot {
            state: entry.state.clone(),
            stand_in: None,
            stale: entry.is_stale(now),
            enabled: true,
            fetched_since: false,
        })
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.observers.len())
    }

    /// The alarm to set, if there is an earlier one now.
    pub fn next_alarm(&mut self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The entry of this key and kind, made if there is none.
    fn entry(
        &mut self,
        key: &QueryKey,
        kind: Kind,
        policy: &Rc<Policy>,
        now: Timestamp,
        fx: &mut Effects,
    ) -> Slot {
        if let Some(slot) = self.find(key, kind) {
            return slot;
        }
        let mut entry = Entry::new(key.clone(), kind, policy.clone(), now);
        for slot in self.index.same_key(&self.entries, key) {
            entry.clash_told = true;
            let Some(other) = self.entries.get_mut(slot) else { continue };
            if !std::mem::replace(&mut other.clash_told, true) {
                let clash = Happening::Clash { held: (other.kind)().name, asked: kind().name };
                self.tell(slot, clash, fx);
            }
        }
        let slot = self.entries.insert(entry);
        self.index.insert(&mut self.entries, slot);
        self.tell(slot, Happening::Added, fx);
        slot
    }

    fn tell(&mut self, slot: Slot, happening: Happening, fx: &mut Effects) {
        if let (Some(tell), Some(entry)) = (&self.teller, self.entries.get(slot)) {
            tell(self.scope, &entry.key, happening);
            self.flush(fx);
        }
    }

    /// Changes the state of an entry and remembers whom to tell.
    fn apply(&mut self, slot: Slot, action: &Action<'_>, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let next = Rc::new(reduce(&entry.state, action));
        let before = std::mem::replace(&mut entry.state, next);
        let changed = diff(&before, &entry.state);
        if changed.meets(Parts::STALE) {
            entry.stale_told = false;
        }
        if !self.held || entry.policy.plain.public {
            self.notice_entry(slot, changed, fx);
        }
        fx.garbage.push(Garbage::State(before));
    }

    fn notice_entry(&mut self, slot: Slot, changed: Parts, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        let told = self.notices.len();
        entry.observers.each(&mut self.observers, |name, observer| {
            if observer.interest.meets(changed) && !observer.noticed {
                observer.noticed = true;
                self.notices.push(name);
            }
        });
        if self.notices.len() > told {
            self.flush(fx);
        }
    }

    pub fn notice(&mut self, name: ObserverSlot, fx: &mut Effects) {
        if let Some(observer) = self.observers.get_mut(name.0)
            && !std::mem::replace(&mut observer.noticed, true)
        {
            self.notices.push(name);
            self.flush(fx);
        }
    }

    /// Has those who watch told at the end of this turn.
    pub fn flush(&mut self, fx: &mut Effects) {
        if !self.flushing {
            self.flushing = true;
            fx.flush = true;
        }
    }

    fn arm(&mut self, slot: Slot, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let at = entry.deadline(now);
        if at < entry.armed {
            entry.armed = at;
            self.timers.push(at, slot);
        }
    }

    /// The attempts under way, to be called off: the client is gone, and with it all who watch or wait.
    pub fn close(&mut self) -> Vec<Rc<Flight>> {
        let mut flights = Vec::new();
        for slot in self.entries.names() {
            if let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.take())
                && let Phase::Running(flight) = fetch.phase
            {
                flights.push(flight);
            }
        }
        flights
    }
}
