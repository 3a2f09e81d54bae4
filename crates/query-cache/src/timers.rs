//! Deadlines, at most one per entry that counts, and the one alarm behind them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::environment::Timestamp;
use crate::slab::Slot;

#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, Slot)>>,
    /// What the environment was last asked for.
    alarm: Option<Timestamp>,
}

impl Timers {
    /// Looks at this entry then. An entry whose deadline moves to later is left where it is: it is looked at
    /// too early, and put back.
    pub fn push(&mut self, at: Timestamp, slot: Slot) {
        self.heap.push(Reverse((at, slot)));
    }

    /// The alarm rang, or may have: it has to be set anew.
    pub fn rang(&mut self) {
        self.alarm = None;
    }

    /// An entry to look at.
    pub fn pop(&mut self, now: Timestamp) -> Option<Slot> {
        match self.heap.peek() {
            Some(Reverse((at, _))) if *at <= now => self.heap.pop().map(|Reverse((_, slot))| slot),
            _ => None,
        }
    }

    /// The alarm to set, if it has to ring earlier than the one that is.
    pub fn next(&mut self) -> Option<Timestamp> {
        let Reverse((at, _)) = self.heap.peek()?;
        if self.alarm.is_some_and(|alarm| alarm <= *at) {
            return None;
        }
        self.alarm = Some(*at);
        self.alarm
    }
}
