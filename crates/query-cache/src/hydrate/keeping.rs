//! Calls that are to outlive the page, and the storage that keeps them: neither knows the other.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use super::Hydration;
use crate::client::QueryClient;
use crate::environment::Timestamp;
use crate::tabs::Locks;

/// Something to be kept until it is done: a call of a mutation.
pub(crate) struct Kept {
    /// Means the same on another page: its idempotency key.
    pub name: String,
    /// When it was made.
    pub at: Timestamp,
    pub json: Value,
}

/// Has calls that are to be kept. It registers by [`QueryClient::keep_calls`].
pub(crate) trait Caller {
    /// Those of the client's scope that are not done.
    fn unfinished(&self, client: &QueryClient) -> Vec<Kept>;

    /// Goes on with what another page could not finish, in this order.
    fn go_on(&self, client: &QueryClient, calls: Vec<Value>);
}

/// Keeps them. It registers by [`QueryClient::keep_calls_by`].
pub(crate) trait Keeper {
    /// There is somebody who has calls.
    fn serve(&self, client: &QueryClient);

    /// One is new, or changed.
    fn keep(&self, client: &QueryClient, call: Kept);

    /// One is done.
    fn done(&self, client: &QueryClient, name: &str);
}

#[derive(Default)]
pub(super) struct Keeping {
    caller: RefCell<Option<Rc<dyn Caller>>>,
    keeper: RefCell<Option<Rc<dyn Keeper>>>,
    locks: RefCell<Option<Rc<dyn Locks>>>,
}

impl QueryClient {
    fn keeping<R>(&self, read: impl FnOnce(&Keeping) -> R) -> R {
        read(&self.extension::<Hydration>().keeping)
    }

    pub(crate) fn keep_calls(&self, caller: Rc<dyn Caller>) {
        let before = self.keeping(|keeping| keeping.caller.replace(Some(caller)));
        drop(before);
        if let Some(keeper) = self.keeper() {
            keeper.serve(self);
        }
    }

    pub(crate) fn keep_calls_by(&self, keeper: Rc<dyn Keeper>) {
        let before = self.keeping(|keeping| keeping.keeper.replace(Some(keeper.clone())));
        drop(before);
        keeper.serve(self);
    }

    /// Pages that are open hold one of these for their calls.
    pub(crate) fn lock_by(&self, locks: Rc<dyn Locks>) {
        let before = self.keeping(|keeping| keeping.locks.replace(Some(locks)));
        drop(before);
    }

    pub(crate) fn caller(&self) -> Option<Rc<dyn Caller>> {
        self.keeping(|keeping| keeping.caller.borrow().clone())
    }

    pub(crate) fn keeper(&self) -> Option<Rc<dyn Keeper>> {
        self.keeping(|keeping| keeping.keeper.borrow().clone())
    }

    pub(crate) fn locks(&self) -> Option<Rc<dyn Locks>> {
        self.keeping(|keeping| keeping.locks.borrow().clone())
    }
}
