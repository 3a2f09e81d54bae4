//! Changes that are neither an answer nor a write, for parts that the engine does not know.

use super::{Asked, Effects, Engine, Value, WaiterSlot};
use crate::entry::FetchCause;
use crate::environment::Timestamp;
use crate::events::Happening;
use crate::slab::Slot;
use crate::state::Action;

impl Engine {
    /// Puts other data in the place of what is there, no younger than that. An answer that is on its way
    /// counts all the same: whoever brings it knows of this.
    pub fn amend(&mut self, slot: Slot, data: &Value, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot).filter(|entry| entry.data().is_some()) else { return };
        let action = Action::Write { data, at: entry.state.updated_at };
        self.apply(slot, &action, fx);
        self.tell(slot, Happening::Written, fx);
    }

    /// Waits for an answer that is yet to come, fresh or not what is there.
    pub fn call_anew(&mut self, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) -> WaiterSlot {
        let slot = self.prepare_call(asked, now, fx);
        self.wait(slot, now, fx)
    }

    /// Fetches, fresh or not what is there, for nobody in particular.
    pub fn prefetch_anew(&mut self, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) {
        let slot = self.prepare_call(asked, now, fx);
        self.ask(slot, FetchCause::Asked, now, fx);
        self.detach_fetch(slot);
        self.arm(slot, now);
    }
}
