//! Intervals. Named by options that ask for one, and by nothing else: an app without is not to carry this.

use super::{Effects, Engine};
use crate::entry::FetchCause;
use crate::environment::{Millis, Timestamp};
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
    fn plan_poll(&mut self, slot: Slot, now: Timestamp, anew: impl Fn(Timestamp, Millis) -> bool) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.poll_at = Timestamp::MAX;
        let poll_at = &mut entry.poll_at;
        entry.observers.each(&mut self.observers, |_, observer| {
            let enabled = observer.policy.plain.enabled;
            if let Some(interval) = observer.policy.interval().filter(|_| enabled) {
                if anew(observer.since, interval.every) {
                    observer.since = now;
                }
                *poll_at = observer.since.plus(interval.every).min(*poll_at);
            }
        });
    }
}

pub(crate) fn see_to_intervals(engine: &mut Engine, slot: Slot, now: Timestamp, why: Poll, fx: &mut Effects) {
    let over = |since: Timestamp, every: Millis| since.plus(every) <= now;
    match why {
        Poll::Plan => engine.plan_poll(slot, now, |_, _| false),
        Poll::Anew => engine.plan_poll(slot, now, |_, _| true),
        Poll::Due => {
            let Some(entry) = engine.entries.get(slot) else { return };
            let hidden = engine.is_hidden(entry);
            let wanted = entry.observers.iter(&engine.observers).any(|(_, observer)| {
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
