//! Writing, invalidating and forgetting.

use super::{Effects, Engine, Garbage, Value};
use crate::entry::{EntryId, Fetch, Phase};
use crate::environment::Timestamp;
use crate::options::Policy;
use crate::slab::Slot;
use crate::state::Action;

impl Engine {
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

    pub(super) fn invalidate_slot(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
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

    pub(super) fn forget(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        self.cancel(slot, fx);
        match self.entries.get_mut(slot) {
            Some(entry) if !entry.observers.is_empty() => {
                self.apply(slot, &Action::Reset, fx);
                self.make_due(slot, now, fx);
            }
            _ => self.discard(slot, fx),
        }
    }

    pub(super) fn discard(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.remove(slot) else { return };
        let entry = Box::new(entry);
        if let Some((id, _)) = self.index.remove_entry(&entry.id) {
            drop(id); // A key and a type: no user code.
        }
        fx.garbage.push(Garbage::Entry(entry));
    }
}
