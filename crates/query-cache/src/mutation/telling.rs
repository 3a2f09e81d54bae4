//! Who watches what, and whom to tell.

use std::rc::Rc;

use super::events::{MutationEvent, MutationHappening};
use super::filter::MutationInfo;
use super::state::{Facts, MutationId, MutationSnapshot, State};
use super::store::{Fx, Store};
use crate::engine::Listener;

/// What a watcher shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts(pub u8);

impl Parts {
    pub const NOTHING: Parts = Parts(0);
    pub const STATUS: Parts = Parts(1);
    /// All that is in the state.
    pub const STATE: Parts = Parts(3);
    /// All that is in the state but the status, and the rest.
    const SHOWN: Parts = Parts(6);
    /// All that is in the state, and the rest.
    pub const ALL: Parts = Parts(7);

    pub fn with(self, other: Parts) -> Parts {
        Parts(self.0 | other.0)
    }

    fn meets(self, other: Parts) -> bool {
        self.0 & other.0 != 0
    }
}

/// Whom a watcher watches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Nobody,
    One(MutationId),
    All,
}

pub(super) struct Watcher {
    pub number: u32,
    pub target: Target,
    pub parts: Parts,
    pub listener: Listener,
    pub noticed: bool,
}

pub(super) fn diff(before: &State, after: &State) -> Parts {
    if before.status() != after.status() {
        return Parts::ALL;
    }
    let failure = |state: &State| state.failure.as_ref().map(Rc::as_ptr);
    let shown = before.paused != after.paused
        || before.waiting != after.waiting
        || (before.answered != after.answered && after.failure.is_some())
        || failure(before) != failure(after);
    if shown { Parts::SHOWN } else { Parts::NOTHING }
}

impl Store {
    /// What is seen of a call. A held scope shows only whether it is over.
    pub(super) fn snapshot(&self, id: MutationId, held: bool) -> MutationSnapshot {
        let Some(entry) = self.entries.get(&id) else { return MutationSnapshot::IDLE };
        if !held {
            return MutationSnapshot { facts: Some(entry.facts.clone()), state: Some(entry.state.clone()) };
        }
        let pending = || Rc::new(State { paused: true, ..State::new() });
        MutationSnapshot { facts: None, state: entry.state.outcome.is_none().then(pending) }
    }

    pub(super) fn info(&self, id: MutationId) -> Option<MutationInfo> {
        let entry = self.entries.get(&id)?;
        Some(MutationInfo { id, facts: entry.facts.clone(), state: entry.state.clone() })
    }

    pub(super) fn watch(&mut self, target: Target, parts: Parts, listener: Listener) -> u32 {
        let number = u32::try_from(self.number()).unwrap_or(u32::MAX);
        self.watchers.push(Watcher { number, target, parts, listener, noticed: false });
        number
    }

    pub(super) fn watcher(&mut self, number: u32) -> Option<&mut Watcher> {
        self.watchers.iter_mut().find(|watcher| watcher.number == number)
    }

    pub(super) fn target(&self, number: u32) -> Option<Target> {
        self.watchers.iter().find(|watcher| watcher.number == number).map(|watcher| watcher.target)
    }

    /// This watcher shows something else from now on.
    pub(super) fn notice_one(&mut self, number: u32, fx: &mut Fx) {
        if let Some(watcher) = self.watcher(number).filter(|watcher| watcher.parts != Parts::NOTHING) {
            watcher.noticed = true;
            fx.turn = true;
        }
    }

    pub(super) fn unwatch(&mut self, number: u32) -> Option<Watcher> {
        let place = self.watchers.iter().position(|watcher| watcher.number == number)?;
        Some(self.watchers.remove(place))
    }

    pub(super) fn notice(&mut self, id: MutationId, changed: Parts, fx: &mut Fx) {
        for watcher in &mut self.watchers {
            let watches = watcher.target == Target::All || watcher.target == Target::One(id);
            if watches && watcher.parts.meets(changed) {
                watcher.noticed = true;
                fx.turn = true;
            }
        }
    }

    /// The scope is held or restored.
    pub(super) fn notice_all(&mut self, fx: &mut Fx) {
        for watcher in &mut self.watchers {
            let shows = match watcher.target {
                Target::Nobody => false,
                Target::One(id) => self.entries.contains_key(&id),
                Target::All => !self.entries.is_empty(),
            };
            if shows && watcher.parts != Parts::NOTHING {
                watcher.noticed = true;
                fx.turn = true;
            }
        }
    }

    pub(super) fn noticed(&self) -> Vec<u32> {
        self.watchers.iter().filter(|watcher| watcher.noticed).map(|watcher| watcher.number).collect()
    }

    /// The listener of a watcher that is still there and has still not been told.
    pub(super) fn listener(&mut self, number: u32) -> Option<Listener> {
        let watcher = self.watcher(number)?;
        std::mem::take(&mut watcher.noticed).then(|| watcher.listener.clone())
    }

    /// What is in the state it is shown now need not be told.
    pub(super) fn seen(&mut self, number: u32) {
        if let Some(watcher) = self.watcher(number) {
            watcher.noticed = false;
        }
    }

    pub(super) fn tell(&mut self, id: MutationId, facts: &Facts, happening: MutationHappening, fx: &mut Fx) {
        if self.listened {
            self.events.push(MutationEvent { id, name: facts.name, happening });
            fx.turn = true;
        } else {
            fx.garbage.push(Box::new(happening));
        }
    }
}
