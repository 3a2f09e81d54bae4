//! `use_suspense_query`: a query whose component waits for its data.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use query_cache::{AnyQuery, Misuse, Query, QueryError, QueryState, Snapshot};
use yew::suspense::{Suspension, SuspensionHandle, SuspensionResult};
use yew::{hook, use_context, use_force_update, use_memo};

use crate::boundary::Boundary;
use crate::bridge::{BROWSER, Watch};
use crate::misuse::HookKind;
use crate::provider::use_client;
use crate::use_query::UseQuery;

/// [`use_query`](crate::use_query) for a component that shows nothing without data: it is suspended until
/// there is some. A refresh does not suspend it again.
///
/// It stands within a [`QueryErrorBoundary`](crate::QueryErrorBoundary), which shows something meanwhile and
/// shows the failure if there is one, or within Yew's own `Suspense`; the failure is then the component's to
/// show. A query that is not [enabled](query_cache::QueryOptions::enabled) waits until somebody else
/// fetches it.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{query, query_key, use_suspense_query};
///
/// #[component]
/// fn Greeting() -> HtmlResult {
///     let greeting = query(query_key!["greeting"], async |_| Ok::<_, String>("hello".to_owned()));
///     Ok(match use_suspense_query(greeting)? {
///         Ok(greeting) => html! { <p>{ &**greeting.data() }</p> },
///         Err(error) => html! { <p role="alert">{ error.to_string() }</p> },
///     })
/// }
/// ```
///
/// # Errors
/// The outer one suspends the component: pass it on with `?`. The inner one is why there is no data, where
/// no boundary takes it.
#[hook]
pub fn use_suspense_query<Q: Query>(
    query: Q,
) -> SuspensionResult<Result<UseSuspenseQuery<Q>, QueryError<Q::Error>>> {
    let query = AnyQuery::new(query);
    let key = query.key();
    let boundary = use_context::<Boundary>();
    let (seen, watch) = use_waiting_query(query);
    let query = UseQuery::new(seen, &watch.watch);
    match query.state() {
        QueryState::Ready { data, .. } => {
            let data = Rc::clone(data);
            Ok(Ok(UseSuspenseQuery { data, query }))
        }
        QueryState::Idle | QueryState::Pending { .. } => Err(watch.suspend()),
        QueryState::Failed { error } => match (boundary, error) {
            (Some(boundary), QueryError::Fetch(error)) => {
                boundary.report(key, QueryError::Fetch(error.clone()));
                Err(watch.suspend())
            }
            _ => Ok(Err(error.clone())),
        },
    }
}

/// As `use_any_query`, for a component that may be suspended.
#[hook]
fn use_waiting_query(query: AnyQuery) -> (Result<Option<Snapshot>, Misuse>, Rc<Waiting>) {
    let client = use_client(HookKind::SuspenseQuery);
    let update = use_force_update();
    let waiting = use_memo((), |()| Waiting::default());
    let told = || -> Rc<dyn Fn()> {
        let (update, suspended) = (update.clone(), waiting.suspended.clone());
        Rc::new(move || match suspended.take() {
            // Dropping the handle renders the component.
            Some(suspended) => drop(suspended),
            None => update.force_update(),
        })
    };
    let seen = client.map(|client| BROWSER.then(|| waiting.watch.follow(&client, &query, &told)));
    (seen, waiting)
}

#[derive(Default)]
struct Waiting {
    watch: Rc<Watch>,
    /// While the component is suspended. Shared with the listener, which ends it.
    suspended: Rc<Cell<Option<(Suspension, SuspensionHandle)>>>,
}

impl Waiting {
    /// The suspension of this component: the same until there is something to tell.
    fn suspend(&self) -> Suspension {
        let (suspension, handle) = self.suspended.take().unwrap_or_else(Suspension::new);
        self.suspended.set(Some((suspension.clone(), handle)));
        suspension
    }
}

/// What [`use_suspense_query`] found: data, always.
pub struct UseSuspenseQuery<Q: Query> {
    data: Rc<Q::Data>,
    query: UseQuery<Q>,
}

impl<Q: Query> UseSuspenseQuery<Q> {
    /// The data, as it was in this render.
    pub fn data(&self) -> &Rc<Q::Data> {
        &self.data
    }

    /// Why there is no newer data, and all else about it.
    pub fn query(&self) -> &UseQuery<Q> {
        &self.query
    }
}

impl<Q: Query<Data: fmt::Debug>> fmt::Debug for UseSuspenseQuery<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseSuspenseQuery").field("data", &self.data).finish_non_exhaustive()
    }
}
