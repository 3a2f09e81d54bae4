//! What parts that register may ask of the client.

use super::QueryClient;
use crate::engine::Engine;
use crate::environment::{LocalBoxFuture, Timestamp};

/// The world as it is at a moment.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub now: Timestamp,
    pub online: bool,
    pub focused: bool,
    pub held: bool,
    /// The scope that is open.
    pub scope: u32,
}

impl QueryClient {
    pub(crate) fn world(&self) -> World {
        let now = self.now();
        self.read(|engine| World {
            now,
            online: engine.is_online(),
            focused: engine.is_focused(),
            held: engine.is_held(),
            scope: engine.scope(),
        })
    }

    pub(crate) fn is_held(&self) -> bool {
        self.read(Engine::is_held)
    }

    /// Runs the task to its end, later.
    pub(crate) fn spawn(&self, task: LocalBoxFuture<()>) {
        self.shared.environment.spawn(task);
    }

    pub(crate) fn random(&self) -> u64 {
        self.shared.environment.random()
    }

    /// An attempt failed because there seems to be no network.
    pub(crate) fn network_failed(&self) {
        self.shared.environment.network_failed(&self.in_scope(None));
    }

    /// Has the alarm ring then.
    pub(crate) fn ring_at(&self, at: Timestamp) {
        self.step(|engine, _, _| engine.ring_at(at));
    }

    /// Has this turn end: those who watch are told.
    pub(crate) fn end_turn(&self) {
        self.step(|engine, _, fx| engine.flush(fx));
    }
}
