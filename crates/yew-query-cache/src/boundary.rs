//! What catches the failures of suspended components.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use query_cache::{QueryError, QueryFilter, QueryKey};
use yew::functional::UseForceUpdateHandle;
use yew::{
    Callback, ContextProvider, Html, Properties, Suspense, component, html, use_context, use_force_update,
    use_memo,
};

use query_cache::QueryClient;

/// The failure that a [`QueryErrorBoundary`] shows, and the way out of it.
#[derive(Clone)]
pub struct CaughtError {
    key: QueryKey,
    error: QueryError<dyn Any>,
    reset: Callback<()>,
}

impl CaughtError {
    /// Which query failed.
    pub fn key(&self) -> &QueryKey {
        &self.key
    }

    /// The error, if it is of this type.
    pub fn error<E: 'static>(&self) -> Option<Rc<E>> {
        self.error.fetch()?.clone().downcast().ok()
    }

    /// Shows the children again; what failed is fetched anew.
    pub fn reset(&self) -> Callback<()> {
        self.reset.clone()
    }
}

impl fmt::Debug for CaughtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaughtError").field("key", &self.key).finish_non_exhaustive()
    }
}

/// What [`QueryErrorBoundary`] takes.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct QueryErrorBoundaryProps {
    /// Shown while a component inside waits for its first data.
    #[prop_or_default]
    pub pending: Html,
    /// Shown instead of the children when one of them failed. A stable callback renders nothing anew.
    pub failed: Callback<CaughtError, Html>,
    /// The components that may wait and fail.
    #[prop_or_default]
    pub children: Html,
}

/// Shows its children, something else while one of them waits in
/// [`use_suspense_query`](crate::use_suspense_query), and the failure when one of them fails without data.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{CaughtError, QueryErrorBoundary};
///
/// #[component]
/// fn Page() -> Html {
///     let failed = Callback::from(|caught: CaughtError| {
///         let message = caught.error::<String>().map_or("It failed.".to_owned(), |error| (*error).clone());
///         let again = caught.reset().reform(|_: MouseEvent| ());
///         html! { <p role="alert">{ message }<button onclick={again}>{ "Try again" }</button></p> }
///     });
///     html! {
///         <QueryErrorBoundary pending={html! { "Loading…" }} {failed}>
///             // Components that call `use_suspense_query`.
///         </QueryErrorBoundary>
///     }
/// }
/// ```
#[component]
pub fn QueryErrorBoundary(props: &QueryErrorBoundaryProps) -> Html {
    let client = use_context::<QueryClient>();
    let update = use_force_update();
    let boundary = use_memo((), |()| Boundary(Rc::new(Inner { caught: RefCell::default(), update })));
    let caught = boundary.0.caught.borrow().clone();
    if let Some((key, error)) = caught {
        let reset = {
            let (boundary, key) = (Boundary::clone(&boundary), key.clone());
            Callback::from(move |()| boundary.reset(client.as_ref(), &key))
        };
        return props.failed.emit(CaughtError { key, error, reset });
    }
    html! {
        <ContextProvider<Boundary> context={Boundary::clone(&boundary)}>
            <Suspense fallback={props.pending.clone()}>{props.children.clone()}</Suspense>
        </ContextProvider<Boundary>>
    }
}

/// The way from a failed component to its boundary. Stable, so that no consumer renders because of it.
#[derive(Clone)]
pub(crate) struct Boundary(Rc<Inner>);

struct Inner {
    caught: RefCell<Option<(QueryKey, QueryError<dyn Any>)>>,
    update: UseForceUpdateHandle,
}

impl PartialEq for Boundary {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Boundary {
    /// The first failure is shown.
    pub fn report<E: 'static>(&self, key: QueryKey, error: QueryError<E>) {
        let error: QueryError<dyn Any> = match error {
            QueryError::Fetch(error) => QueryError::Fetch(error),
            QueryError::Misuse(misuse) => QueryError::Misuse(misuse),
            QueryError::Cancelled => QueryError::Cancelled,
        };
        let free = self.0.caught.borrow().is_none();
        if free {
            self.0.caught.replace(Some((key, error)));
            self.0.update.force_update();
        }
    }

    fn reset(&self, client: Option<&QueryClient>, key: &QueryKey) {
        let before = self.0.caught.take();
        drop(before);
        if let Some(client) = client {
            // Also where it is not tried again when somebody new asks.
            client.reset(QueryFilter::exact(key.clone()));
        }
        self.0.update.force_update();
    }
}
