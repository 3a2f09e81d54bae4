//! Where an entry is found: by its key, and by what its key begins with.

use std::collections::HashMap;

use hashbrown::HashTable;

use crate::entry::{Entry, Kind};
use crate::key::{HashOfHash, QueryKey};
use crate::slab::{Slab, Slot};

/// Finds entries by key in constant time, and all descendants of a prefix in a time that grows with their
/// number, however many others there are.
///
/// Both tables hold hashes and slots only; the keys are in the entries, and a hash is never believed.
#[derive(Default)]
pub(crate) struct Index {
    exact: HashTable<Slot>,
    /// For the hash of each prefix, the entries whose longer keys begin with it. An entry remembers where it
    /// stands in each of its lists, so that it leaves without a search.
    descendants: HashMap<u64, Vec<Slot>, HashOfHash>,
}

impl Index {
    /// The entry of this key and these types.
    pub fn find(&self, entries: &Slab<Entry>, key: &QueryKey, kind: Kind) -> Option<Slot> {
        let types = kind().types;
        self.exact
            .find(key.hash_value(), |slot| {
                entries.get(*slot).is_some_and(|entry| entry.key == *key && (entry.kind)().types == types)
            })
            .copied()
    }

    /// The entries of this key, whatever their types: seldom more than one.
    pub fn same_key(&self, entries: &Slab<Entry>, key: &QueryKey) -> Vec<Slot> {
        self.exact
            .iter_hash(key.hash_value())
            .copied()
            .filter(|slot| entries.get(*slot).is_some_and(|entry| entry.key == *key))
            .collect()
    }

    /// The entries whose keys are longer than the prefix and begin with it, and perhaps a few others.
    pub fn descendants(&self, prefix: &QueryKey) -> &[Slot] {
        self.descendants.get(&prefix.hash_value()).map_or(&[], Vec::as_slice)
    }

    /// Takes up an entry that is in the slab already.
    pub fn insert(&mut self, entries: &mut Slab<Entry>, slot: Slot) {
        let Some(entry) = entries.get_mut(slot) else { return };
        let mut places = Vec::new();
        for hash in entry.key.prefix_hashes() {
            let list = self.descendants.entry(hash).or_default();
            places.push(u32::try_from(list.len()).unwrap_or(u32::MAX));
            list.push(slot);
        }
        entry.places = places.into();
        let hash = entry.key.hash_value();
        self.exact
            .insert_unique(hash, slot, |slot| entries.get(*slot).map_or(0, |entry| entry.key.hash_value()));
    }

    /// Lets go of an entry that was just taken out of the slab.
    pub fn remove(&mut self, entries: &mut Slab<Entry>, slot: Slot, entry: &Entry) {
        if let Ok(found) = self.exact.find_entry(entry.key.hash_value(), |held| *held == slot) {
            found.remove();
        }
        for (depth, hash) in entry.key.prefix_hashes().enumerate() {
            let Some(list) = self.descendants.get_mut(&hash) else { continue };
            let told = entry.places.get(depth).map(|place| *place as usize);
            let place = told
                .filter(|place| list.get(*place) == Some(&slot))
                // Only where two prefixes share a hash.
                .or_else(|| list.iter().position(|held| *held == slot));
            let Some(place) = place else { continue };
            list.swap_remove(place);
            if let Some(moved) = list.get(place)
                && let Some(moved) = entries.get_mut(*moved)
                && let Some(told) = moved.places.get_mut(depth)
            {
                *told = u32::try_from(place).unwrap_or(u32::MAX);
            }
            if list.is_empty() {
                self.descendants.remove(&hash);
            }
        }
    }
}
