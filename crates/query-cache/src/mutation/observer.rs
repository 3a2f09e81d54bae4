//! Watching mutations, without their types: for bridges to a UI framework.

use std::fmt;
use std::rc::Rc;

use super::part::Mutations;
use super::state::{MutationId, MutationSnapshot};
use super::telling::{Parts, Target};
use crate::client::QueryClient;

impl QueryClient {
    /// Watches one call after another: the listener is called, one turn later, when something has changed that
    /// the observer was asked for. At first it watches nothing.
    pub fn observe_mutation(&self, listener: Rc<dyn Fn()>) -> MutationObserver {
        let mutations = self.extension::<Mutations>();
        let number = mutations.mark(|store| store.watch(Target::Nobody, Parts::NOTHING, listener));
        MutationObserver { client: self.clone(), number }
    }

    /// Watches all calls: the listener is called, one turn later, when there is another, when something has
    /// changed about one, and when one is forgotten.
    pub fn observe_mutations(&self, listener: Rc<dyn Fn()>) -> MutationsObserver {
        let mutations = self.extension::<Mutations>();
        let number = mutations.mark(|store| store.watch(Target::All, Parts::ALL, listener));
        MutationsObserver { client: self.clone(), number }
    }
}

/// Watches one call of a mutation until it is dropped or told to watch another; what is watched is not
/// forgotten. Made by [`QueryClient::observe_mutation`]. Nothing is called off when it goes.
pub struct MutationObserver {
    client: QueryClient,
    number: u32,
}

impl MutationObserver {
    /// The client it watches.
    pub fn client(&self) -> &QueryClient {
        &self.client
    }

    /// Watches this call from now on, or nothing.
    pub fn follow(&self, call: Option<MutationId>) {
        let target = call.map_or(Target::Nobody, Target::One);
        let mutations = self.client.extension::<Mutations>();
        mutations.step(&self.client, |store, world, fx| {
            let Some(watcher) = store.watcher(self.number) else { return };
            let before = std::mem::replace(&mut watcher.target, target);
            if before == target {
                return;
            }
            if let Target::One(id) = before {
                store.keep_from(id, world.now, fx);
            }
            store.notice_one(self.number, fx);
        });
    }

    /// Which call it watches.
    pub fn followed(&self) -> Option<MutationId> {
        self.client.extension::<Mutations>().read(|store| match store.target(self.number) {
            Some(Target::One(id)) => Some(id),
            _ => None,
        })
    }

    /// What is known at this moment; later changes do not reach it.
    pub fn snapshot(&self) -> MutationSnapshot {
        let held = self.client.is_held();
        self.client.extension::<Mutations>().read(|store| match store.target(self.number) {
            Some(Target::One(id)) => store.snapshot(id, held),
            _ => MutationSnapshot::IDLE,
        })
    }

    /// [`MutationObserver::snapshot`], to be shown at once: the listener is not called for changes that are in
    /// it.
    pub fn show(&self) -> MutationSnapshot {
        self.client.extension::<Mutations>().mark(|store| store.seen(self.number));
        self.snapshot()
    }

    fn watch(&self, parts: Parts) {
        self.client.extension::<Mutations>().mark(|store| {
            if let Some(watcher) = store.watcher(self.number) {
                watcher.parts = watcher.parts.with(parts);
            }
        });
    }

    /// From now on, the listener is called when it begins and when it is over.
    pub fn watch_status(&self) {
        self.watch(Parts::STATUS);
    }

    /// From now on, the listener is called when something in [`MutationState`](crate::MutationState) has
    /// changed.
    pub fn watch_state(&self) {
        self.watch(Parts::STATE);
    }

    /// From now on, the listener is called for whatever has changed.
    pub fn watch_details(&self) {
        self.watch(Parts::ALL);
    }
}

impl Drop for MutationObserver {
    fn drop(&mut self) {
        let mutations = self.client.extension::<Mutations>();
        let watcher = mutations.step(&self.client, |store, world, fx| {
            let watcher = store.unwatch(self.number);
            if let Some(Target::One(id)) = watcher.as_ref().map(|watcher| watcher.target) {
                store.keep_from(id, world.now, fx);
            }
            watcher
        });
        drop(watcher);
    }
}

impl fmt::Debug for MutationObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutationObserver").field(&self.snapshot()).finish()
    }
}

/// Watches all mutations until it is dropped. Made by [`QueryClient::observe_mutations`].
pub struct MutationsObserver {
    client: QueryClient,
    number: u32,
}

impl MutationsObserver {
    /// The client it watches.
    pub fn client(&self) -> &QueryClient {
        &self.client
    }

    /// What is found now is shown at once: the listener is not called for it.
    pub fn seen(&self) {
        self.client.extension::<Mutations>().mark(|store| store.seen(self.number));
    }
}

impl Drop for MutationsObserver {
    fn drop(&mut self) {
        let watcher = self.client.extension::<Mutations>().mark(|store| store.unwatch(self.number));
        drop(watcher);
    }
}

impl fmt::Debug for MutationsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MutationsObserver")
    }
}
