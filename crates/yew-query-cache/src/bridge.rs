//! The one place where Yew meets the cache. Knows no types, so it is compiled once for all queries.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{AnyQuery, Misuse, Observer, QueryClient, Snapshot};
use yew::functional::UseForceUpdateHandle;
use yew::suspense::{Suspension, SuspensionHandle};
use yew::{hook, use_force_update, use_memo};

use crate::misuse::HookKind;
use crate::provider::use_client;

/// Nothing is fetched where there is no browser: docs, lints, rendering on a server.
pub(crate) const BROWSER: bool = cfg!(target_arch = "wasm32");

/// What a component watches through one hook. Yew drops it with the component, and with it the interest.
#[derive(Default)]
pub(crate) struct Watch {
    observer: RefCell<Option<Rc<Observer>>>,
    interest: Cell<u8>,
    /// While the component is suspended. Shared with the listener, which ends it.
    suspended: Rc<Cell<Option<(Suspension, SuspensionHandle)>>>,
}

/// What a component may show besides the state: it renders for these only once it has asked.
#[derive(Clone, Copy)]
pub(crate) enum Interest {
    Fetching = 1,
    Stale = 2,
    Details = 4,
}

impl Watch {
    /// The observer, cloned out: whatever is done with it may run user code.
    pub fn observer(&self) -> Option<Rc<Observer>> {
        self.observer.borrow().clone()
    }

    pub fn refetch(&self) {
        if let Some(observer) = self.observer() {
            observer.refetch();
        }
    }

    /// The component shows this.
    pub fn shows(&self, interest: Interest) {
        let bit = interest as u8;
        let Some(observer) = self.observer().filter(|_| self.interest.get() & bit == 0) else { return };
        self.interest.set(self.interest.get() | bit);
        match interest {
            Interest::Fetching => observer.watch_fetching(),
            Interest::Stale => observer.watch_stale(),
            Interest::Details => observer.watch_details(),
        }
    }

    /// Watches this query from now on, and lets go of the one before only then: what both want goes on.
    pub fn follow(&self, client: &QueryClient, query: &AnyQuery, update: &UseForceUpdateHandle) -> Snapshot {
        let observer = match self.observer().filter(|observer| observer.client() == client) {
            Some(observer) => {
                observer.follow(query);
                observer
            }
            None => {
                let (update, suspended) = (update.clone(), self.suspended.clone());
                let told = move || match suspended.take() {
                    // Dropping the handle renders the component.
                    Some(suspended) => drop(suspended),
                    None => update.force_update(),
                };
                let observer = Rc::new(client.observe_any(query, Rc::new(told)));
                self.interest.set(0);
                let before = self.observer.replace(Some(observer.clone()));
                drop(before);
                observer
            }
        };
        observer.show()
    }

    /// The suspension of this component: the same until there is something to tell.
    pub fn suspend(&self) -> Suspension {
        let (suspension, handle) = self.suspended.take().unwrap_or_else(Suspension::new);
        self.suspended.set(Some((suspension.clone(), handle)));
        suspension
    }
}

/// Watches the query from the first render on: effects do not run while a component is suspended, and the
/// fetch would wait for the DOM. `None`, that is pending, where there is no browser.
#[hook]
pub(crate) fn use_any_query(
    query: AnyQuery,
    kind: HookKind,
) -> (Result<Option<Snapshot>, Misuse>, Rc<Watch>) {
    let client = use_client(kind);
    let update = use_force_update();
    let watch = use_memo((), |()| Watch::default());
    let seen = client.map(|client| BROWSER.then(|| watch.follow(&client, &query, &update)));
    (seen, watch)
}
