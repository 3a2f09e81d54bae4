//! One write: what it changes, and what becomes of that where there is no room.

use std::rc::Rc;

use super::index::{self, DATA, Known, META};
use super::{Change, Persistence, StorageError, StorageFault, Stored};
use crate::client::WeakQueryClient;

/// An entry, as it is to be stored.
pub(super) struct Put {
    /// The rest of its name.
    pub rest: String,
    pub known: Known,
    pub text: String,
}

impl Put {
    pub fn is_public(&self) -> bool {
        self.rest.starts_with(&format!("{}/", index::scope_part(None)))
    }
}

/// What one write changes. Names are the rests of them.
pub(super) struct Batch {
    pub puts: Vec<Put>,
    pub outdated: Vec<String>,
    pub removed: Vec<String>,
    pub calls: Vec<Change>,
}

impl Batch {
    /// The scope has ended while it was being written.
    fn keep_public(&mut self) {
        self.puts.retain(Put::is_public);
        self.calls.clear();
    }
}

impl Persistence {
    /// The index knows of it from now on. What is over the budget is removed with it.
    pub(super) fn enter(&self, batch: &mut Batch) {
        let mut index = self.index.borrow_mut();
        for Put { rest, known, .. } in &batch.puts {
            if known.bytes > self.how.budget {
                index.remove(rest);
                batch.removed.push(rest.clone());
            } else {
                index.put(rest.clone(), known.clone());
            }
        }
        batch.removed.extend(index.shrink(self.how.budget));
    }

    /// The changes that it is made of, as far as the index still says so: what was removed or invalidated since it was
    /// begun is so.
    pub(super) fn changes(&self, batch: &Batch) -> Rc<[Change]> {
        let index = self.index.borrow();
        let gone = batch.removed.iter().filter(|rest| index.get(rest).is_none());
        let gone = gone.flat_map(|rest| self.remove(rest));
        let outdated = batch.outdated.iter().filter_map(|rest| Some(self.put_meta(rest, index.get(rest)?)));
        let puts = batch.puts.iter().filter_map(|Put { rest, known, text }| {
            let held = index.get(rest).filter(|held| held.at == known.at && held.bytes == known.bytes)?;
            let data = Stored { name: self.name(DATA, rest), text: text.clone() };
            Some([self.put_meta(rest, held), Change::Put(data)])
        });
        // First what makes room.
        gone.chain(batch.calls.iter().cloned()).chain(outdated).chain(puts.flatten()).collect()
    }

    fn put_meta(&self, rest: &str, known: &Known) -> Change {
        Change::Put(Stored { name: self.name(META, rest), text: known.to_text() })
    }

    fn remove(&self, rest: &str) -> [Change; 2] {
        [META, DATA].map(|kind| Change::Remove(self.name(kind, rest)))
    }

    /// There is less room than the budget: the older half goes, and what is new is tried once more.
    pub(super) async fn make_room(&self, scope: &WeakQueryClient, mut batch: Batch) {
        let removed = self.remove_older_half(&mut batch);
        let over = || scope.upgrade().is_none_or(|client| client.is_over());
        if over() {
            batch.keep_public();
        }
        match self.how.storage.write(removed).await {
            Ok(()) => batch.removed.clear(),
            // There is not even room to remove something: trying again would go on for ever.
            Err(StorageError::Full) => return self.fault(StorageFault::Full),
            Err(error) => return self.fault(StorageFault::Broken(error.to_string().into())),
        }
        if over() {
            batch.keep_public();
        }
        match self.how.storage.write(self.changes(&batch)).await {
            Ok(()) => {}
            Err(StorageError::Full) => {
                self.no_room(&batch);
                // They are small, cannot be fetched again, and were refused only for what they came with.
                self.write_calls(batch.calls).await;
            }
            Err(error) => self.fault(StorageFault::Broken(error.to_string().into())),
        }
    }

    async fn write_calls(&self, calls: Vec<Change>) {
        if calls.is_empty() {
            return;
        }
        match self.how.storage.write(calls.into()).await {
            Ok(()) | Err(StorageError::Full) => {}
            Err(error) => self.fault(StorageFault::Broken(error.to_string().into())),
        }
    }

    /// What is removed to make room: all that was to be removed anyway, too.
    fn remove_older_half(&self, batch: &mut Batch) -> Rc<[Change]> {
        let mut index = self.index.borrow_mut();
        batch.puts.retain(|put| index.remove(&put.rest).is_some());
        let half = index.bytes() / 2;
        batch.removed.extend(index.shrink(half));
        let gone = batch.removed.iter().filter(|rest| index.get(rest).is_none());
        // What was there of the new ones before is older than what is in the cache.
        let gone = gone.chain(batch.puts.iter().map(|put| &put.rest));
        let mut removed: Vec<Change> = gone.flat_map(|rest| self.remove(rest)).collect();
        removed.extend(batch.calls.iter().filter(|call| matches!(call, Change::Remove(_))).cloned());
        for put in &batch.puts {
            index.put(put.rest.clone(), put.known.clone());
        }
        removed.into()
    }

    /// It is not stored, and what it says is out of date is not to pass for what is not: that goes with the next write.
    fn no_room(&self, batch: &Batch) {
        let puts = batch.puts.iter().map(|put| &put.rest);
        let gone: Vec<String> = puts.chain(&batch.outdated).cloned().collect();
        let mut index = self.index.borrow_mut();
        gone.iter().for_each(|rest| drop(index.remove(rest)));
        drop(index);
        self.removed.borrow_mut().extend(gone);
        self.fault(StorageFault::Full);
    }
}
