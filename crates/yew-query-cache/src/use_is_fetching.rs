//! `use_is_fetching`: how many queries are being fetched.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{Happening, Listening, QueryClient, QueryFilter};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::bridge::BROWSER;
use crate::misuse::HookKind;
use crate::provider::use_client;

/// How many of the queries that the filter means are being fetched: for one indicator of the whole page. The
/// component renders again when the number changes, not with every fetch.
#[hook]
pub fn use_is_fetching(filter: impl Into<QueryFilter>) -> usize {
    use_fetching_count(filter.into().fetching())
}

#[hook]
fn use_fetching_count(filter: QueryFilter) -> usize {
    let client = use_client(HookKind::IsFetching);
    let update = use_force_update();
    let counter = use_memo((), |()| Rc::new(Counter::default()));
    match client {
        Ok(client) if BROWSER => counter.follow(&client, filter, update),
        _ => 0,
    }
}

#[derive(Default)]
struct Counter {
    shown: Cell<usize>,
    filter: RefCell<Option<QueryFilter>>,
    listening: RefCell<Option<(QueryClient, Listening)>>,
}

impl Counter {
    fn follow(
        self: &Rc<Self>,
        client: &QueryClient,
        filter: QueryFilter,
        update: UseForceUpdateHandle,
    ) -> usize {
        let before = self.filter.replace(Some(filter));
        drop(before);
        let same = self.listening.borrow().as_ref().is_some_and(|(held, _)| held == client);
        if !same {
            let (counter, counted) = (Rc::downgrade(self), client.downgrade());
            let listening = client.listen(move |event| {
                let changes = matches!(
                    event.happening,
                    Happening::Fetching { .. }
                        | Happening::Fetched { .. }
                        | Happening::FetchFailed { .. }
                        | Happening::Cancelled
                        | Happening::Removed
                );
                if let (true, Some(counter), Some(client)) = (changes, counter.upgrade(), counted.upgrade())
                    && counter.count(&client) != counter.shown.get()
                {
                    update.force_update();
                }
            });
            let before = self.listening.replace(Some((client.clone(), listening)));
            drop(before);
        }
        self.shown.set(self.count(client));
        self.shown.get()
    }

    fn count(&self, client: &QueryClient) -> usize {
        let filter = self.filter.borrow().clone();
        filter.map_or(0, |filter| client.count(filter))
    }
}
