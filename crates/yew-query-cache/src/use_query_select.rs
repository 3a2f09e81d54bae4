//! `use_query_select`: a part of a query's data.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use query_cache::{
    AnyQuery, Misuse, Query, QueryClient, QueryError, QueryState, Selection, Selector, Snapshot,
};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::bridge::BROWSER;
use crate::misuse::HookKind;
use crate::provider::use_client;

/// Watches what `select` makes of a query's data. The component renders again when that is another value
/// (by its `PartialEq`), and when the query fails, is tried again or pauses; not when the data changes
/// elsewhere.
///
/// `select` runs in each render and for each change of the data, so it may use what the component has at
/// hand; it should be quick.
#[hook]
pub fn use_query_select<Q: Query, S: PartialEq + 'static>(
    query: Q,
    select: impl Fn(&Q::Data) -> S + 'static,
) -> UseQuerySelect<Q, S> {
    let (seen, watch) = use_any_selection(AnyQuery::new(query), Selector::new::<Q, S>(select));
    let (state, selected) = match seen {
        Ok(Some((snapshot, made))) => (snapshot.state(), made.and_then(|made| made.downcast().ok())),
        Ok(None) => (QueryState::pending(), None),
        Err(misuse) => (QueryState::Failed { error: QueryError::Misuse(misuse) }, None),
    };
    UseQuerySelect { state, selected, watch: Rc::downgrade(&watch) }
}

type Seen = Option<(Snapshot, Option<Rc<dyn std::any::Any>>)>;

#[hook]
fn use_any_selection(query: AnyQuery, selector: Selector) -> (Result<Seen, Misuse>, Rc<SelectWatch>) {
    let client = use_client(HookKind::QuerySelect);
    let update = use_force_update();
    let watch = use_memo((), |()| SelectWatch::default());
    let seen = client.map(|client| BROWSER.then(|| watch.follow(&client, &query, selector, &update)));
    (seen, watch)
}

#[derive(Default)]
struct SelectWatch {
    selection: RefCell<Option<Selection>>,
}

impl SelectWatch {
    fn selection(&self) -> Option<Selection> {
        self.selection.borrow().clone()
    }

    fn follow(
        &self,
        client: &QueryClient,
        query: &AnyQuery,
        selector: Selector,
        update: &UseForceUpdateHandle,
    ) -> (Snapshot, Option<Rc<dyn std::any::Any>>) {
        let held = self.selection();
        let same = held.filter(|held| held.observer().is_some_and(|observer| observer.client() == client));
        let selection = match same {
            Some(selection) => {
                selection.select(selector);
                if let Some(observer) = selection.observer() {
                    observer.follow(query);
                }
                selection
            }
            None => {
                let update = update.clone();
                let selection =
                    client.observe_selection(query, selector, Box::new(move || update.force_update()));
                let before = self.selection.replace(Some(selection.clone()));
                drop(before);
                selection
            }
        };
        selection.get()
    }
}

/// What [`use_query_select`] found, as it was in that render.
///
/// A clone is cheap and may be moved into callbacks; it keeps neither the component nor the fetch alive.
pub struct UseQuerySelect<Q: Query, S> {
    state: QueryState<Q::Data, Q::Error>,
    selected: Option<Rc<S>>,
    watch: Weak<SelectWatch>,
}

impl<Q: Query, S> UseQuerySelect<Q, S> {
    /// What was made of the data; `None` while there is none. The same `Rc` for as long as equal values are
    /// made, so it can be a prop that renders nothing anew.
    pub fn selected(&self) -> Option<&Rc<S>> {
        self.selected.as_ref()
    }

    /// The state. Its data may be older than the cache's, if the same is made of both.
    pub fn state(&self) -> &QueryState<Q::Data, Q::Error> {
        &self.state
    }

    /// Fetches again, fresh or not, as [`UseQuery::refetch`](crate::UseQuery::refetch).
    pub fn refetch(&self) {
        let selection = self.watch.upgrade().and_then(|watch| watch.selection());
        if let Some(observer) = selection.as_ref().and_then(Selection::observer) {
            observer.refetch();
        }
    }
}

// By hand: neither the query nor what is selected need be `Clone`.
impl<Q: Query, S> Clone for UseQuerySelect<Q, S> {
    fn clone(&self) -> Self {
        let (state, selected) = (self.state.clone(), self.selected.clone());
        UseQuerySelect { state, selected, watch: self.watch.clone() }
    }
}

impl<Q: Query, S: fmt::Debug> fmt::Debug for UseQuerySelect<Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseQuerySelect").field("selected", &self.selected).finish_non_exhaustive()
    }
}
