//! What the simulation knows about each key without asking the cache: from what was called, and from what
//! the server saw.
//!
//! All moments are numbers of one clock that ticks with each write, each call and each fetch. Where the
//! simulation cannot know whether something took effect, it takes the side on which it complains less.

use std::time::Duration;

use query_cache::{Timestamp, seconds};

use super::keys::{KEYS, PUBLIC};

pub const MILLIS: Duration = Duration::from_millis(1);

/// No entry is thrown away sooner after the last one left.
pub const SHORTEST_GC: Duration = seconds(10);

#[derive(Clone, Default)]
pub struct Facts {
    /// The last write.
    pub written: u64,
    /// The last invalidation of an entry that was there.
    pub invalidated: u64,
    /// The last one that calls for a fetch, if that has not yet been answered.
    pub must: Option<u64>,
    /// The newest fetch that was answered with nothing written since it began.
    pub answered: u64,
    /// The newest fetch that failed for good, likewise.
    pub failed: u64,
    /// Nothing fetched before may be there: it was reset or removed, or the scope ended.
    pub floor: u64,
    /// The last thing done that is a reason to drop a fetch.
    pub shaken: u64,
    /// The last time it was called off; and whether nothing has been fetched since.
    pub called_off: u64,
    pub is_called_off: bool,
    /// How many of the simulation's observers watch it, and since when without a gap.
    pub watchers: u32,
    pub watched_since: u64,
    /// When the last of them left.
    pub left_at: Timestamp,
    /// A fetch may go on that nobody wants.
    pub detached: bool,
}

/// What is known of all keys.
#[derive(Default)]
pub struct Model(pub [Facts; KEYS]);

impl Model {
    pub fn watch(&mut self, key: usize, now: u64, time: Timestamp) {
        let facts = &mut self.0[key];
        if facts.watchers == 0 {
            facts.watched_since = now;
            if time.since(facts.left_at) >= SHORTEST_GC {
                // It may be another entry than the one that was invalidated.
                facts.must = None;
                facts.invalidated = 0;
            }
        }
        facts.watchers += 1;
    }

    pub fn unwatch(&mut self, key: usize, time: Timestamp) {
        let facts = &mut self.0[key];
        facts.watchers -= 1;
        facts.left_at = time;
    }

    pub fn call_off(&mut self, key: usize, now: u64) {
        let facts = &mut self.0[key];
        facts.must = None;
        facts.shaken = now;
        facts.called_off = now;
        facts.is_called_off = true;
    }

    /// Reset, removed, or of a scope that ended. `sure`: not merely perhaps.
    pub fn forget(&mut self, key: usize, now: u64, sure: bool) {
        let facts = &mut self.0[key];
        facts.must = None;
        facts.invalidated = 0;
        facts.shaken = now;
        facts.called_off = now;
        facts.is_called_off &= !sure;
        if sure {
            facts.floor = now;
        }
    }

    pub fn end_scope(&mut self, now: u64) {
        (0..KEYS).filter(|key| *key != PUBLIC).for_each(|key| self.forget(key, now, true));
    }
}
