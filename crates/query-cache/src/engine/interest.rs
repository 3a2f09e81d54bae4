//! Who watches what. The last to let go of an entry calls its fetch off.

use std::any::Any;
use std::rc::Rc;

use super::watchers::Links;
use super::{Effects, Engine, Garbage, Landing, Listener, Observer, ObserverSlot, Poll, Value};
use crate::entry::{Entry, FetchCause, Kind};
use crate::environment::Timestamp;
use crate::events::Happening;
use crate::key::QueryKey;
use crate::policy::{Interval, Policy};
use crate::query::DynQuery;
use crate::slab::Slot;
use crate::state::{Action, Parts, Status};
use crate::view::Snapshot;

/// Data to begin with.
pub(crate) struct Initially {
    pub data: Value,
    /// What is to be seen of it.
    pub seen: Value,
    /// When it was fetched, if not now.
    pub at: Option<Timestamp>,
}

/// A query that somebody asks for, and what user code said about it before.
pub(crate) struct Asked<'a> {
    pub key: &'a QueryKey,
    pub kind: Kind,
    pub query: &'a Rc<dyn DynQuery>,
    pub policy: &'a Rc<Policy>,
    /// For the entry, if it has no data.
    pub initial: Option<&'a Initially>,
    /// For the observer, while the entry has no data.
    pub stand_in: Option<&'a Value>,
}

impl Engine {
    /// The entry of what is asked for, up to date with how it is to be fetched.
    pub(super) fn prepare(&mut self, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) -> Slot {
        let slot = self.entry(asked.key, asked.kind, asked.policy, now, fx);
        self.equip(slot, asked.query, asked.policy, fx);
        if let Some(initial) = asked.initial {
            self.initial(slot, initial, now, fx);
        }
        slot
    }

    fn equip(&mut self, slot: Slot, query: &Rc<dyn DynQuery>, policy: &Rc<Policy>, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        fx.garbage.extend(entry.query.replace(query.clone()).map(Garbage::Query));
        if !Rc::ptr_eq(&entry.policy, policy) {
            fx.garbage.push(Garbage::Policy(std::mem::replace(&mut entry.policy, policy.clone())));
        }
    }

    /// Data to begin with, where there is none.
    pub fn initial(&mut self, slot: Slot, initial: &Initially, now: Timestamp, fx: &mut Effects) {
        if self.entries.get(slot).is_some_and(|entry| entry.data().is_none()) {
            self.land(slot, Landing::Data(Some(&initial.data), None), fx);
            self.apply(slot, &Action::Initial { data: &initial.seen, at: initial.at.unwrap_or(now) }, fx);
            self.arm(slot, now);
        }
    }

    pub fn observe(
        &mut self,
        asked: &Asked<'_>,
        listener: &Listener,
        now: Timestamp,
        fx: &mut Effects,
    ) -> ObserverSlot {
        let slot = self.prepare(asked, now, fx);
        let name = ObserverSlot(self.observers.insert(Observer {
            entry: slot,
            links: Links::NONE,
            interest: Parts::STATE,
            noticed: false,
            results: 0,
            policy: asked.policy.clone(),
            listener: listener.clone(),
            stand_in: None,
            since: now,
        }));
        self.attach(name, slot, asked, now, fx);
        // What the fetch has changed is there before the caller can look.
        self.seen(name);
        name
    }

