//! The part of the client that holds the calls. It registers with the first.

#[cfg(feature = "hydrate")]
use std::cell::Cell;
use std::cell::RefCell;
#[cfg(feature = "hydrate")]
use std::collections::HashMap;
use std::rc::Rc;

#[cfg(feature = "hydrate")]
use super::context::IdempotencyKey;
use super::context::MutationContext;
use super::definition::MutationStep;
use super::events::Listeners;
use super::options::DefaultMutationOptions;
#[cfg(feature = "hydrate")]
use super::saving::{Registered, SavedMutation};
#[cfg(feature = "hydrate")]
use super::state::MutationId;
use super::store::{Fx, Store};
use crate::client::{QueryClient, World};
use crate::environment::LocalBoxFuture;

/// What is told of all mutations, and waited for.
pub(super) type Each = Rc<dyn Fn(MutationStep, MutationContext) -> LocalBoxFuture<()>>;

pub(super) type Change = Rc<dyn Fn(DefaultMutationOptions) -> DefaultMutationOptions>;

#[derive(Default)]
pub(crate) struct Mutations {
    store: RefCell<Store>,
    pub(super) each: RefCell<Vec<Each>>,
    /// Changes to the options, in the order in which they count, each with the name it is for.
    pub(super) defaults: RefCell<Vec<(Option<&'static str>, Change)>>,
    #[cfg(feature = "hydrate")]
    pub(super) registered: RefCell<Vec<Rc<Registered>>>,
    /// They travel with the cache: one was registered.
    #[cfg(feature = "hydrate")]
    pub(super) travels: Cell<bool>,
    /// What happens to them is heard, so that they can be kept on a storage.
    #[cfg(feature = "hydrate")]
    pub(super) keeping: RefCell<Option<super::events::MutationListening>>,
    /// Those of this scope that are kept there.
    #[cfg(feature = "hydrate")]
    pub(super) kept: RefCell<HashMap<MutationId, IdempotencyKey>>,
    /// What has come from another page, of mutations that are not registered yet.
    #[cfg(feature = "hydrate")]
    pub(super) unresumed: RefCell<Vec<SavedMutation>>,
    pub(super) listeners: Listeners,
}

impl Mutations {
    pub fn read<R>(&self, read: impl FnOnce(&Store) -> R) -> R {
        read(&self.store.borrow())
    }

    /// Changes what follows from nothing and nothing follows from.
    pub fn mark<R>(&self, mark: impl FnOnce(&mut Store) -> R) -> R {
        mark(&mut self.store.borrow_mut())
    }

    /// The one place that changes the store. It is let go before anything else runs.
    pub fn step<R>(&self, client: &QueryClient, step: impl FnOnce(&mut Store, World, &mut Fx) -> R) -> R {
        let mut fx = Fx::default();
        let world = client.world();
        let result = step(&mut self.store.borrow_mut(), world, &mut fx);
        run(client, fx);
        result
    }
}

// Once in the program, not once for each step.
#[inline(never)]
fn run(client: &QueryClient, fx: Fx) {
    let Fx { turn, ring, wakers, runs, then, garbage } = fx;
    if let Some(at) = ring {
        client.ring_at(at);
    }
    if turn {
        client.end_turn();
    }
    if let Some(then) = then {
        let weak = client.in_scope(None).downgrade();
        // Later: what follows from the answer at once comes before.
        client.spawn(Box::pin(async move {
            if let Some(client) = weak.upgrade() {
                then(&client);
            }
        }));
    }
    for run in runs {
        run.wake();
    }
    for waker in wakers {
        waker.wake();
    }
    drop(garbage);
}

impl Drop for Mutations {
    /// The client is gone, and with it all calls.
    fn drop(&mut self) {
        let mut fx = Fx::default();
        for run in self.store.get_mut().end(None, &mut fx) {
            run.discard();
        }
        for waker in fx.wakers {
            waker.wake();
        }
    }
}
