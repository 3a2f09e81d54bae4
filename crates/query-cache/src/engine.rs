//! All entries, and what is to be done about them.
//!
//! The engine stores users' values but never calls, compares, polls or drops one: it takes what comes in by
//! reference, and whatever leaves it leaves through [`Effects`], which the client runs after it has let go.

use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;

use crate::entry::{Entry, EntryId, Fetch, Phase};
use crate::environment::Timestamp;
use crate::error::ErrorClass;
use crate::flight::{Flight, Start};
use crate::key::KeyHasher;
use crate::options::Policy;
use crate::query::DynQuery;
use crate::retry::wait_before;
use crate::slab::{Slab, Slot};
use crate::state::{Action, Failure, Parts, State, diff, reduce};
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

    // ----- reading

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

    // ----- interest

    pub fn observe(
        &mut self,
        id: &EntryId,
        query: &Rc<dyn DynQuery>,
        policy: Policy,
        listener: &Listener,
        now: Timestamp,
        fx: &mut Effects,
    ) -> ObserverSlot {
        let slot = self.entry(id, policy, now);
        let mut observer = Observer {
            entry: slot,
            position: 0,
            interest: Parts::STATE,
            listener: listener.clone(),
            noticed: false,
        };
        let wanted = match self.entries.get_mut(slot) {
            Some(entry) => {
                observer.position = entry.observers.len();
                entry.policy = policy;
                fx.garbage.extend(entry.query.replace(query.clone()).map(Garbage::Query));
                entry.fetch.is_none() && entry.is_stale(now)
            }
            None => false,
        };
        let observer = ObserverSlot(self.observers.insert(observer));
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.observers.push(observer);
        }
        if wanted {
            self.ask(slot, fx);
        }
        observer
    }

    /// The observer's query has changed, but not the entry it asks for.
    pub fn renew(
        &mut self,
        observer: ObserverSlot,
        query: &Rc<dyn DynQuery>,
        policy: Policy,
        fx: &mut Effects,
    ) {
        let Some(observer) = self.observers.get(observer.0) else { return };
        let Some(entry) = self.entries.get_mut(observer.entry) else { return };
        entry.policy = policy;
        fx.garbage.extend(entry.query.replace(query.clone()).map(Garbage::Query));
    }

    pub fn add_interest(&mut self, observer: ObserverSlot, parts: Parts) {
        if let Some(observer) = self.observers.get_mut(observer.0) {
            observer.interest = observer.interest | parts;
        }
    }

    pub fn unobserve(&mut self, observer: ObserverSlot, now: Timestamp, fx: &mut Effects) {
        let Some(observer) = self.observers.remove(observer.0) else { return };
        let Observer { entry: slot, position, listener, .. } = observer;
        fx.garbage.push(Garbage::Listener(listener));
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if position < entry.observers.len() {
            entry.observers.swap_remove(position);
        }
        let moved = entry.observers.get(position).copied();
        if entry.observers.is_empty() {
            entry.gc_at = entry.policy.gc.from(now);
            self.cancel(slot, fx);
            self.arm(slot);
        } else if let Some(moved) = moved.and_then(|moved| self.observers.get_mut(moved.0)) {
            moved.position = position;
        }
    }

    // ----- fetching

    /// Makes sure that a fetch is under way, and that it is not merely waiting to try again.
    pub fn refetch(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        match &entry.fetch {
            Some(Fetch { phase: Phase::Running(_), .. }) => {}
            _ => {
                entry.fetch = None;
                self.ask(slot, fx);
            }
        }
    }

    pub fn refetch_observed(&mut self, observer: ObserverSlot, fx: &mut Effects) {
        if let Some(observer) = self.observers.get(observer.0) {
            self.refetch(observer.entry, fx);
        }
    }

    pub fn refetch_watched(&mut self, id: &EntryId, fx: &mut Effects) {
        if let Some(slot) = self.index.get(id).copied()
            && self.entries.get(slot).is_some_and(|entry| !entry.observers.is_empty())
        {
            self.refetch(slot, fx);
        }
    }

    /// Begins a fetch, unless one is under way already.
    fn ask(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if entry.fetch.is_some() || entry.query.is_none() {
            return;
        }
        self.fetches += 1;
        entry.fetch = Some(Fetch {
            number: self.fetches,
            failures: 0,
            invalidations: entry.invalidations,
            writes: entry.writes,
            phase: Phase::Blocked,
        });
        self.apply(slot, &Action::Begin, fx);
        self.attempt(slot, fx);
    }

    /// Sends the next attempt, or has it wait for the world.
    fn attempt(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let (Some(fetch), Some(query)) = (&mut entry.fetch, &entry.query) else { return };
        let open = self.online && !self.held && (self.focused || fetch.failures == 0);
        if !open {
            fetch.phase = Phase::Blocked;
            self.apply(slot, &Action::Pause, fx);
            return;
        }
        // What the server says from here on is newer than what was written or invalidated before.
        fetch.invalidations = entry.invalidations;
        fetch.writes = entry.writes;
        let flight = Rc::new(Flight::default());
        fetch.phase = Phase::Running(flight.clone());
        fx.starts.push(Start {
            id: FlightId { entry: slot, number: fetch.number },
            flight,
            query: query.clone(),
            attempt: fetch.failures.saturating_add(1),
        });
        self.apply(slot, &Action::Attempt, fx);
    }

    /// An attempt has its answer.
    pub fn settle(
        &mut self,
        id: FlightId,
        answer: Result<&Value, (&Value, ErrorClass)>,
        now: Timestamp,
        random: u64,
        fx: &mut Effects,
    ) {
        let slot = id.entry;
        let online = self.online;
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some(fetch) = entry.fetch.as_mut().filter(|fetch| fetch.number == id.number) else { return };
        match std::mem::replace(&mut fetch.phase, Phase::Blocked) {
            Phase::Running(flight) => fx.garbage.push(Garbage::Flight(flight)),
            Phase::Waiting(_) | Phase::Blocked => return,
        }
        let behind = fetch.invalidations != entry.invalidations;
        if fetch.writes != entry.writes {
            entry.fetch = None;
            self.apply(slot, &Action::Cancel, fx);
        } else {
            match answer {
                Ok(data) => {
                    entry.fetch = None;
                    self.apply(slot, &Action::Success { data, at: now, behind }, fx);
                }
                Err((_, ErrorClass::Offline)) if !online => {
                    self.apply(slot, &Action::Pause, fx);
                    return;
                }
                Err((error, class)) => match wait_before(fetch.failures, entry.policy.retry, class, random) {
                    Some(wait) => {
                        fetch.failures += 1;
                        let failure = Failure {
                            attempt: fetch.failures,
                            attempts: entry.policy.retry.saturating_add(1),
                            error: error.clone(),
                            wait,
                            at: now.after(wait),
                            waiting: true,
                        };
                        fetch.phase = Phase::Waiting(failure.at);
                        self.apply(slot, &Action::Retry(&failure), fx);
                        self.arm(slot);
                        return;
                    }
                    None => {
                        entry.fetch = None;
                        self.apply(slot, &Action::Error { error }, fx);
                    }
                },
            }
        }
        if behind {
            self.make_due(slot, now, fx);
        }
    }

    /// Calls the fetch off. It reverts to what was known before.
    fn cancel(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some(fetch) = entry.fetch.take() else { return };
        if let Phase::Running(flight) = fetch.phase {
            fx.aborts.push(flight);
        }
        self.apply(slot, &Action::Cancel, fx);
    }

    // ----- writing and forgetting

    pub fn write(&mut self, id: &EntryId, policy: Policy, data: &Value, now: Timestamp, fx: &mut Effects) {
        let slot = self.entry(id, policy, now);
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.writes += 1;
        entry.gc_at = entry.policy.gc.from(now);
        let running = matches!(&entry.fetch, Some(Fetch { phase: Phase::Running(_), .. }));
        self.apply(slot, &Action::Write { data, at: now }, fx);
        if !running {
            // Its answer would be discarded: no need to send another attempt.
            self.cancel(slot, fx);
        }
        self.arm(slot);
    }

    pub fn invalidate(&mut self, id: &EntryId, now: Timestamp, fx: &mut Effects) {
        if let Some(slot) = self.index.get(id).copied() {
            self.invalidate_slot(slot, now, fx);
        }
    }

    pub fn invalidate_all(&mut self, now: Timestamp, fx: &mut Effects) {
        for slot in self.entries.names() {
            self.invalidate_slot(slot, now, fx);
        }
    }

    fn invalidate_slot(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.invalidations += 1;
        self.apply(slot, &Action::Invalidate, fx);
        self.make_due(slot, now, fx);
    }

    /// Forgets an entry. Whoever watches it sees it pending, and it is fetched anew for them.
    pub fn remove(&mut self, id: &EntryId, now: Timestamp, fx: &mut Effects) {
        if let Some(slot) = self.index.get(id).copied() {
            self.forget(slot, now, fx);
        }
    }

    pub fn clear(&mut self, now: Timestamp, fx: &mut Effects) {
        for slot in self.entries.names() {
            self.forget(slot, now, fx);
        }
    }

    fn forget(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        self.cancel(slot, fx);
        match self.entries.get_mut(slot) {
            Some(entry) if !entry.observers.is_empty() => {
                self.apply(slot, &Action::Reset, fx);
                self.make_due(slot, now, fx);
            }
            _ => self.discard(slot, fx),
        }
    }

    fn discard(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.remove(slot) else { return };
        let entry = Box::new(entry);
        if let Some((id, _)) = self.index.remove_entry(&entry.id) {
            drop(id); // A key and a type: no user code.
        }
        fx.garbage.push(Garbage::Entry(entry));
    }

    // ----- the scope

    pub fn hold(&mut self, fx: &mut Effects) {
        if !self.held {
            self.held = true;
            self.notice_all(fx);
        }
    }

    pub fn restore(&mut self, now: Timestamp, fx: &mut Effects) {
        if !self.held {
            return;
        }
        self.held = false;
        self.notice_all(fx);
        for slot in self.entries.names() {
            self.unblock(slot, fx);
            self.arm(slot);
            if self.entries.get(slot).is_some_and(|entry| entry.due) {
                self.make_due(slot, now, fx);
            }
        }
    }

    pub fn end_scope(&mut self, now: Timestamp, fx: &mut Effects) {
        self.held = false;
        self.clear(now, fx);
    }

    // ----- the world

    pub fn set_online(&mut self, online: bool, now: Timestamp, fx: &mut Effects) {
        let back = online && !self.online;
        self.online = online;
        if back {
            self.world_is_back(now, fx);
        }
    }

    pub fn set_focused(&mut self, focused: bool, now: Timestamp, fx: &mut Effects) {
        let back = focused && !self.focused;
        self.focused = focused;
        if back {
            self.world_is_back(now, fx);
        }
    }

    fn world_is_back(&mut self, now: Timestamp, fx: &mut Effects) {
        for slot in self.entries.names() {
            self.unblock(slot, fx);
            let Some(entry) = self.entries.get(slot) else { continue };
            if !entry.observers.is_empty() && entry.fetch.is_none() && entry.is_stale(now) {
                self.ask(slot, fx);
            }
        }
    }

    fn unblock(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        if matches!(&entry.fetch, Some(Fetch { phase: Phase::Blocked, .. })) {
            self.attempt(slot, fx);
        }
    }

    pub fn alarm(&mut self, now: Timestamp, fx: &mut Effects) {
        self.timers.rang();
        while let Some(slot) = self.timers.pop(now) {
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            entry.armed = None;
            if let Some(Fetch { phase: Phase::Waiting(until), .. }) = &entry.fetch
                && *until <= now
            {
                self.attempt(slot, fx);
            } else if entry.observers.is_empty() && entry.gc_at <= now {
                // A held scope throws nothing away; restoring it looks again.
                if !self.held {
                    self.cancel(slot, fx);
                    self.discard(slot, fx);
                }
                continue;
            }
            self.arm(slot);
        }
    }

    // ----- one turn later

    /// Whom to tell. What happens from here on makes another turn.
    pub fn take_notices(&mut self) -> Vec<ObserverSlot> {
        self.flushing = false;
        std::mem::take(&mut self.notices)
    }

    /// The listener of an observer that is still there and has still not been told.
    pub fn notice(&mut self, observer: ObserverSlot) -> Option<Listener> {
        let observer = self.observers.get_mut(observer.0)?;
        std::mem::take(&mut observer.noticed).then(|| observer.listener.clone())
    }

    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Fetches what is due and still watched. An attempt that is under way and older than an invalidation
    /// gives way to a new one, except where it brings the first data; one still to be sent will do.
    pub fn fetch_due(&mut self, fx: &mut Effects) {
        for slot in std::mem::take(&mut self.due) {
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            if self.held {
                continue; // Restoring the scope makes it due again.
            }
            if !std::mem::take(&mut entry.due) || entry.observers.is_empty() {
                continue;
            }
            if let Some(fetch) = &entry.fetch
                && matches!(fetch.phase, Phase::Running(_))
                && entry.state.data.is_some()
                && fetch.invalidations != entry.invalidations
            {
                self.cancel(slot, fx);
            }
            self.ask(slot, fx);
        }
    }

    fn make_due(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if entry.observers.is_empty() || !entry.is_stale(now) {
            return;
        }
        entry.due = true;
        self.due.push(slot);
        self.flush(fx);
    }

    // ----- the inside

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
