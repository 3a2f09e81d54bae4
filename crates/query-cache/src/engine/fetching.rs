//! Attempts: beginning one, taking its answer, calling it off.

use std::rc::Rc;

use super::{Effects, Engine, FlightId, Garbage, Landing, Poll, Value, Verdict};
use crate::entry::{Fetch, FetchCause, Phase};
use crate::environment::Timestamp;
use crate::error::{ErrorClass, QueryError};
use crate::events::Happening;
use crate::flight::{Flight, Start};
use crate::options::NetworkMode;
use crate::retry::wait_before;
use crate::slab::Slot;
use crate::state::{Action, Failure, same_data};

/// What came of an attempt, and what user code said about it.
pub(crate) enum Answered<'a> {
    /// `seen`: what is to be seen of it. `same_as`: data that it was found to be equal to.
    Data {
        data: &'a Value,
        seen: &'a Value,
        same_as: Option<&'a Value>,
    },
    Error {
        error: &'a Value,
        class: ErrorClass,
    },
}

impl Engine {
    /// Makes sure that a fetch is under way, and that it is not merely waiting to try again.
    pub(super) fn hurry(&mut self, slot: Slot, cause: FetchCause, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        match entry.fetch.as_deref_mut() {
            Some(Fetch { phase: Phase::Running(_), .. }) => {}
            Some(fetch) => {
                fetch.failures = 0;
                fetch.cause = cause;
                self.restart(slot, now, fx);
            }
            None => self.ask(slot, cause, now, fx),
        }
    }

    /// Begins a fetch, unless one is under way already.
    pub(super) fn ask(&mut self, slot: Slot, cause: FetchCause, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if entry.fetch.is_some() || entry.query.is_none() {
            return;
        }
        entry.fetch = Some(Box::new(Fetch {
            number: 0,
            cause,
            failures: 0,
            invalidations: entry.invalidations,
            writes: entry.writes,
            dated: None,
            phase: Phase::Blocked,
            #[cfg(feature = "hydrate")]
            looked: false,
            #[cfg(feature = "hydrate")]
            admitted: false,
            detached: false,
            waiters: Vec::new(),
            before: entry.state.clone(),
            #[cfg(feature = "stream")]
            below: entry.base().cloned(),
        }));
        self.restart(slot, now, fx);
    }

