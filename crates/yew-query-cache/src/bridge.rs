//! The one place where Yew meets the cache. Knows no types, so it is compiled once for all queries.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{AnyQuery, Misuse, Observer, QueryClient, Snapshot};
use yew::functional::UseForceUpdateHandle;
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
    /// `told` is for a client that is new to it: what to do when there is something to show.
    pub fn follow(
        &self,
        client: &QueryClient,
        query: &AnyQuery,
        told: &dyn Fn() -> Rc<dyn Fn()>,
    ) -> Snapshot {
        let observer = match self.observer().filter(|observer| observer.client() == client) {
            Some(observer) => {
                observer.follow(query);
                observer
            }
            None => {
                let observer = Rc::new(client.observe_any(query, told()));
                self.interest.set(0);
                let before = self.observer.replace(Some(observer.clone()));
                drop(before);
                observer
            }
        };
        observer.show()
    }
}

/// Renders the component when there is something to show.
pub(crate) fn renders(update: &UseForceUpdateHandle) -> Rc<dyn Fn()> {
    let update = update.clone();
    Rc::new(move || update.force_update())
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
    let seen = client.map(|client| BROWSER.then(|| watch.follow(&client, &query, &|| renders(&update))));
    (seen, watch)
}
