//! `use_query`: a query in a component.

use std::fmt;
use std::rc::{Rc, Weak};

use query_cache::{AnyQuery, Query, QueryError, QueryState};
use yew::hook;

use crate::bridge::{Watch, use_any_query};

/// Watches a query for as long as the component is mounted, and renders it again when what [`UseQuery`] shows
/// has changed.
///
/// The fetch begins in the first render, unless the data is there and fresh, and is shared with all who ask
/// for the same key. With another key the component shows the other entry in the same render. The last
/// component to unmount drops the fetch.
///
/// Outside of a [`QueryClientProvider`](crate::QueryClientProvider) the state is
/// [`Failed`](QueryState::Failed) with [`QueryError::Misuse`], and the console says so once per page.
#[hook]
pub fn use_query<Q: Query>(query: Q) -> UseQuery<Q> {
    let (seen, watch) = use_any_query(AnyQuery::new(query));
    let (state, fetching) = match seen {
        Ok(Some(snapshot)) => (snapshot.state(), snapshot.is_fetching()),
        Ok(None) => (QueryState::pending(), false),
        Err(misuse) => (QueryState::Failed { error: QueryError::Misuse(misuse) }, false),
    };
    UseQuery { state: Rc::new(state), fetching, watch: Rc::downgrade(&watch) }
}

/// What [`use_query`] found: the state as it was in that render, and a way to fetch again.
///
/// A clone is cheap and may be moved into callbacks; it keeps neither the component nor the fetch alive.
pub struct UseQuery<Q: Query> {
    state: Rc<QueryState<Q::Data, Q::Error>>,
    fetching: bool,
    watch: Weak<Watch>,
}

impl<Q: Query> UseQuery<Q> {
    /// The state, as it was in this render.
    pub fn state(&self) -> &QueryState<Q::Data, Q::Error> {
        &self.state
    }

    /// The data, as it was in this render, if there was any.
    pub fn data(&self) -> Option<&Rc<Q::Data>> {
        self.state.data()
    }

    /// Whether a fetch was under way in this render: the first one or a refresh. A component that asks is
    /// also rendered when a fetch begins or ends; one that never asks is not.
    pub fn is_fetching(&self) -> bool {
        if let Some(watch) = self.watch.upgrade() {
            watch.watch_fetching();
        }
        self.fetching
    }

    /// Fetches again, fresh or not. Joins an attempt that is under way; does not wait for a retry. Does
    /// nothing once the component is gone.
    pub fn refetch(&self) {
        if let Some(watch) = self.watch.upgrade() {
            watch.refetch();
        }
    }
}

// By hand: the query itself need not be `Clone`.
impl<Q: Query> Clone for UseQuery<Q> {
    fn clone(&self) -> Self {
        UseQuery { state: self.state.clone(), fetching: self.fetching, watch: self.watch.clone() }
    }
}

impl<Q: Query<Data: fmt::Debug, Error: fmt::Debug>> fmt::Debug for UseQuery<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseQuery").field("state", &self.state).finish_non_exhaustive()
    }
}
