//! Which entries a filter means.

use super::Engine;
use crate::entry::Entry;
use crate::environment::Timestamp;
use crate::filter::{Activity, QueryFilter, QueryInfo, Wanted};
use crate::slab::Slot;

impl Engine {
    /// The entries that the filter means, as far as that can be said without calling its predicate.
    pub fn matching(&self, filter: &QueryFilter, now: Timestamp) -> Vec<Slot> {
        let candidates = match &filter.wanted {
            Wanted::All => self.entries.names(),
            Wanted::One(key, kind) => self.find(key, *kind).into_iter().collect(),
            Wanted::Key(key) => self.index.same_key(&self.entries, key),
            Wanted::Prefix { prefix, searched } => {
                let mut found = self.index.same_key(&self.entries, searched);
                if searched.segments().is_empty() {
                    found = self.entries.names();
                } else {
                    found.extend(self.index.descendants(searched));
                }
                found.retain(|slot| self.entries.get(*slot).is_some_and(|entry| contains(entry, prefix)));
                found
            }
        };
        if filter.is_by_key() {
            return candidates;
        }
        candidates
            .into_iter()
            .filter(|slot| self.entries.get(*slot).is_some_and(|entry| self.suits(entry, filter, now)))
            .collect()
    }

    fn suits(&self, entry: &Entry, filter: &QueryFilter, now: Timestamp) -> bool {
        filter.query.is_none_or(|query| (entry.kind)().query == query().query)
            && filter.stale.is_none_or(|stale| stale == self.is_stale_for_watchers(entry, now))
            && filter.fetch_status.is_none_or(|status| status == entry.state.activity)
            && match filter.activity {
                Activity::Any => true,
                Activity::Active => self.is_active(entry),
                Activity::Inactive => !self.is_active(entry),
            }
    }

    /// Whoever is disabled needs nothing newer, so what only they watch is not stale.
    fn is_stale_for_watchers(&self, entry: &Entry, now: Timestamp) -> bool {
        entry.is_stale(now) && (entry.observers.is_empty() || self.is_active(entry))
    }

    /// What a predicate is shown of an entry.
    pub fn info(&self, slot: Slot, now: Timestamp) -> Option<QueryInfo> {
        let entry = self.entries.get(slot)?;
        Some(QueryInfo {
            key: entry.key.clone(),
            snapshot: self.peek(slot, now)?,
            observers: entry.observers.len(),
            active: self.is_active(entry),
            meta: entry.policy.meta().cloned(),
            name: (entry.kind)().name,
        })
    }
}

fn contains(entry: &Entry, prefix: &crate::key::QueryKey) -> bool {
    let held = entry.key.segments();
    let wanted = prefix.segments();
    held.len() >= wanted.len() && held.iter().zip(wanted).all(|(held, wanted)| held.contains(wanted))
}
