//! What comes from outside: the network, the focus, the alarm.

use std::time::Duration;

use super::{Effects, Engine};
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
    fn moves(&self, entry: &Entry, reason: fn(&Plain) -> Refetch, now: Timestamp) -> bool {
        entry.observers.iter().filter_map(|name| self.observers.get(name.0)).any(|observer| {
            observer.policy.plain.enabled && entry.moved_by(reason(&observer.policy.plain), now)
        })
    }

    pub(super) fn unblock(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        if matches!(entry.fetch.as_deref(), Some(Fetch { phase: Phase::Blocked, .. })) {
            self.attempt(slot, fx);
        }
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
            self.poll(slot, now, fx);
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

    /// Fetches an entry whose interval is over.
    fn poll(&mut self, slot: Slot, now: Timestamp, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        if entry.poll_at > now {
            return;
        }
        let hidden = self.is_hidden(entry);
        let wanted = entry.observers.iter().filter_map(|name| self.observers.get(name.0)).any(|observer| {
            let plain = &observer.policy.plain;
            let seen = self.focused || plain.in_background;
            seen && plain.enabled && plain.interval.is_some_and(|every| observer.since.after(every) <= now)
        });
        if wanted && !hidden {
            self.ask(slot, FetchCause::Interval, now, fx);
        }
        // Only those whose turn it was: one that is never seen must not keep the others waiting.
        self.plan_poll(slot, now, |since, every| since.after(every) <= now);
    }

    /// All intervals begin anew.
    pub(super) fn restart_polls(&mut self, slot: Slot, now: Timestamp) {
        self.plan_poll(slot, now, |_, _| true);
    }

    /// Finds out when the next interval is over; those that `anew` says yes to begin now.
    pub(super) fn plan_poll(
        &mut self,
        slot: Slot,
        now: Timestamp,
        anew: impl Fn(Timestamp, Duration) -> bool,
    ) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.poll_at = Timestamp::MAX;
        for name in &entry.observers {
            let Some(observer) = self.observers.get_mut(name.0) else { continue };
            if let Some(every) = observer.policy.plain.interval.filter(|_| observer.policy.plain.enabled) {
                if anew(observer.since, every) {
                    observer.since = now;
                }
                entry.poll_at = entry.poll_at.min(observer.since.after(every));
            }
        }
    }
}
