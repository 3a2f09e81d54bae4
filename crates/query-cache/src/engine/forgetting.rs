//! Writing, invalidating and forgetting.

use std::rc::Rc;

use super::{Effects, Engine, Garbage, Landing, Poll, Value};
use crate::entry::{Entry, FetchCause, Kind};
use crate::environment::Timestamp;
use crate::events::Happening;
use crate::key::QueryKey;
use crate::policy::{Fresh, Initial, Policy};
use crate::slab::Slot;
use crate::state::{Action, State};

/// What is fetched at once of what is invalidated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// What somebody watches.
    #[default]
    FetchActive,
    /// What nobody watches.
    FetchInactive,
    /// Both.
    FetchAll,
    /// Nothing: it is fetched when somebody asks for it.
    Nothing,
}

impl Engine {
    pub fn entry_for_write(
        &mut self,
        key: &QueryKey,
        kind: Kind,
        policy: &Rc<Policy>,
        now: Timestamp,
        fx: &mut Effects,
    ) -> Slot {
        self.entry(key, kind, policy, now, fx)
    }

    /// Writes data, of which this is to be seen.
    pub fn write(
        &mut self,
        slot: Slot,
        data: &Value,
        seen: &Value,
        at: Timestamp,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        self.land(slot, Landing::Data(Some(data), None), fx);
        let data = seen;
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.writes = entry.writes.wrapping_add(1);
        if entry.observers.is_empty() {
            entry.gc_at = now.plus(entry.policy.plain.gc);
        }
        self.apply(slot, &Action::Write { data, at }, fx);
        self.tell(slot, Happening::Written, fx);
        if self.entries.get(slot).is_some_and(|entry| !entry.state.invalidated && !entry.is_running()) {
            // Nothing newer is wanted: no need to send another attempt.
            self.revert(slot, fx);
        }
        self.drop_stand_ins(slot, fx);
        self.poll(slot, now, Poll::Anew, fx);
        self.arm(slot, now);
    }

    /// Tells two moments of an entry apart. `None`: there is no entry.
    pub fn version(&self, slot: Option<Slot>) -> Option<(Slot, u32, *const State)> {
        let slot = slot?;
        self.entries.get(slot).map(|entry| (slot, entry.writes, Rc::as_ptr(&entry.state)))
    }

    /// A source of data says that it failed.
    pub fn push_error(
        &mut self,
        key: &QueryKey,
        kind: Kind,
        policy: &Rc<Policy>,
        error: &Value,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        let slot = self.entry(key, kind, policy, now, fx);
        // No write: an answer that is still to come is better than none.
        self.apply(slot, &Action::PushedError { error, at: now }, fx);
        self.tell(slot, Happening::FetchFailed { error: error.clone() }, fx);
        self.poll(slot, now, Poll::Anew, fx);
        self.arm(slot, now);
    }

    pub fn invalidate(&mut self, slot: Slot, then: Then, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.invalidations = entry.invalidations.wrapping_add(1);
        let told = entry.state.invalidated;
        let unwatched = entry.observers.is_empty();
        if !told {
            self.apply(slot, &Action::Invalidate, fx);
            self.tell(slot, Happening::Invalidated, fx);
        }
        match then {
            Then::FetchActive => self.make_due(slot, now, fx),
            Then::FetchInactive if unwatched => self.refetch(slot, now, fx),
            Then::FetchAll if unwatched => self.refetch(slot, now, fx),
            Then::FetchAll => self.make_due(slot, now, fx),
            Then::FetchInactive | Then::Nothing => {}
        }
    }

    /// Fetches again, fresh or not, unless it is static or all who watch are disabled.
    pub fn refetch(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        let fixed = entry.policy.plain.stale == Fresh::ALWAYS && entry.data().is_some();
        let unwatched = entry.observers.is_empty();
        if fixed || !(unwatched || self.is_active(entry)) {
            return;
        }
        if entry.runs_behind() {
            self.restart(slot, now, fx);
        }
        self.hurry(slot, FetchCause::Asked, now, fx);
        if unwatched {
            self.detach_fetch(slot);
        }
    }

    /// Fetches again because one who watches asks, whatever the options.
    pub fn refetch_observed(&mut self, observer: super::ObserverSlot, now: Timestamp, fx: &mut Effects) {
        if let Some(slot) = self.observers.get(observer.0).map(|observer| observer.entry) {
            self.hurry(slot, FetchCause::Asked, now, fx);
        }
    }

    /// Calls a fetch off: as if it had never been, or as a failure.
    pub fn cancel(&mut self, slot: Slot, reverts: bool, now: Timestamp, fx: &mut Effects) {
        if self.entries.get(slot).is_none_or(|entry| entry.fetch.is_none()) {
            return; // Nothing is over, so nothing begins to count anew.
        }
        if reverts {
            self.revert(slot, fx);
        } else {
            self.call_off(slot, now, fx);
        }
        self.settled(slot, now, fx);
    }

    /// Back to the beginning; fetched anew for those who watch. What they begin with is to be asked for.
    pub fn reset(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) -> Option<Initial> {
        let active = self.is_active(self.entries.get(slot)?);
        self.abandon(slot, fx);
        let entry = self.entries.get_mut(slot)?;
        entry.invalidations = entry.invalidations.wrapping_add(1);
        entry.writes = entry.writes.wrapping_add(1);
        // What became due while the scope was held is no longer on the list.
        entry.due = false;
        let initial = entry.policy.initial().cloned();
        let mut shown = Vec::new();
        entry.observers.each(&mut self.observers, |name, observer| {
            if let Some(stand_in) = observer.stand_in.take() {
                fx.garbage.push(Garbage::Value(stand_in));
                shown.push(name);
            }
        });
        shown.into_iter().for_each(|name| self.notice(name, fx));
        self.land(slot, Landing::Data(None, None), fx);
        self.apply(slot, &Action::Reset { awaited: active }, fx);
        self.settled(slot, now, fx);
        self.make_due(slot, now, fx);
        initial
    }

    /// Forgets an entry. Whoever watches it sees it as it was before it was first fetched.
    pub fn remove(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) -> Option<Initial> {
        if self.entries.get(slot).is_some_and(|entry| entry.observers.is_empty()) {
            self.abandon(slot, fx);
            self.discard(slot, fx);
            return None;
        }
        self.reset(slot, now, fx)
    }

    pub(super) fn discard(&mut self, slot: Slot, fx: &mut Effects) {
        self.tell(slot, Happening::Removed, fx);
        let Some(mut entry) = self.entries.remove(slot) else { return };
        self.index.remove(&entry);
        fx.garbage.extend(entry.take_feed().map(Garbage::Guard));
        fx.garbage.push(Garbage::Entry(Box::new(entry)));
    }

    /// Whether somebody who watches is enabled.
    pub(super) fn is_active(&self, entry: &Entry) -> bool {
        entry.observers.iter(&self.observers).any(|(_, observer)| observer.policy.plain.enabled)
    }
}
