//! What happens in the world, and what goes on because of it.

use super::part::Mutations;
use crate::client::{Extension, Happens, QueryClient};

impl Extension for Mutations {
    fn happens(&self, client: &QueryClient, what: Happens) {
        match what {
            Happens::Held => self.step(client, |store, _, fx| store.notice_all(fx)),
            Happens::Restored => {
                self.step(client, |store, world, fx| {
                    store.notice_all(fx);
                    store.sweep(world, fx);
                });
                self.go_on(client);
            }
            Happens::Ended => {
                #[cfg(feature = "hydrate")]
                drop((self.unresumed.take(), self.kept.take()));
                // What they own finds the new scope.
                let runs = self.step(client, |store, world, fx| store.end(Some(world.scope), fx));
                for run in runs {
                    run.discard();
                }
            }
            Happens::Offline => {
                self.mark(|store| store.nobody_first());
                self.go_on(client);
            }
            Happens::Focused | Happens::Hidden => self.go_on(client),
            Happens::Alarm => {
                self.step(client, |store, world, fx| {
                    store.sweep(world, fx);
                    store.hurry(world, fx);
                });
                self.go_on(client);
            }
            Happens::Turn => self.tell(client),
            _ => {}
        }
    }

    fn online(&self, client: &QueryClient, then: fn(&QueryClient)) -> bool {
        let first = self.step(client, |store, world, fx| store.go_first(then, world, fx));
        self.go_on(client);
        first
    }
}

impl Mutations {
    /// Sends what waited and need not wait any more, in the order in which it was called.
    fn go_on(&self, client: &QueryClient) {
        for id in self.read(|store| store.gated()) {
            // Looked at one by one: each may change what is true for the next.
            if let Some(run) = self.step(client, |store, world, fx| store.freed(id, world, fx)) {
                run.nudge();
            }
        }
    }

    /// The turn ends: tells those who watch and those who listen.
    fn tell(&self, client: &QueryClient) {
        let here = client.in_this_scope();
        for number in self.read(|store| store.noticed()) {
            if let Some(listener) = self.mark(|store| store.listener(number)) {
                listener();
            }
        }
        for event in self.mark(|store| std::mem::take(&mut store.events)) {
            self.listeners.tell(&here, &event);
        }
    }
}