    /// The observer turns to another entry: takes up interest in that before it lets go of this one.
    pub fn turn(&mut self, name: ObserverSlot, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) {
        let Some(observer) = self.observers.get(name.0) else { return };
        let (left, links) = (observer.entry, observer.links);
        let plain = &asked.policy.plain;
        let previous = self.entries.get(left).filter(|entry| {
            // What is public outlives a scope, and would take what is not with it.
            plain.keep_previous && !self.is_hidden(entry) && (entry.policy.plain.public || !plain.public)
        });
        let previous = previous.and_then(|entry| entry.data().or(observer.stand_in.as_ref()).cloned());
        let slot = self.prepare(asked, now, fx);
        let asked = Asked { stand_in: previous.as_ref().or(asked.stand_in), ..*asked };
        // It is in one list at a time, should a key that changes its mind lead back to where it was.
        if left == slot {
            self.detach(left, links, now, fx);
            self.attach(name, slot, &asked, now, fx);
        } else {
            self.attach(name, slot, &asked, now, fx);
            self.detach(left, links, now, fx);
        }
        self.notice(name, fx);
        fx.garbage.extend(previous.map(Garbage::Value));
    }

    /// Enters an observer with an entry, and fetches it if that is a reason to.
    fn attach(
        &mut self,
        name: ObserverSlot,
        slot: Slot,
        asked: &Asked<'_>,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        let (Some(entry), Some(observer)) = (self.entries.get_mut(slot), self.observers.get_mut(name.0))
        else {
            return;
        };
        observer.entry = slot;
        observer.results = entry.state.results;
        observer.since = now;
        observer.noticed = false;
        let stand_in = asked.stand_in.filter(|_| entry.data().is_none()).cloned();
        fx.garbage.extend(std::mem::replace(&mut observer.stand_in, stand_in).map(Garbage::Value));
        if !Rc::ptr_eq(&observer.policy, asked.policy) {
            let before = std::mem::replace(&mut observer.policy, asked.policy.clone());
            fx.garbage.push(Garbage::Policy(before));
        }
        entry.tells_stale |= observer.interest.meets(Parts::STALE);
        if let Some(interval) = asked.policy.interval().filter(|_| asked.policy.plain.enabled) {
            entry.poll_at = entry.poll_at.min(now.plus(interval.every));
            self.poller = Some(interval.poller);
        }
        let first = entry.observers.is_empty();
        entry.observers.push(&mut self.observers, name);
        if first {
            self.open_feed(slot, fx);
            self.tell(slot, Happening::Watched, fx);
        }
        self.ask_on_mount(slot, asked.policy, now, fx);
        self.arm(slot, now);
    }

    fn ask_on_mount(&mut self, slot: Slot, policy: &Policy, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        let wanted = if entry.data().is_none() {
            policy.plain.retry_on_mount || entry.state.status != Status::Error
        } else {
            entry.moved_by(policy.plain.on_mount, now)
        };
        if wanted && policy.plain.enabled {
            self.ask(slot, FetchCause::Asked, now, fx);
        }
    }

    /// The observer's query has changed, but not the entry it asks for.
    pub fn renew(
        &mut self,
        name: ObserverSlot,
        query: &Rc<dyn DynQuery>,
        policy: &Rc<Policy>,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        let Some(observer) = self.observers.get_mut(name.0) else { return };
        let slot = observer.entry;
        let before = std::mem::replace(&mut observer.policy, policy.clone());
        let enabled = policy.plain.enabled && !before.plain.enabled;
        let interval = policy.interval();
        let every = |interval: &Interval| interval.every;
        let polls = interval.map(every) != before.interval().map(every) || enabled;
        if polls {
            observer.since = now;
        }
        fx.garbage.push_policy(before, policy);
        self.equip(slot, query, policy, fx);
        if polls {
            self.poller = interval.map(|interval| interval.poller).or(self.poller);
            self.poll(slot, now, Poll::Plan, fx);
        }
        if enabled && self.entries.get(slot).is_some_and(|entry| entry.is_stale(now)) {
            self.ask(slot, FetchCause::Asked, now, fx);
        }
        self.arm(slot, now);
    }

    pub fn unobserve(&mut self, name: ObserverSlot, now: Timestamp, fx: &mut Effects) {
        let Some(observer) = self.observers.remove(name.0) else { return };
        let Observer { entry, links, listener, policy, stand_in, .. } = observer;
        fx.garbage.push(Garbage::Listener(listener));
        fx.garbage.push(Garbage::Policy(policy));
        fx.garbage.extend(stand_in.map(Garbage::Value));
        self.detach(entry, links, now, fx);
    }

