//! Data that leaves for elsewhere, and data that comes from there, with its own time.

use std::rc::Rc;

use super::{Effects, Engine, Garbage, Landing, Value};
use crate::entry::{Entry, Kind};
use crate::environment::Timestamp;
use crate::events::Happening;
use crate::key::QueryKey;
use crate::policy::{Codec, Policy};
use crate::slab::Slot;
use crate::state::Action;

/// What can be seen of an entry that has data, to be sent elsewhere.
pub(crate) struct Parcel {
    pub key: QueryKey,
    pub kind: Kind,
    pub codec: Option<Codec>,
    pub public: bool,
    pub data: Value,
    pub at: Timestamp,
    pub invalidated: bool,
}

/// Data that comes from elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub data: &'a Value,
    /// When it arrived there. What is yet to come counts as now.
    pub at: Timestamp,
    pub invalidated: bool,
    /// It was written, and replaces what is there however new that is.
    pub replaces: bool,
}

impl Arrival<'_> {
    /// Whether what is there gives way to it.
    fn is_news(&self, entry: &Entry, now: Timestamp) -> bool {
        self.replaces || entry.data().is_none() || entry.state.updated_at < self.at.min(now)
    }
}

impl Engine {
    /// `None`: there is no data, or not all of it, or it is not to be seen.
    pub fn parcel(&self, slot: Slot) -> Option<Parcel> {
        let entry = self.entries.get(slot).filter(|entry| !self.is_hidden(entry) && !entry.state.partial)?;
        // What lies over it is not the server's word, and goes with the page.
        Some(parcel_of(entry, entry.base()?))
    }

    /// Whether the scope is held, and this is somebody's.
    pub fn hides(&self, slot: Slot) -> bool {
        self.entries.get(slot).is_some_and(|entry| self.is_hidden(entry))
    }

    /// The entry of this name, if it is this.
    pub fn find_entry(&self, slot: Slot, key: &QueryKey) -> Option<Slot> {
        self.entries.get(slot).filter(|entry| entry.key == *key).map(|_| slot)
    }

    /// The entries of this key, whatever their types.
    pub fn same_key(&self, key: &QueryKey) -> Vec<Slot> {
        self.index.same_key(&self.entries, key)
    }

    /// Data from elsewhere, of which this is to be seen, unless what is there is as new. No write: the answer to a
    /// fetch under way is newer than either.
    pub fn put_back(
        &mut self,
        slot: Slot,
        seen: &Value,
        arrival: Arrival<'_>,
        now: Timestamp,
        fx: &mut Effects,
    ) -> bool {
        let Arrival { data, at, invalidated, .. } = arrival;
        let at = at.min(now);
        let Some(entry) = self.entries.get_mut(slot).filter(|entry| arrival.is_news(entry, now)) else {
            return false;
        };
        if entry.observers.is_empty() {
            entry.gc_at = now.plus(entry.policy.plain.gc);
        }
        self.land(slot, Landing::Data(Some(data), None), fx);
        self.apply(slot, &Action::Restore { data: seen, at, invalidated }, fx);
        self.tell(slot, Happening::Restored, fx);
        self.drop_stand_ins(slot, fx);
        self.arm(slot, now);
        true
    }

    /// An entry that was of another kind until now is of this one, with this data. `Err`: it could not be made,
    /// and the entry goes.
    pub fn turn_into(
        &mut self,
        slot: Slot,
        kind: Kind,
        policy: &Rc<Policy>,
        data: Result<&Value, Rc<str>>,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        let Some(entry) = self.entries.get(slot) else { return };
        let (at, invalidated) = (entry.state.updated_at, entry.state.invalidated);
        let other = self.index.find(&self.entries, &entry.key, kind);
        match (data, other) {
            (Ok(data), None) => {
                let Some(entry) = self.entries.get_mut(slot) else { return };
                entry.kind = kind;
                fx.garbage.push_policy(std::mem::replace(&mut entry.policy, policy.clone()), policy);
                self.apply(slot, &Action::Restore { data, at, invalidated }, fx);
            }
            // Somebody was quicker.
            (Ok(data), Some(other)) => {
                self.put_back(other, data, Arrival { data, at, invalidated, replaces: false }, now, fx);
                self.discard(slot, fx);
            }
            (Err(error), _) => {
                self.tell(slot, Happening::NotDecoded { error }, fx);
                self.discard(slot, fx);
            }
        }
    }

    /// Nothing is to be found under this name any more.
    pub fn forget(&mut self, slot: Slot, fx: &mut Effects) {
        self.abandon(slot, fx);
        self.discard(slot, fx);
    }

    /// Tells that JSON for this entry was of no use.
    pub fn tell_not_decoded(&mut self, slot: Slot, error: Rc<str>, fx: &mut Effects) {
        self.tell(slot, Happening::NotDecoded { error }, fx);
    }

    /// An entry of which nobody knows the type, with what it will be made of.
    pub fn put_to_sleep(
        &mut self,
        key: &QueryKey,
        kind: Kind,
        policy: &Rc<Policy>,
        arrival: Arrival<'_>,
        now: Timestamp,
        fx: &mut Effects,
    ) -> bool {
        let slot = self.entry(key, kind, policy, now, fx);
        if let Some(entry) = self.entries.get_mut(slot).filter(|entry| arrival.is_news(entry, now)) {
            // Of what is of everybody and what is somebody's the later counts, and what is not taken changes nothing.
            let before = std::mem::replace(&mut entry.policy, policy.clone());
            fx.garbage.push(Garbage::Policy(before));
        }
        self.put_back(slot, arrival.data, arrival, now, fx)
    }
}

fn parcel_of(entry: &Entry, data: &Value) -> Parcel {
    Parcel {
        key: entry.key.clone(),
        kind: entry.kind,
        codec: entry.policy.codec(),
        public: entry.policy.plain.public,
        data: data.clone(),
        at: entry.state.updated_at,
        invalidated: entry.state.invalidated,
    }
}
