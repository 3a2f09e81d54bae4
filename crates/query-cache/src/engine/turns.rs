//! Waiting for one's turn: of all tabs, one fetches.

use super::{Effects, Engine, Garbage, Look, Looker};
use crate::entry::{Fetch, FetchCause, Phase};
use crate::environment::Timestamp;
use crate::slab::Slot;
use crate::state::Action;

impl Engine {
    /// From now on each attempt of what may be shared waits for its turn.
    pub fn take_turns_by(&mut self, turns: Looker) {
        self.turns = Some(turns);
    }

    /// Whether this attempt waits for its turn. Asked again when a time it was to wait for has come.
    pub(super) fn waits_its_turn(&mut self, slot: Slot, fx: &mut Effects) -> bool {
        let Some(turns) = self.turns else { return false };
        let (scope, number) = (self.scope, self.fetches + 1);
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        let shared = entry.policy.codec().is_some();
        let Some(fetch) = entry.fetch.as_mut().filter(|_| shared) else { return false };
        if std::mem::take(&mut fetch.admitted) {
            return false;
        }
        fetch.number = number;
        fetch.phase = Phase::Waiting(Timestamp::MAX);
        self.fetches = number;
        fx.later.push(turns(Look { entry: slot, number, scope }));
        true
    }

    /// It is this attempt's turn.
    pub fn admit(&mut self, look: Look, fx: &mut Effects) {
        if let Some(fetch) = self.looked_for(look) {
            fetch.admitted = true;
            self.attempt(look.entry, fx);
        }
    }

    /// Whether the attempt still waits.
    pub fn waits(&mut self, look: Look) -> bool {
        self.looked_for(look).is_some()
    }

    /// Whether the attempt is for what was reset or removed: what others have of it is what was to be forgotten.
    pub fn begins_anew(&mut self, look: Look) -> bool {
        self.looked_for(look).is_some_and(|fetch| begins_anew(fetch))
    }

    /// Whether there is a fetch that is under way, or waits to be sent.
    pub fn needs_its_turn(&self, slot: Slot) -> bool {
        let fetch = self.entries.get(slot).and_then(|entry| entry.fetch.as_ref());
        fetch.is_some_and(|fetch| !matches!(fetch.phase, Phase::Blocked))
    }

    /// What another tab has fetched since the attempt began to wait will do for it, and so will what is fresh. Says
    /// whether the fetch is over by that.
    pub fn answered_elsewhere(
        &mut self,
        look: Look,
        since: Timestamp,
        now: Timestamp,
        fx: &mut Effects,
    ) -> bool {
        let slot = look.entry;
        let waits = self.looked_for(look).map(|fetch| (fetch.before.clone(), begins_anew(fetch)));
        let Some((before, anew)) = waits else { return false };
        let data = self.entries.get(slot).and_then(|entry| {
            // A patch may wait for an attempt of this tab's own.
            let patched = entry.layers().is_some();
            let later = entry.state.updated_at >= since && !entry.state.invalidated && !patched;
            entry.data().filter(|_| later || !(anew || patched || self.wants_newer(entry, now))).cloned()
        });
        let answered = data.is_some();
        if let Some(data) = data {
            self.apply(slot, &Action::Revert { before: &before }, fx);
            let verdict = Ok(data);
            self.finish(slot, &verdict, fx);
            fx.garbage.push(Garbage::Verdict(verdict));
            self.settled(slot, now, fx);
        }
        fx.garbage.push(Garbage::State(before));
        answered
    }

    /// What was put there was written by somebody: the answer to a fetch begun before is older.
    pub fn count_as_write(&mut self, slot: Slot) {
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.writes = entry.writes.wrapping_add(1);
        }
    }
}

fn begins_anew(fetch: &Fetch) -> bool {
    fetch.cause == FetchCause::Invalidated && fetch.before.data.is_none()
}
