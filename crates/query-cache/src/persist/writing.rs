//! Onto the storage: what has changed, one write at a time.

use std::rc::Rc;

use super::batch::{Batch, Put};
use super::index::{self, CALLS, DATA, Known, META};
use super::{Persistence, StorageError, StorageFault};
use crate::client::{QueryClient, WeakQueryClient};
use crate::events::{CacheEvent, Happening};
use crate::filter::QueryFilter;
use crate::hydrate::Packed;
use crate::key::QueryKey;

impl Persistence {
    /// What arrives, from wherever, is written or invalidated is to be stored.
    pub(super) fn hear(self: &Rc<Self>, client: &QueryClient, event: &CacheEvent) {
        let changed = match event.happening {
            Happening::Fetched { .. } | Happening::Written | Happening::Invalidated => true,
            Happening::Restored => !self.has_all_of(client, &event.key),
            _ => false,
        };
        if changed && !self.off.get() {
            self.dirty.borrow_mut().insert(event.key.clone());
            self.write_soon(client);
        }
    }

    /// Whether what is in the cache of this key came from here, or is here already.
    fn has_all_of(&self, client: &QueryClient, key: &QueryKey) -> bool {
        let slots = client.read(|engine| engine.same_key(key));
        slots.into_iter().all(|slot| {
            let Some(parcel) = client.read(|engine| engine.parcel(slot)) else { return false };
            let scope = client.scope_name().filter(|_| !parcel.public);
            let rest = index::rest(scope.as_ref().map(|name| name.as_str()), &self.how.build, key);
            let index = self.index.borrow();
            let known = rest.as_ref().and_then(|rest| index.get(rest));
            known.is_some_and(|known| known.at == parcel.at && known.invalidated == parcel.invalidated)
        })
    }

    /// Another tab has stored this, if it stores at all: what is invalidated or removed here is so there, too. An index
    /// that says too much is found out when the entry is looked for.
    pub(super) fn note(&self, client: &QueryClient, key: &QueryKey, entry: &Packed) {
        let scope = client.scope_name().filter(|_| !entry.public);
        let scope = scope.as_ref().map(|name| name.as_str());
        let Some(rest) = index::rest(scope, &self.how.build, key).filter(|_| self.loaded.get()) else {
            return;
        };
        let at = entry.at(client.now());
        let mut index = self.index.borrow_mut();
        if index.get(&rest).is_none_or(|known| known.at < at) {
            let bytes = self.size(&rest, entry.data.get());
            index.put(rest, Known::new(at, bytes, entry.invalidated, entry.query, key));
        }
    }

    /// How many bytes an entry takes on the storage.
    fn size(&self, rest: &str, text: &str) -> usize {
        text.len() + 2 * (rest.len() + self.how.app.len()) + 48
    }

    /// Removes entries, with the next write.
    pub(super) fn forget(self: &Rc<Self>, client: &QueryClient, rests: Vec<String>) {
        if rests.is_empty() {
            return;
        }
        for rest in &rests {
            self.index.borrow_mut().remove(rest);
        }
        self.removed.borrow_mut().extend(rests);
        self.write_soon(client);
    }

    /// Writes all there is: until now it had no name to be written under.
    pub(super) fn write_all(self: &Rc<Self>, client: &QueryClient) {
        let slots = client.matching(&QueryFilter::all());
        let keys: Vec<_> = client.read(|engine| {
            slots.into_iter().filter_map(|slot| engine.get(slot)).map(|entry| entry.key.clone()).collect()
        });
        self.dirty.borrow_mut().extend(keys);
        self.write_soon(client);
    }

    /// Writes what is to be written when this turn is over, unless that is under way: then after it.
    pub(super) fn write_soon(self: &Rc<Self>, client: &QueryClient) {
        let nothing = self.dirty.borrow().is_empty()
            && self.removed.borrow().is_empty()
            && self.outdated.borrow().is_empty()
            && self.calls.are_as_kept();
        if nothing || self.off.get() || !self.loaded.get() || self.writing.replace(true) {
            return;
        }
        let (this, weak) = (self.clone(), client.in_scope(None).downgrade());
        client.spawn_later(Box::pin(async move {
            this.write(&weak).await;
            this.purge_again().await;
            this.writing.set(false);
            if let Some(client) = weak.upgrade() {
                this.write_soon(&client);
            }
        }));
    }

