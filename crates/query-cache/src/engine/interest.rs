//! Who watches what. The last to let go of an entry calls its fetch off.

use std::rc::Rc;

use super::{Effects, Engine, Garbage, Listener, Observer, ObserverSlot};
use crate::entry::EntryId;
use crate::environment::Timestamp;
use crate::options::Policy;
use crate::query::DynQuery;
use crate::state::Parts;

impl Engine {
    pub fn observe(
        &mut self,
        id: &EntryId,
        query: &Rc<dyn DynQuery>,
        policy: Policy,
        listener: &Listener,
        now: Timestamp,
        fx: &mut Effects,
    ) -> ObserverSlot {
        let slot = self.entry(id, policy, now);
        let mut observer = Observer {
            entry: slot,
            position: 0,
            interest: Parts::STATE,
            listener: listener.clone(),
            noticed: false,
        };
        let wanted = match self.entries.get_mut(slot) {
            Some(entry) => {
                observer.position = entry.observers.len();
                entry.policy = policy;
                fx.garbage.extend(entry.query.replace(query.clone()).map(Garbage::Query));
                entry.fetch.is_none() && entry.is_stale(now)
            }
            None => false,
        };
        let observer = ObserverSlot(self.observers.insert(observer));
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.observers.push(observer);
        }
        if wanted {
            self.ask(slot, fx);
        }
        observer
    }

    /// The observer's query has changed, but not the entry it asks for.
    pub fn renew(
        &mut self,
        observer: ObserverSlot,
        query: &Rc<dyn DynQuery>,
        policy: Policy,
        fx: &mut Effects,
    ) {
        let Some(observer) = self.observers.get(observer.0) else { return };
        let Some(entry) = self.entries.get_mut(observer.entry) else { return };
        entry.policy = policy;
        fx.garbage.extend(entry.query.replace(query.clone()).map(Garbage::Query));
    }

    pub fn add_interest(&mut self, observer: ObserverSlot, parts: Parts) {
        if let Some(observer) = self.observers.get_mut(observer.0) {
            observer.interest = observer.interest | parts;
        }
    }

    pub fn unobserve(&mut self, observer: ObserverSlot, now: Timestamp, fx: &mut Effects) {
        let Some(observer) = self.observers.remove(observer.0) else { return };
        let Observer { entry: slot, position, listener, .. } = observer;
        fx.garbage.push(Garbage::Listener(listener));
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if position < entry.observers.len() {
            entry.observers.swap_remove(position);
        }
        let moved = entry.observers.get(position).copied();
        if entry.observers.is_empty() {
            entry.gc_at = entry.policy.gc.from(now);
            self.cancel(slot, fx);
            self.arm(slot);
        } else if let Some(moved) = moved.and_then(|moved| self.observers.get_mut(moved.0)) {
            moved.position = position;
        }
    }
}
