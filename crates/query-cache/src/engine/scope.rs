//! The scope: held, restored, ended.

use super::{Effects, Engine, Landing};
use crate::environment::Timestamp;
use crate::policy::Initial;
use crate::slab::Slot;
use crate::state::diff;

impl Engine {
    pub fn scope(&self) -> u32 {
        self.scope
    }

    pub fn is_held(&self) -> bool {
        self.held
    }

    pub fn hold(&mut self, fx: &mut Effects) {
        if !self.held {
            self.held = true;
            self.notice_private(fx);
        }
    }

    pub fn restore(&mut self, now: Timestamp, fx: &mut Effects) {
        if !self.held {
            return;
        }
        self.held = false;
        self.notice_private(fx);
        self.wake_calls(fx);
        for slot in self.entries.names() {
            self.unblock(slot, fx);
            self.arm(slot, now);
            self.due_again(slot, fx);
        }
    }

    /// Opens a new scope, with nothing in it but what belongs to everybody.
    pub fn end_scope(&mut self, now: Timestamp, fx: &mut Effects) -> Vec<(Slot, Initial)> {
        if std::mem::take(&mut self.held) {
            self.notice_private(fx);
            self.wake_calls(fx);
        }
        self.scope = self.scope.wrapping_add(1);
        let mut begin = Vec::new();
        for slot in self.entries.names() {
            self.land(slot, Landing::ScopeEnd, fx);
            if self.entries.get(slot).is_some_and(|entry| entry.policy.plain.public) {
                continue;
            }
            begin.extend(self.remove(slot, now, fx).map(|initial| (slot, initial)));
            self.reopen_feed(slot, fx);
        }
        begin
    }

    /// The scope is held or restored: tell those for whom that makes a difference.
    fn notice_private(&mut self, fx: &mut Effects) {
        for slot in self.entries.names() {
            let Some(entry) = self.entries.get(slot).filter(|entry| !entry.policy.plain.public) else {
                continue;
            };
            let changed = diff(&self.nothing, &entry.state);
            // What stands in for data is no part of the state.
            let watching = entry.observers.iter(&self.observers);
            let shown: Vec<_> =
                watching.filter(|(_, observer)| observer.stand_in.is_some()).map(|(name, _)| name).collect();
            self.notice_entry(slot, changed, fx);
            shown.into_iter().for_each(|name| self.notice(name, fx));
        }
    }
}