    /// Begins the first attempt of a fetch, or begins it anew: an attempt under way is dropped, and those
    /// who wait get the new one's answer.
    pub(super) fn restart(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.as_mut()) else { return };
        if let Phase::Running(flight) = std::mem::replace(&mut fetch.phase, Phase::Blocked) {
            fx.aborts.push(flight);
        }
        let open = self.send(slot, fx);
        self.apply(slot, &Action::Begin { paused: !open }, fx);
        self.tell(slot, Happening::Fetching { paused: !open }, fx);
        self.arm(slot, now);
    }

    /// Sends the next attempt, or has it wait for the world.
    pub(super) fn attempt(&mut self, slot: Slot, fx: &mut Effects) {
        let open = self.send(slot, fx);
        self.apply(slot, if open { &Action::Attempt } else { &Action::Pause }, fx);
        self.tell(slot, Happening::Fetching { paused: !open }, fx);
    }

    fn send(&mut self, slot: Slot, fx: &mut Effects) -> bool {
        #[cfg(feature = "hydrate")]
        if self.looks_elsewhere(slot, fx) {
            return true;
        }
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        let hidden = self.held && !entry.policy.plain.public;
        let networked = self.online || !entry.needs_network();
        let (Some(fetch), Some(_)) = (&mut entry.fetch, &entry.query) else { return false };
        if hidden || !networked || !(self.focused || fetch.failures == 0) {
            fetch.phase = Phase::Blocked;
            #[cfg(feature = "hydrate")]
            {
                // Its turn has passed: others have theirs meanwhile.
                fetch.admitted = false;
            }
            return false;
        }
        #[cfg(feature = "hydrate")]
        if self.waits_its_turn(slot, fx) {
            return true;
        }
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        let (Some(fetch), Some(query)) = (&mut entry.fetch, &entry.query) else { return false };
        // What the server says from here on is newer than what was written or invalidated before.
        fetch.invalidations = entry.invalidations;
        fetch.writes = entry.writes;
        fetch.dated = None;
        self.fetches += 1;
        fetch.number = self.fetches;
        let flight = Rc::new(Flight::default());
        fetch.phase = Phase::Running(flight.clone());
        fx.starts.push(Start {
            id: FlightId { entry: slot, number: fetch.number, scope: self.scope },
            flight,
            query: query.clone(),
            policy: entry.policy.clone(),
            attempt: fetch.failures.saturating_add(1),
            cause: fetch.cause,
        });
        true
    }

    /// Whether this attempt is still the one that is waited for.
    pub fn awaits(&self, id: FlightId) -> bool {
        self.entries.get(id.entry).is_some_and(|entry| {
            let current = id.scope == self.scope || entry.policy.plain.public;
            current && entry.fetch.as_ref().is_some_and(|fetch| fetch.number == id.number)
        })
    }

    /// An attempt has its answer.
    pub fn settle(
        &mut self,
        id: FlightId,
        answer: &Answered<'_>,
        now: Timestamp,
        random: u64,
        fx: &mut Effects,
    ) {
        if !self.awaits(id) {
            return;
        }
        let slot = id.entry;
        let online = self.online;
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some(fetch) = entry.fetch.as_mut() else { return };
        match std::mem::replace(&mut fetch.phase, Phase::Blocked) {
            Phase::Running(flight) => fx.garbage.push(Garbage::Flight(flight)),
            Phase::Waiting(_) | Phase::Blocked => return,
        }
        let mut behind = fetch.invalidations != entry.invalidations;
        if fetch.writes != entry.writes {
            // Whatever it says is older than what was written. What it was to bring up to date still is not.
            behind = entry.state.invalidated;
            self.revert(slot, fx);
        } else {
            match *answer {
                Answered::Data { data, seen, same_as } => {
                    // Honoured only if that is still what is there.
                    let same = same_as.filter(|same| same_data(entry.state.data.as_ref(), Some(same)));
                    let (number, at) = (fetch.number, fetch.dated.unwrap_or(now));
                    self.land(slot, Landing::Data(Some(data), Some(number)), fx);
                    let data = same.unwrap_or(seen);
                    let Some(entry) = self.entries.get_mut(slot) else { return };
                    // What made it due is answered, unless that came after this was sent.
                    entry.due &= behind;
                    self.apply(slot, &Action::Success { data, at, behind }, fx);
                    self.tell(slot, Happening::Fetched { data: data.clone() }, fx);
                    self.finish(slot, &Ok(data.clone()), fx);
                    self.drop_stand_ins(slot, fx);
                }
                Answered::Error { class: ErrorClass::Offline, .. }
                    if !online && entry.policy.plain.network != NetworkMode::Always =>
                {
                    self.apply(slot, &Action::Pause, fx);
                    return;
                }
                Answered::Error { error, class } => {
                    let plain = &entry.policy.plain;
                    let wait = wait_before(fetch.failures, plain, class, random);
                    fetch.failures = fetch.failures.saturating_add(1);
                    let failure = Rc::new(Failure {
                        attempt: fetch.failures,
                        attempts: plain.retry.saturating_add(1),
                        error: error.clone(),
                        wait: wait.unwrap_or_default(),
                        at: now.after(wait.unwrap_or_default()),
                    });
                    if wait.is_some() {
                        fetch.phase = Phase::Waiting(failure.at);
                        self.apply(slot, &Action::Retry(&failure), fx);
                        self.arm(slot, now);
                        return;
                    }
                    self.apply(slot, &Action::Error { failure: &failure, at: now }, fx);
                    self.tell(slot, Happening::FetchFailed { error: error.clone() }, fx);
                    self.finish(slot, &Err(QueryError::Fetch(error.clone())), fx);
                }
            }
        }
        self.settled(slot, now, fx);
        if behind {
            self.make_due(slot, now, fx);
        }
    }

    /// What begins to count when a fetch is over: intervals, and the time an unwatched entry is kept.
    pub(super) fn settled(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if entry.observers.is_empty() {
            entry.gc_at = now.plus(entry.policy.plain.gc);
        }
        self.poll(slot, now, Poll::Anew, fx);
        self.arm(slot, now);
    }

    /// Ends a fetch whose verdict is in the state already, and tells those who wait for it.
    pub(super) fn finish(&mut self, slot: Slot, verdict: &Verdict, fx: &mut Effects) {
        let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.take()) else { return };
        for waiter in &fetch.waiters {
            if let Some(waiter) = self.waiters.get_mut(waiter.0) {
                waiter.entry = None;
                waiter.verdict = Some(verdict.clone());
                fx.wakers.extend(waiter.waker.take());
            }
        }
        fx.garbage.push(Garbage::Fetch(fetch));
    }

    /// Calls the fetch off: all is as it was before, but for what was written since. Who waits gets the data
    /// that is there.
    pub(super) fn revert(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some(fetch) = entry.fetch.as_mut() else { return };
        if let Phase::Running(flight) = std::mem::replace(&mut fetch.phase, Phase::Blocked) {
            fx.aborts.push(flight);
        }
        let before = fetch.before.clone();
        #[cfg(feature = "stream")]
        let below = fetch.below.clone().filter(|_| entry.state.data.is_none() && entry.state.error.is_none());
        let verdict = entry.state.data.clone().ok_or(QueryError::Cancelled);
        self.apply(slot, &Action::Revert { before: &before }, fx);
        #[cfg(feature = "stream")]
        if let Some(below) = below {
            self.land(slot, Landing::Back(&below), fx);
            fx.garbage.push(Garbage::Value(below));
        }
        self.finish(slot, &verdict, fx);
        fx.garbage.push(Garbage::State(before));
        fx.garbage.push(Garbage::Verdict(verdict));
        self.tell(slot, Happening::Cancelled, fx);
    }

    /// Drops the fetch without a trace in the state, which is about to go. Who waits is told that it was
    /// called off: the data that is there must not reach them any more.
    pub(super) fn abandon(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.as_mut()) else { return };
        if let Phase::Running(flight) = std::mem::replace(&mut fetch.phase, Phase::Blocked) {
            fx.aborts.push(flight);
        }
        self.finish(slot, &Err(QueryError::Cancelled), fx);
        self.tell(slot, Happening::Cancelled, fx);
    }

    /// Calls the fetch off, and makes that its verdict.
    pub(super) fn call_off(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.as_mut()) else { return };
        if let Phase::Running(flight) = std::mem::replace(&mut fetch.phase, Phase::Blocked) {
            fx.aborts.push(flight);
        }
        self.apply(slot, &Action::CalledOff { at: now }, fx);
        self.finish(slot, &Err(QueryError::Cancelled), fx);
        self.tell(slot, Happening::Cancelled, fx);
    }

    /// A fetch that nobody wants any more is dropped at the end of the turn: what unmounts here may be what
    /// mounts there.
    pub(super) fn let_go(&mut self, slot: Slot, fx: &mut Effects) {
        if self.entries.get(slot).is_some_and(|entry| entry.fetch.is_some() && !entry.is_wanted()) {
            self.unwanted.push(slot);
            self.flush(fx);
        }
    }

    /// The end of the turn: drops what is still not wanted. What happens from here on makes another turn.
    pub fn drop_unwanted(&mut self, now: Timestamp, fx: &mut Effects) {
        self.flushing = false;
        for slot in std::mem::take(&mut self.unwanted) {
            if self.entries.get(slot).is_some_and(|entry| entry.fetch.is_some() && !entry.is_wanted()) {
                self.revert(slot, fx);
                self.settled(slot, now, fx);
            }
        }
    }
}
