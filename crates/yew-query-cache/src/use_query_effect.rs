//! `use_query_effect`: acting on what comes of a fetch.

use std::rc::Rc;

use query_cache::{Query, QueryError, QueryKey, Snapshot};
use yew::{hook, use_effect, use_mut_ref};

use crate::bridge::Interest;
use crate::use_query::UseQuery;

/// Acts once on each result that comes while the component is mounted, after it is shown: a message when a
/// refresh has failed, a page turn when something was found. Not on what was there before.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{query, query_key, use_query, use_query_effect};
///
/// #[component]
/// fn Greeting() -> Html {
///     let greeting = use_query(query(query_key!["greeting"], async |_| Ok::<_, String>(1)));
///     let failures = use_state(|| 0);
///     let count = failures.clone();
///     use_query_effect(&greeting, move |result| {
///         if result.is_err() {
///             count.set(*count + 1);
///         }
///     });
///     html! { *failures }
/// }
/// ```
#[hook]
pub fn use_query_effect<Q: Query>(
    query: &UseQuery<Q>,
    act: impl FnOnce(Result<Rc<Q::Data>, QueryError<Q::Error>>) + 'static,
) {
    if let Some(watch) = query.watch.upgrade() {
        watch.shows(Interest::Details);
    }
    let result = match (query.error(), query.data()) {
        (Some(error), _) => Some(Err(error.clone())),
        (None, Some(data)) => Some(Ok(data.clone())),
        (None, None) => None,
    };
    let moment = query.snapshot.as_ref().filter(|snapshot| snapshot.is_fetched_since_mount());
    let moment = moment.map(Snapshot::result_count);
    let acted = use_mut_ref(|| None::<(QueryKey, u64)>);
    let key = query.watch.upgrade().and_then(|watch| watch.observer()).and_then(|observer| observer.key());
    use_effect(move || {
        let now = key.zip(moment);
        let new = now.is_some() && *acted.borrow() != now;
        // Also when there is none: what comes under this key later may have been forgotten meanwhile.
        acted.replace(now);
        if let Some(result) = result.filter(|_| new) {
            act(result);
        }
    });
}
