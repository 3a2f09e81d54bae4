//! Intervals. Named by options that ask for one, and by nothing else: an app without is not to carry this.

use std::time::Duration;

use super::{Effects, Engine};
use crate::entry::FetchCause;
use crate::environment::Timestamp;
use crate::slab::Slot;

/// Why somebody sees to the intervals of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// One of them may be over.
    Due,
    /// There is something newer: all begin anew.
    Anew,
    /// Who watches has changed.
    Plan,
}

impl Engine {
    /// Has the intervals of an entry seen to, if any query has some.
    pub(super) fn poll(&mut self, slot: Slot, now: Timestamp, why: Poll, fx: &mut Effects) {
        if let Some(poller) = self.poller {
            poller(self, slot, now, why, fx);
        }
    }

    /// Finds out when the next interval is over; those that `anew` says yes to begin now.
    fn plan_poll(&mut self, slot: Slot, now: Timestamp, anew: impl Fn(Timestamp, Duration) -> bool) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.poll_at = Timestamp::MAX;
        for name in &entry.observers {
            let Some(observer) = self.observers.get_mut(name.0) else { continue };
            let Some(interval) = observer.policy.interval() else { continue };
            if observer.policy.plain.enabled {
                if anew(observer.since, interval.every) {
                    observer.since = now;
                }
                entry.poll_at = entry.poll_at.min(observer.since.after(interval.every));
            }
        }
    }
}

pub(crate) fn see_to_intervals(engine: &mut Engine, slot: Slot, now: Timestamp, why: Poll, fx: &mut Effects) {
    let over = |since: Timestamp, every| since.after(every) <= now;
    match why {
        Poll::Plan => engine.plan_poll(slot, now, |_, _| false),
        Poll::Anew => engine.plan_poll(slot, now, |_, _| true),
        Poll::Due => {
            let Some(entry) = engine.entries.get(slot) else { return };
            let hidden = engine.is_hidden(entry);
            let mut watching = entry.observers.iter().filter_map(|name| engine.observers.get(name.0));
            let wanted = watching.any(|observer| {
                let plain = &observer.policy.plain;
                let seen = engine.focused || plain.in_background;
                let interval = observer.policy.interval();
                seen && plain.enabled && interval.is_some_and(|interval| over(observer.since, interval.every))
            });
            if wanted && !hidden {
                engine.ask(slot, FetchCause::Interval, now, fx);
            }
            // Only those whose turn it was: one that is never seen must not keep the others waiting.
            engine.plan_poll(slot, now, over);
        }
    }
}