    /// Strikes an observer from an entry's list.
    fn detach(&mut self, slot: Slot, links: Links, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.observers.strike(&mut self.observers, links);
        if !entry.observers.is_empty() {
            return;
        }
        entry.gc_at = now.plus(entry.policy.plain.gc);
        entry.poll_at = Timestamp::MAX;
        entry.tells_stale = false;
        fx.garbage.extend(entry.take_feed().map(Garbage::Guard));
        self.let_go(slot, fx);
        self.arm(slot, now);
        self.tell(slot, Happening::Unwatched, fx);
    }

    /// What the observer sees at this moment.
    pub fn snapshot(&self, name: ObserverSlot, now: Timestamp) -> Snapshot {
        let observer = self.observers.get(name.0);
        let entry = observer.and_then(|observer| self.entries.get(observer.entry));
        let enabled = observer.is_some_and(|observer| observer.policy.plain.enabled);
        match (observer, entry.filter(|entry| !self.is_hidden(entry))) {
            (Some(observer), Some(entry)) => Snapshot {
                state: entry.state.clone(),
                stand_in: observer.stand_in.clone(),
                stale: enabled && entry.is_stale(now),
                enabled,
                fetched_since: entry.state.results != observer.results,
            },
            _ => Snapshot {
                state: self.nothing.clone(),
                stand_in: None,
                stale: enabled,
                enabled,
                fetched_since: false,
            },
        }
    }

    /// The observer has seen the state: whatever it was to be told is told.
    pub fn seen(&mut self, name: ObserverSlot) {
        if let Some(observer) = self.observers.get_mut(name.0) {
            observer.noticed = false;
        }
    }

    pub fn add_interest(&mut self, name: ObserverSlot, parts: Parts, now: Timestamp) {
        let Some(observer) = self.observers.get_mut(name.0) else { return };
        observer.interest = observer.interest | parts;
        let slot = observer.entry;
        if let Some(entry) = self.entries.get_mut(slot).filter(|_| parts.meets(Parts::STALE)) {
            entry.tells_stale = true;
            self.arm(slot, now);
        }
    }

    /// From now on only these parts, for somebody who has just begun to watch.
    pub fn set_interest(&mut self, name: ObserverSlot, parts: Parts) {
        if let Some(observer) = self.observers.get_mut(name.0) {
            observer.interest = parts;
        }
    }

    pub fn observed(&self, name: ObserverSlot) -> Option<(Slot, &Entry)> {
        let slot = self.observers.get(name.0)?.entry;
        Some((slot, self.entries.get(slot)?))
    }

    /// The answer is there: what stood in for it can go.
    pub(super) fn drop_stand_ins(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        entry.observers.each(&mut self.observers, |_, observer| {
            fx.garbage.extend(observer.stand_in.take().map(Garbage::Value));
        });
    }

    fn open_feed(&mut self, slot: Slot, fx: &mut Effects) {
        if let Some(open) = self.entries.get(slot).and_then(|entry| entry.policy.source()) {
            (open.now)(self, slot, fx);
        }
    }

    /// Opens the source of what is watched anew, for a new scope.
    pub(super) fn reopen_feed(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if let Some(feed) = entry.take_feed() {
            fx.garbage.push(Garbage::Guard(feed));
            self.open_feed(slot, fx);
        }
    }

    /// What feeds the entry, if anything does.
    pub fn feed(&mut self, slot: Slot) -> Option<&mut Box<dyn Any>> {
        self.entries.get_mut(slot)?.extra.as_mut()?.feed.as_mut()
    }

    pub fn set_feed(&mut self, slot: Slot, feed: Box<dyn Any>, fx: &mut Effects) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        fx.garbage.extend(entry.extra.get_or_insert_default().feed.replace(feed).map(Garbage::Guard));
    }
}
