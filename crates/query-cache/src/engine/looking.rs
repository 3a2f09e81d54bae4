//! Looking for first data where it is stored, before it is fetched.

use super::{Arrival, Effects, Engine, Garbage, Later, Value};
use crate::entry::{Entry, FetchCause, Phase};
use crate::environment::Timestamp;
use crate::slab::Slot;
use crate::state::Action;

/// Begins a look, once the engine is let go.
pub(crate) type Looker = fn(Look) -> Later;

/// Names one look for one entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub entry: Slot,
    pub(super) number: u64,
    pub(super) scope: u32,
}

impl Engine {
    /// From now on first data is looked for elsewhere.
    pub fn look_by(&mut self, looker: Looker) {
        self.looker = Some(looker);
    }

    /// Whether this fetch waits for a look. Once for each fetch: by whoever asks, not for what was reset.
    pub(super) fn looks_elsewhere(&mut self, slot: Slot, fx: &mut Effects) -> bool {
        let Some(look) = self.looker else { return false };
        let (held, scope, number) = (self.held, self.scope, self.fetches + 1);
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        let hidden = held && !entry.policy.plain.public;
        let (empty, opted_in) = (entry.data().is_none(), entry.policy.codec().is_some());
        let Some(fetch) = entry.fetch.as_mut() else { return false };
        if hidden || !empty || !opted_in || fetch.looked || fetch.cause == FetchCause::Invalidated {
            return false;
        }
        fetch.looked = true;
        fetch.number = number;
        fetch.phase = Phase::Waiting(Timestamp::MAX);
        self.fetches = number;
        fx.later.push(look(Look { entry: slot, number, scope }));
        true
    }

    /// The fetch begins then, if the look is not over before.
    pub fn look_until(&mut self, look: Look, until: Timestamp, now: Timestamp) {
        if let Some(fetch) = self.looked_for(look) {
            fetch.phase = Phase::Waiting(until);
            self.arm(look.entry, now);
        }
    }

    /// What came of a look: perhaps data, and what is to be seen of it. The fetch is over if that is new enough for all who
    /// want it, and else goes on.
    pub fn look_is_over(
        &mut self,
        look: Look,
        found: Option<(Arrival<'_>, &Value)>,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        let slot = look.entry;
        if let Some((arrival, seen)) = found.filter(|_| self.is_of_this_scope(look)) {
            self.put_back(slot, seen, arrival, now, fx);
        }
        let Some(fetch) = self.looked_for(look) else { return };
        let before = fetch.before.clone();
        let Some(entry) = self.entries.get(slot) else { return };
        match entry.data().cloned().filter(|_| !self.wants_newer(entry, now)) {
            Some(data) => {
                self.apply(slot, &Action::Revert { before: &before }, fx);
                let verdict = Ok(data);
                self.finish(slot, &verdict, fx);
                fx.garbage.push(Garbage::Verdict(verdict));
                self.settled(slot, now, fx);
            }
            None => self.attempt(slot, fx),
        }
        fx.garbage.push(Garbage::State(before));
    }

    fn is_of_this_scope(&self, look: Look) -> bool {
        let public = self.entries.get(look.entry).is_some_and(|entry| entry.policy.plain.public);
        public || look.scope == self.scope
    }

    /// The fetch that waits for this look, if it still does.
    pub(super) fn looked_for(&mut self, look: Look) -> Option<&mut crate::entry::Fetch> {
        let fetch = self.entries.get_mut(look.entry)?.fetch.as_deref_mut()?;
        (fetch.number == look.number && matches!(fetch.phase, Phase::Waiting(_))).then_some(fetch)
    }

    /// Whether the data there is does not do for somebody who waits or watches.
    pub(super) fn wants_newer(&self, entry: &Entry, now: Timestamp) -> bool {
        let called = entry.fetch.as_ref().is_some_and(|fetch| fetch.detached || !fetch.waiters.is_empty());
        (called && entry.is_stale(now)) || self.moves(entry, |plain| plain.on_mount, now)
    }
}
