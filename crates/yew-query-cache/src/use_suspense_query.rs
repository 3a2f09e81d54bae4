//! `use_suspense_query`: a query whose component waits for its data.

use std::fmt;
use std::rc::Rc;

use query_cache::{AnyQuery, Query, QueryError, QueryState};
use yew::suspense::SuspensionResult;
use yew::{hook, use_context};

use crate::boundary::Boundary;
use crate::bridge::use_any_query;
use crate::misuse::HookKind;
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
    let (seen, watch) = use_any_query(query, HookKind::SuspenseQuery);
    let query = UseQuery::new(seen, &watch);
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
