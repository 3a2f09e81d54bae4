//! What waits for the end of the turn: telling observers, and fetches that are due.

use super::{Effects, Engine, Listener, ObserverSlot};
use crate::entry::FetchCause;
use crate::environment::Timestamp;
use crate::policy::Fresh;
use crate::slab::Slot;

impl Engine {
    /// Whom to tell.
    pub fn take_notices(&mut self) -> Vec<ObserverSlot> {
        std::mem::take(&mut self.notices)
    }

    /// The listener of an observer that is still there and has still not been told.
    pub fn listener(&mut self, observer: ObserverSlot) -> Option<Listener> {
        let observer = self.observers.get_mut(observer.0)?;
        std::mem::take(&mut observer.noticed).then(|| observer.listener.clone())
    }

    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Fetches what is due and still watched. An attempt that is under way and older than an invalidation
    /// gives way to a new one, except where it brings the first data; one still to be sent will do.
    pub fn fetch_due(&mut self, now: Timestamp, fx: &mut Effects) {
        for slot in std::mem::take(&mut self.due) {
            let Some(entry) = self.entries.get(slot) else { continue };
            if self.is_hidden(entry) {
                continue; // Restoring the scope makes it due again.
            }
            let active = self.is_active(entry);
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            if !std::mem::take(&mut entry.due) || !active {
                continue;
            }
            if entry.data().is_some() && entry.runs_behind() {
                self.restart(slot, now, fx);
            } else {
                self.ask(slot, FetchCause::Invalidated, now, fx);
            }
        }
    }

    pub(super) fn make_due(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        let fixed = entry.policy.plain.stale == Fresh::ALWAYS && entry.data().is_some();
        if fixed || !entry.is_stale(now) || !self.is_active(entry) {
            return;
        }
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if !std::mem::replace(&mut entry.due, true) {
            self.due.push(slot);
        }
        self.flush(fx);
    }

    /// What was due when the scope was held is due again.
    pub(super) fn due_again(&mut self, slot: Slot, fx: &mut Effects) {
        if self.entries.get(slot).is_some_and(|entry| entry.due) {
            self.due.push(slot);
            self.flush(fx);
        }
    }
}