    async fn write(self: &Rc<Self>, client: &WeakQueryClient) {
        let Some(here) = client.upgrade().map(|client| client.in_this_scope()) else { return };
        let mut puts = self.gather(&here);
        if here.is_over() {
            puts.retain(Put::is_public); // The rest is nobody's business now.
        }
        let (calls, places) = self.calls.take_changes();
        let mut batch = Batch { puts, outdated: self.outdated.take(), removed: self.removed.take(), calls };
        self.enter(&mut batch);
        let changes = self.changes(&batch);
        if changes.is_empty() {
            return;
        }
        let scope = here.downgrade();
        drop(here);
        match self.how.storage.write(changes).await {
            Ok(()) => {}
            Err(StorageError::Full) => self.make_room(&scope, batch).await,
            Err(error) => self.fault(StorageFault::Broken(error.to_string().into())),
        }
        // What was taken over from another page is this one's now, and no other finds it there.
        drop(places);
        self.calls.written();
    }

    /// What has changed, as it is to be stored. Runs user code.
    fn gather(&self, here: &QueryClient) -> Vec<Put> {
        let dirty = self.dirty.take();
        let scope = here.scope_name();
        let mut puts = Vec::new();
        for key in dirty {
            let slots = here.read(|engine| engine.same_key(&key));
            for slot in slots {
                let parcel = here.read(|engine| {
                    // What a held scope hides is stored when that is open again.
                    if engine.hides(slot) { Err(()) } else { Ok(engine.parcel(slot)) }
                });
                let Ok(parcel) = parcel else {
                    self.held_back.borrow_mut().insert(key.clone());
                    continue;
                };
                let Some(parcel) = parcel.filter(|parcel| parcel.public || scope.is_some()) else { continue };
                let Some(packed) = here.pack(&parcel) else { continue };
                let scope = scope.as_ref().filter(|_| !packed.public).map(|name| name.as_str());
                if let Some(rest) = index::rest(scope, &self.how.build, &key) {
                    let Packed { query, at, invalidated, data, .. } = packed;
                    let text = String::from(Box::<str>::from(data));
                    let bytes = self.size(&rest, &text);
                    let at = crate::Timestamp::from_millis(at);
                    let known = Known::new(at, bytes, invalidated, query, &key);
                    puts.push(Put { rest, known, text });
                }
            }
        }
        puts
    }

    /// The scope has ended: nothing of it is left, of any build. Begins in this call.
    pub(super) fn purge(self: &Rc<Self>, client: &QueryClient) {
        // What was about to be written is gone from the cache; what is public stays to be written.
        self.held_back.take();
        self.calls.forget();
        for name in self.names.ended(client) {
            let scope = index::scope_part(Some(name.as_str()));
            self.index.borrow_mut().remove_scope(&scope);
            if !self.loaded.get() {
                self.purged_early.borrow_mut().push(scope.clone());
            }
            let prefixes =
                [META, DATA, CALLS].map(|kind| format!("{}{scope}/", index::prefix(&self.how.app, kind)));
            if self.writing.get() {
                self.purged.borrow_mut().extend(prefixes.iter().cloned());
            }
            self.clear(client, prefixes.into());
        }
    }

    /// What was purged while it was being written. The next write waits for that, and it is done though the client is
    /// gone.
    async fn purge_again(&self) {
        loop {
            let Some(prefix) = self.purged.borrow_mut().pop() else { return };
            if let Err(error) = self.how.storage.clear(&prefix).await {
                self.not_purged(prefix, &error);
            }
        }
    }

    fn not_purged(&self, prefix: String, error: &StorageError) {
        self.left.borrow_mut().push(prefix);
        self.fault(StorageFault::NotPurged(error.to_string().into()));
    }

    /// Tries once more.
    pub(super) fn purge_what_was_left(self: &Rc<Self>, client: &QueryClient) {
        let left = self.left.take();
        self.clear(client, left);
    }

    /// Purges, though the storage may not be in use any more: what is there was written when it was.
    fn clear(self: &Rc<Self>, client: &QueryClient, prefixes: Vec<String>) {
        for prefix in prefixes {
            let this = self.clone();
            let cleared = this.how.storage.clear(&prefix);
            client.begin_task(Box::pin(async move {
                if let Err(error) = cleared.await {
                    this.not_purged(prefix, &error);
                }
            }));
        }
    }
}
