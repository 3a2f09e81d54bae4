//! What comes from outside: the network, the focus, the alarm.

use super::{Effects, Engine};
use crate::entry::{Fetch, Phase};
use crate::environment::Timestamp;
use crate::slab::Slot;

impl Engine {
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

    pub(super) fn world_is_back(&mut self, now: Timestamp, fx: &mut Effects) {
        for slot in self.entries.names() {
            self.unblock(slot, fx);
            let Some(entry) = self.entries.get(slot) else { continue };
            if !entry.observers.is_empty() && entry.fetch.is_none() && entry.is_stale(now) {
                self.ask(slot, fx);
            }
        }
    }

    pub(super) fn unblock(&mut self, slot: Slot, fx: &mut Effects) {
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
}
