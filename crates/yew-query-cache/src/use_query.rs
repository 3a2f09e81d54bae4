//! `use_query`: a query in a component.

use std::fmt;
use std::rc::{Rc, Weak};

use query_cache::{AnyQuery, Details, Misuse, Query, QueryError, QueryState, Snapshot};
use yew::hook;

use crate::bridge::{Interest, Watch, use_any_query};
use crate::misuse::HookKind;

/// Watches a query for as long as the component is mounted, and renders it again when what [`UseQuery`] shows
/// has changed.
///
/// The fetch begins in the first render, unless the data is there and fresh, and is shared with all who ask
/// for the same key. With another key the component shows the other entry in the same render. The last
/// component to unmount drops the fetch.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{Query, QueryState, query, query_key, use_query};
///
/// #[component]
/// fn Greeting() -> Html {
///     let greeting = use_query(
///         query(query_key!["greeting"], async |_| Ok::<_, String>("hello".to_owned()))
///             .with_options(|options| options.retry(1)),
///     );
///     match greeting.state() {
///         QueryState::Idle | QueryState::Pending { .. } => html! { "Loading…" },
///         QueryState::Failed { error } => html! { <p role="alert">{ error.to_string() }</p> },
///         QueryState::Ready { data, .. } => html! { <p>{ &**data }</p> },
///     }
/// }
/// ```
///
/// Outside of a [`QueryClientProvider`](crate::QueryClientProvider) the state is
/// [`Failed`](QueryState::Failed) with [`QueryError::Misuse`], and the console says so once per page.
#[hook]
pub fn use_query<Q: Query>(query: Q) -> UseQuery<Q> {
    let (seen, watch) = use_any_query(AnyQuery::new(query), HookKind::Query);
    UseQuery::new(seen, &watch)
}

/// What [`use_query`] found: the state as it was in that render, and a way to fetch again.
///
/// A clone is cheap and may be moved into callbacks; it keeps neither the component nor the fetch alive.
pub struct UseQuery<Q: Query> {
    state: Rc<QueryState<Q::Data, Q::Error>>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) watch: Weak<Watch>,
}

impl<Q: Query> UseQuery<Q> {
    pub(crate) fn new(seen: Result<Option<Snapshot>, Misuse>, watch: &Rc<Watch>) -> Self {
        let (state, snapshot) = match seen {
            Ok(Some(snapshot)) => (snapshot.state(), Some(snapshot)),
            Ok(None) => (QueryState::pending(), None),
            Err(misuse) => (QueryState::Failed { error: QueryError::Misuse(misuse) }, None),
        };
        UseQuery { state: Rc::new(state), snapshot, watch: Rc::downgrade(watch) }
    }

    /// The state, as it was in this render.
    pub fn state(&self) -> &QueryState<Q::Data, Q::Error> {
        &self.state
    }

    /// The data, as it was in this render, if there was any: a placeholder, too.
    pub fn data(&self) -> Option<&Rc<Q::Data>> {
        self.state.data()
    }

    /// Why there was no data, or none newer, in this render.
    pub fn error(&self) -> Option<&QueryError<Q::Error>> {
        self.state.error()
    }

    /// Whether a fetch was under way in this render: the first one or a refresh. A component that asks is
    /// also rendered when a fetch begins or ends; one that never asks is not.
    pub fn is_fetching(&self) -> bool {
        self.shows(Interest::Fetching).is_some_and(Snapshot::is_fetching)
    }

    /// Whether the data was stale in this render. A component that asks is also rendered when that changes.
    pub fn is_stale(&self) -> bool {
        self.shows(Interest::Stale).is_some_and(Snapshot::is_stale)
    }

    /// All that was known in this render: counts and times, too. A component that asks is rendered when one
    /// of them changes. `None` outside of a provider or a browser.
    pub fn details(&self) -> Option<Details<Q::Error>> {
        self.shows(Interest::Fetching);
        self.shows(Interest::Details).map(Snapshot::details)
    }

    fn shows(&self, interest: Interest) -> Option<&Snapshot> {
        if let Some(watch) = self.watch.upgrade() {
            watch.shows(interest);
        }
        self.snapshot.as_ref()
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
        UseQuery { state: self.state.clone(), snapshot: self.snapshot.clone(), watch: self.watch.clone() }
    }
}

impl<Q: Query<Data: fmt::Debug, Error: fmt::Debug>> fmt::Debug for UseQuery<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseQuery").field("state", &self.state).finish_non_exhaustive()
    }
}
