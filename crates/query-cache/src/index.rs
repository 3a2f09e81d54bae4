//! Where an entry is found: by its key, and by what its key begins with.

use crate::entry::{Entry, Kind, same_types};
use crate::key::QueryKey;
use crate::slab::{Slab, Slot};

/// Finds entries by key in constant time, and all descendants of a prefix in a time that grows with their
/// number, however many others there are.
///
/// Both tables hold hashes and slots only; the keys are in the entries, and a hash is never believed.
#[derive(Default)]
pub(crate) struct Index {
    exact: Table,
    /// For the hash of each prefix, the entries whose longer keys begin with it.
    descendants: Table,
}

impl Index {
    /// The entry of this key and these types.
    pub fn find(&self, entries: &Slab<Entry>, key: &QueryKey, kind: Kind) -> Option<Slot> {
        self.exact.find(key.hash_value()).find(|slot| {
            entries.get(*slot).is_some_and(|entry| entry.key == *key && same_types(entry.kind, kind))
        })
    }

    /// The entries of this key, whatever their types: seldom more than one.
    pub fn same_key(&self, entries: &Slab<Entry>, key: &QueryKey) -> Vec<Slot> {
        self.exact
            .find(key.hash_value())
            .filter(|slot| entries.get(*slot).is_some_and(|entry| entry.key == *key))
            .collect()
    }

    /// The entries whose keys are longer than the prefix and begin with it, and perhaps a few others.
    pub fn descendants(&self, prefix: &QueryKey) -> impl Iterator<Item = Slot> {
        self.descendants.find(prefix.hash_value())
    }

    /// Takes up an entry that is in the slab already, and tells it where it stands.
    pub fn insert(&mut self, entries: &mut Slab<Entry>, slot: Slot) {
        let Some(entry) = entries.get_mut(slot) else { return };
        let mut places = vec![self.exact.insert(entry.key.hash_value(), slot)];
        for hash in entry.key.prefix_hashes() {
            places.push(self.descendants.insert(hash, slot));
        }
        entry.places = places.into();
    }

    /// Lets go of an entry, without a search: it knows where it stands.
    pub fn remove(&mut self, entry: &Entry) {
        let Some((exact, descendants)) = entry.places.split_first() else { return };
        self.exact.remove(*exact);
        for place in descendants {
            self.descendants.remove(*place);
        }
    }
}

/// No place.
const NONE: u32 = u32::MAX;

/// Slots by hash, any number of them for each. One list per bucket, doubly linked, so that each of a prefix's
/// ten thousand descendants leaves in constant time. Not a map of `std`'s: two of those are a tenth of what
/// this crate weighs in a page.
#[derive(Default)]
struct Table {
    /// The first node of each bucket's list; as many as a power of two.
    buckets: Vec<u32>,
    nodes: Vec<Node>,
    /// The first of the nodes that are free, which are linked by `next`.
    free: Option<u32>,
    len: usize,
}

#[derive(Clone, Copy)]
struct Node {
    /// The lower half of it: what it leads to is compared anyway.
    hash: u32,
    slot: Slot,
    before: u32,
    next: u32,
}

impl Table {
    fn bucket(&self, hash: u32) -> usize {
        hash as usize & self.buckets.len().wrapping_sub(1)
    }

    fn node(&mut self, place: u32) -> Option<&mut Node> {
        self.nodes.get_mut(place as usize)
    }

    fn find(&self, hash: u64) -> impl Iterator<Item = Slot> {
        let hash = hash as u32;
        let mut place = self.buckets.get(self.bucket(hash)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            loop {
                let node = self.nodes.get(place as usize)?;
                place = node.next;
                if node.hash == hash {
                    return Some(node.slot);
                }
            }
        })
    }

    /// Says where it stands: there for as long as it is in here.
    fn insert(&mut self, hash: u64, slot: Slot) -> u32 {
        self.len += 1;
        if self.len > self.buckets.len() {
            self.grow();
        }
        let node = Node { hash: hash as u32, slot, before: NONE, next: NONE };
        let place = match self.free {
            Some(place) => {
                let free = self.node(place).map(|free| std::mem::replace(free, node));
                self.free = free.map(|free| free.next).filter(|next| *next != NONE);
                place
            }
            None => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len() - 1).unwrap_or(NONE)
            }
        };
        self.link(place);
        place
    }

    fn link(&mut self, place: u32) {
        let Some(hash) = self.node(place).map(|node| node.hash) else { return };
        let bucket = self.bucket(hash);
        let Some(first) = self.buckets.get_mut(bucket) else { return };
        let next = std::mem::replace(first, place);
        if let Some(node) = self.node(place) {
            (node.before, node.next) = (NONE, next);
        }
        if let Some(next) = self.node(next) {
            next.before = place;
        }
    }

    fn remove(&mut self, place: u32) {
        let free = self.free.unwrap_or(NONE);
        let Some(node) = self.node(place) else { return };
        let Node { hash, before, next, .. } = std::mem::replace(node, Node { next: free, ..*node });
        if let Some(next) = self.node(next) {
            next.before = before;
        }
        let bucket = self.bucket(hash);
        match self.node(before) {
            Some(before) => before.next = next,
            None => self.buckets.get_mut(bucket).into_iter().for_each(|first| *first = next),
        }
        self.free = Some(place);
        self.len -= 1;
    }

    /// Twice as many buckets. Called when all nodes are in use.
    fn grow(&mut self) {
        let count = (self.buckets.len() * 2).max(8);
        self.buckets = vec![NONE; count];
        let nodes = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        (0..nodes).for_each(|place| self.link(place));
    }
}
