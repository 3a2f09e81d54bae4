//! What comes from outside: the network, the focus, the alarm.

use super::{Effects, Engine, Poll};
use crate::entry::{Entry, Fetch, FetchCause, Phase};
use crate::environment::Timestamp;
use crate::options::{NetworkMode, Refetch};
use crate::policy::Plain;
use crate::slab::Slot;
use crate::state::Parts;

impl Engine {
    /// Says whether the network is back.
    pub fn set_online(&mut self, online: bool) -> bool {
        !std::mem::replace(&mut self.online, online) && online
    }

    /// What waited for the network goes on, and what is watched is fetched again. Nothing, if the network has gone
    /// again meanwhile.
    pub fn network_is_back(&mut self, now: Timestamp, fx: &mut Effects) {
        let reason = |plain: &Plain| match plain.network {
            NetworkMode::Always => Refetch::No,
            NetworkMode::Online | NetworkMode::OfflineFirst => plain.on_reconnect,
        };
        if self.online {
            self.world_is_back(FetchCause::Reconnect, reason, now, fx);
        }
    }

    pub fn set_focused(&mut self, focused: bool, now: Timestamp, fx: &mut Effects) {
        let back = focused && !self.focused;
        self.focused = focused;
        if back {
            self.world_is_back(FetchCause::Focus, |plain| plain.on_focus, now, fx);
        }
    }

    pub fn resume(&mut self, fx: &mut Effects) {
        self.focused = true;
        for slot in self.entries.names() {
            self.unblock(slot, fx);
        }
    }

    fn world_is_back(
        &mut self,
        cause: FetchCause,
        reason: fn(&Plain) -> Refetch,
        now: Timestamp,
        fx: &mut Effects,
    ) {
        for slot in self.entries.names() {
            self.unblock(slot, fx);
            let Some(entry) = self.entries.get(slot) else { continue };
            if entry.fetch.is_none() && !self.is_hidden(entry) && self.moves(entry, reason, now) {
                self.ask(slot, cause, now, fx);
            }
        }
    }

    /// Whether one who watches takes this for a reason to fetch.
    pub(super) fn moves(&self, entry: &Entry, reason: fn(&Plain) -> Refetch, now: Timestamp) -> bool {
        entry.observers.iter(&self.observers).any(|(_, observer)| {
            observer.policy.plain.enabled && entry.moved_by(reason(&observer.policy.plain), now)
        })
    }

    pub(super) fn unblock(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        if matches!(entry.fetch.as_deref(), Some(Fetch { phase: Phase::Blocked, .. })) {
            self.attempt(slot, fx);
        }
    }

    /// Has the alarm ring then, for what is no entry.
    pub fn ring_at(&mut self, at: Timestamp) {
        self.timers.push(at, Slot::NONE);
    }

    pub fn alarm(&mut self, now: Timestamp, fx: &mut Effects) {
        self.timers.rang();
        while let Some(slot) = self.timers.pop(now) {
            let held = self.held;
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            entry.armed = Timestamp::MAX;
            if matches!(entry.fetch.as_deref(), Some(Fetch { phase: Phase::Waiting(until), .. }) if *until <= now)
            {
                self.attempt(slot, fx);
            } else if entry.observers.is_empty() && entry.fetch.is_none() && entry.gc_at <= now {
                // A held scope throws nothing away; restoring it looks again.
                if !held || entry.policy.plain.public {
                    self.discard(slot, fx);
                }
                continue;
            }
            if self.entries.get(slot).is_some_and(|entry| entry.poll_at <= now) {
                self.poll(slot, now, Poll::Due, fx);
            }
            if let Some(entry) = self.entries.get_mut(slot)
                && entry.tells_stale
                && entry.is_stale(now)
                && !std::mem::replace(&mut entry.stale_told, true)
            {
                self.notice_entry(slot, Parts::STALE, fx);
            }
            self.arm(slot, now);
        }
    }
}
