//! The one place where Yew meets the cache. Knows no types, so it is compiled once for all queries.

use std::cell::Cell;
use std::rc::Rc;

use query_cache::{AnyQuery, Misuse, Observer, QueryClient, Snapshot};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::misuse::HookKind;
use crate::provider::use_client;

/// What a component watches through one hook. Yew drops it with the component, and with it the interest.
#[derive(Default)]
pub(crate) struct Watch(Cell<Option<Watching>>);

struct Watching {
    observer: Observer,
    fetching: bool,
}

impl Watch {
    // Taken out while it is used, so that no user code runs while it is borrowed.
    fn with(&self, act: impl FnOnce(&mut Watching)) {
        if let Some(mut watching) = self.0.take() {
            act(&mut watching);
            self.0.set(Some(watching));
        }
    }

    pub fn refetch(&self) {
        self.with(|watching| watching.observer.refetch());
    }

    /// The component shows whether a fetch is under way.
    pub fn watch_fetching(&self) {
        self.with(|watching| {
            if !std::mem::replace(&mut watching.fetching, true) {
                watching.observer.watch_fetching();
            }
        });
    }

    /// Watches this query from now on, and lets go of the one before only then: what both want goes on.
    fn follow(&self, client: &QueryClient, query: &AnyQuery, update: UseForceUpdateHandle) -> Snapshot {
        let before = self.0.take();
        let watching = match before {
            Some(before) if before.observer.client() == client => {
                before.observer.follow(query);
                before
            }
            before => {
                let observer = client.observe_any(query, Rc::new(move || update.force_update()));
                drop(before);
                Watching { observer, fetching: false }
            }
        };
        let snapshot = watching.observer.show();
        self.0.set(Some(watching));
        snapshot
    }
}

/// Watches the query from the first render on: effects do not run while a component is suspended, and the
/// fetch would wait for the DOM. `None`, that is pending, where there is no browser.
#[hook]
pub(crate) fn use_any_query(query: AnyQuery) -> (Result<Option<Snapshot>, Misuse>, Rc<Watch>) {
    let client = use_client(HookKind::Query);
    let update = use_force_update();
    let watch = use_memo((), |()| Watch::default());
    let seen =
        client.map(|client| cfg!(target_arch = "wasm32").then(|| watch.follow(&client, &query, update)));
    (seen, watch)
}
