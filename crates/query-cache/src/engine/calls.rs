//! Calls that wait for a verdict. Waiting is interest: the last to let go calls the fetch off.

use std::task::Waker;

use super::{Asked, Effects, Engine, Garbage, ObserverSlot, Verdict, Waiter, WaiterSlot};
use crate::entry::{FetchCause, is_stale};
use crate::environment::Timestamp;
use crate::error::QueryError;
use crate::key::QueryKey;
use crate::slab::Slot;

impl Engine {
    /// Waits for data that is fresh by the options of this call: what is there, or what a fetch brings.
    pub fn call(&mut self, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) -> WaiterSlot {
        let slot = self.prepare_call(asked, now, fx);
        let fresh = self.entries.get(slot).and_then(|entry| {
            let fresh = !self.is_hidden(entry) && !is_stale(&entry.state, asked.policy.plain.stale, now);
            entry.data().filter(|_| fresh).cloned()
        });
        if let Some(data) = fresh {
            self.arm(slot, now);
            let scope = self.scope_of(slot);
            return WaiterSlot(self.waiters.insert(Waiter {
                verdict: Some(Ok(data)),
                scope,
                ..Waiter::default()
            }));
        }
        self.wait(slot, now, fx)
    }

    /// Fetches what is not fresh, for nobody in particular.
    pub fn prefetch(&mut self, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) {
        let slot = self.prepare_call(asked, now, fx);
        let fresh = self
            .entries
            .get(slot)
            .is_some_and(|entry| !is_stale(&entry.state, asked.policy.plain.stale, now));
        if !fresh {
            self.ask(slot, FetchCause::Asked, now, fx);
            self.detach_fetch(slot);
        }
        self.arm(slot, now);
    }

    /// A call's options are its own where others watch.
    pub(super) fn prepare_call(&mut self, asked: &Asked<'_>, now: Timestamp, fx: &mut Effects) -> Slot {
        match self.find(asked.key, asked.kind).and_then(|slot| Some((slot, self.entries.get(slot)?))) {
            Some((slot, entry)) if !entry.observers.is_empty() && entry.query.is_some() => slot,
            _ => self.prepare(asked, now, fx),
        }
    }

    /// Fetches again, and waits for that.
    pub fn refetch_and_wait(&mut self, name: ObserverSlot, now: Timestamp, fx: &mut Effects) -> WaiterSlot {
        let Some(slot) = self.observers.get(name.0).map(|observer| observer.entry) else {
            return WaiterSlot(self.waiters.insert(Waiter::default()));
        };
        self.hurry(slot, FetchCause::Asked, now, fx);
        self.wait(slot, now, fx)
    }

    /// Waits for the fetch that is under way or due. `None` where there is none.
    pub fn wait_for_fetch(
        &mut self,
        slot: Slot,
        now: Timestamp,
        fx: &mut Effects,
    ) -> Option<(QueryKey, WaiterSlot)> {
        let entry = self.entries.get(slot)?;
        let due = entry.due && self.is_active(entry);
        let key = entry.key.clone();
        (due || entry.fetch.is_some()).then(|| (key, self.wait(slot, now, fx)))
    }

    pub(super) fn wait(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) -> WaiterSlot {
        if self.entries.get(slot).is_some_and(|entry| entry.runs_behind()) {
            // What is under way may miss what the caller knows of.
            self.restart(slot, now, fx);
        }
        self.ask(slot, FetchCause::Asked, now, fx);
        let scope = self.scope_of(slot);
        let waiter =
            WaiterSlot(self.waiters.insert(Waiter { entry: Some(slot), scope, ..Waiter::default() }));
        if let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.as_mut()) {
            fetch.waiters.push(waiter);
        }
        waiter
    }

    /// The verdict, if there is one; else the waker is kept, and is no longer the caller's.
    pub fn poll_call(
        &mut self,
        waiter: WaiterSlot,
        waker: &mut Option<Waker>,
        fx: &mut Effects,
    ) -> Option<Verdict> {
        let waiter = self.waiters.get_mut(waiter.0)?;
        let over = waiter.scope.is_some_and(|scope| scope != self.scope);
        let held = waiter.scope.is_some() && self.held && !over;
        if let Some(verdict) = waiter.verdict.take_if(|_| !held) {
            if over {
                // It came while its scope was open, and was not picked up by then.
                fx.garbage.push(Garbage::Verdict(verdict));
                return Some(Err(QueryError::Cancelled));
            }
            return Some(verdict);
        }
        fx.garbage.extend(std::mem::replace(&mut waiter.waker, waker.take()).map(Garbage::Waker));
        None
    }

    /// Wakes those whose verdict is there: the scope is no longer held.
    pub(super) fn wake_calls(&mut self, fx: &mut Effects) {
        for name in self.waiters.names() {
            if let Some(waiter) = self.waiters.get_mut(name).filter(|waiter| waiter.verdict.is_some()) {
                fx.wakers.extend(waiter.waker.take());
            }
        }
    }

    /// The scope that what is in the entry belongs to, if it belongs to one.
    fn scope_of(&self, slot: Slot) -> Option<u32> {
        self.entries.get(slot).filter(|entry| !entry.policy.plain.public).map(|_| self.scope)
    }

    /// Whether there is anything to wait for.
    pub fn is_hopeless(&self, waiter: WaiterSlot) -> bool {
        self.waiters.get(waiter.0).is_none_or(|waiter| waiter.entry.is_none() && waiter.verdict.is_none())
    }

    pub fn hang_up(&mut self, waiter: WaiterSlot, fx: &mut Effects) {
        let Some(Waiter { entry, verdict, waker, .. }) = self.waiters.remove(waiter.0) else { return };
        fx.garbage.extend(verdict.map(Garbage::Verdict));
        fx.garbage.extend(waker.map(Garbage::Waker));
        let Some(slot) = entry else { return };
        if let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.as_mut()) {
            fetch.waiters.retain(|held| *held != waiter);
        }
        self.let_go(slot, fx);
    }

    pub(super) fn detach_fetch(&mut self, slot: Slot) {
        if let Some(fetch) = self.entries.get_mut(slot).and_then(|entry| entry.fetch.as_mut()) {
            fetch.detached = true;
        }
    }
}
