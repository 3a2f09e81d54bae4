//! The scope: held, restored, ended.

use super::{Effects, Engine};
use crate::environment::Timestamp;

impl Engine {
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
}
