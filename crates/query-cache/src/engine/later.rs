//! What waits for the end of the turn: telling observers, and fetches that are due.

use super::{Effects, Engine, Listener, ObserverSlot};
use crate::entry::Phase;
use crate::environment::Timestamp;
use crate::slab::Slot;

impl Engine {
    /// Whom to tell. What happens from here on makes another turn.
    pub fn take_notices(&mut self) -> Vec<ObserverSlot> {
        self.flushing = false;
        std::mem::take(&mut self.notices)
    }

    /// The listener of an observer that is still there and has still not been told.
    pub fn notice(&mut self, observer: ObserverSlot) -> Option<Listener> {
        let observer = self.observers.get_mut(observer.0)?;
        std::mem::take(&mut observer.noticed).then(|| observer.listener.clone())
    }

    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Fetches what is due and still watched. An attempt that is under way and older than an invalidation
    /// gives way to a new one, except where it brings the first data; one still to be sent will do.
    pub fn fetch_due(&mut self, fx: &mut Effects) {
        for slot in std::mem::take(&mut self.due) {
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            if self.held {
                continue; // Restoring the scope makes it due again.
            }
            if !std::mem::take(&mut entry.due) || entry.observers.is_empty() {
                continue;
            }
            if let Some(fetch) = &entry.fetch
                && matches!(fetch.phase, Phase::Running(_))
                && entry.state.data.is_some()
                && fetch.invalidations != entry.invalidations
            {
                self.cancel(slot, fx);
            }
            self.ask(slot, fx);
        }
    }

    pub(super) fn make_due(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if entry.observers.is_empty() || !entry.is_stale(now) {
            return;
        }
        entry.due = true;
        self.due.push(slot);
        self.flush(fx);
    }
}
