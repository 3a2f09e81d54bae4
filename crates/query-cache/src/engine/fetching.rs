//! Attempts: beginning one, taking its answer, calling it off.

use std::rc::Rc;

use super::{Effects, Engine, FlightId, Garbage, ObserverSlot, Value};
use crate::entry::{EntryId, Fetch, Phase};
use crate::environment::Timestamp;
use crate::error::ErrorClass;
use crate::flight::{Flight, Start};
use crate::retry::wait_before;
use crate::slab::Slot;
use crate::state::{Action, Failure};

impl Engine {
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
    pub(super) fn ask(&mut self, slot: Slot, fx: &mut Effects) {
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
    pub(super) fn attempt(&mut self, slot: Slot, fx: &mut Effects) {
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
    pub(super) fn cancel(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some(fetch) = entry.fetch.take() else { return };
        if let Phase::Running(flight) = fetch.phase {
            fx.aborts.push(flight);
        }
        self.apply(slot, &Action::Cancel, fx);
    }
}
