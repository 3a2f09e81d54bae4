//! Changes that are neither an answer nor a write, for parts that the engine does not know.

#[cfg(feature = "stream")]
use std::any::TypeId;

#[cfg(feature = "stream")]
use super::FlightId;
use super::{Asked, Effects, Engine, Landing, Value, WaiterSlot};
use crate::entry::FetchCause;
use crate::environment::Timestamp;
use crate::events::Happening;
use crate::slab::Slot;
use crate::state::Action;

impl Engine {
    /// Puts other data in the place of what is there, no younger than that; `seen`: through the layers over it. An
    /// answer that is on its way counts all the same: whoever brings it knows of this.
    pub fn amend(&mut self, slot: Slot, data: &Value, seen: &Value, fx: &mut Effects) {
        if self.entries.get(slot).is_none_or(|entry| entry.data().is_none()) {
            return;
        }
        self.land(slot, Landing::Data(Some(data), None), fx);
        let Some(entry) = self.entries.get(slot) else { return };
        let action = Action::Write { data: seen, at: entry.state.updated_at };
        self.apply(slot, &action, fx);
        self.tell(slot, Happening::Written, fx);
    }

    /// The answer that is on its way is not all new: it will be as old as what is there.
    pub fn keep_age(&mut self, slot: Slot) {
        let Some(entry) = self.entries.get_mut(slot).filter(|entry| entry.data().is_some()) else { return };
        if let Some(fetch) = &mut entry.fetch {
            fetch.dated = Some(entry.state.updated_at);
        }
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

    /// A part of an answer that is on its way, and what is seen of it through the layers over the entry; `None`: what
    /// there was is gone. Says whether the answer is still wanted.
    #[cfg(feature = "stream")]
    pub fn progress(
        &mut self,
        id: FlightId,
        types: TypeId,
        data: Option<(&Value, &Value)>,
        now: Timestamp,
        fx: &mut Effects,
    ) -> bool {
        let slot = id.entry;
        let Some(entry) = self.entries.get(slot).filter(|_| self.awaits(id)) else { return false };
        if entry.fetch.as_ref().is_none_or(|fetch| fetch.writes != entry.writes) {
            return false;
        }
        if (entry.kind)().types == types {
            let (data, seen) = data.unzip();
            self.land(slot, Landing::Data(data, None), fx);
            self.apply(slot, &Action::Progress { data: seen, at: now }, fx);
            self.drop_stand_ins(slot, fx);
        }
        true
    }

    /// The data without what the fetch under way has brought of it.
    #[cfg(feature = "stream")]
    pub fn before(&self, id: FlightId) -> Option<Value> {
        let entry = self.entries.get(id.entry).filter(|_| self.awaits(id))?;
        match entry.fetch.as_ref().filter(|_| entry.state.partial || entry.data().is_none()) {
            Some(fetch) => fetch.below.clone(),
            None => entry.base().cloned(),
        }
    }
}
