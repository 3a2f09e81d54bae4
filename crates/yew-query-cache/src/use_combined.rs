//! `use_combined`: many queries folded into one value.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{AnyQuery, Combination, Fold, Query, QueryClient, Results};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::bridge::BROWSER;
use crate::misuse::HookKind;
use crate::provider::use_client;

/// Watches as many queries of one type as there are, and makes one value of them: a total, the first error, whether
/// any is being fetched. The component renders again when that is another value (by its `PartialEq`), and for
/// nothing else that happens to the queries.
///
/// The fold runs in each render, and once for all that changes in a turn, if it asked about that. It may use what the
/// component has at hand. The `Rc` stays the same for as long as equal values are made.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{query, query_key, use_combined};
///
/// #[derive(PartialEq, Properties)]
/// struct CartProps {
///     items: Vec<u32>,
/// }
///
/// #[component]
/// fn Total(props: &CartProps) -> Html {
///     let price = |id: &u32| {
///         let id = *id;
///         query(query_key!["price", id], async move |_| Ok::<u32, String>(10 * id))
///     };
///     let total = use_combined(props.items.iter().map(price), |prices| {
///         prices.map(|price| price.data().map(|price| *price)).sum::<Option<u32>>()
///     });
///     match *total {
///         Some(total) => html! { total },
///         None => html! { "…" },
///     }
/// }
/// ```
///
/// Outside of a browser, and of a [`QueryClientProvider`](crate::QueryClientProvider), all queries are pending.
///
#[hook]
pub fn use_combined<Q: Query, S: PartialEq + 'static>(
    queries: impl IntoIterator<Item = Q>,
    fold: impl Fn(Results<'_, Q>) -> S + 'static,
) -> Rc<S> {
    let queries = queries.into_iter().map(AnyQuery::new).collect();
    let fold = Rc::new(fold);
    let held = fold.clone();
    let made = use_any_combination(queries, Fold::new::<Q, S>(move |results| held(results)));
    made.and_then(|made| made.downcast().ok()).unwrap_or_else(|| Rc::new(fold(Results::none())))
}

#[hook]
fn use_any_combination(queries: Vec<AnyQuery>, fold: Fold) -> Option<Rc<dyn Any>> {
    let client = use_client(HookKind::Combined);
    let update = use_force_update();
    let watch = use_memo((), |()| CombinedWatch::default());
    match client {
        Ok(client) if BROWSER => watch.follow(&client, &queries, fold, &update),
        _ => fold.of_pending(queries.len()),
    }
}

#[derive(Default)]
struct CombinedWatch {
    combination: RefCell<Option<Combination>>,
}

impl CombinedWatch {
    fn follow(
        &self,
        client: &QueryClient,
        queries: &[AnyQuery],
        fold: Fold,
        update: &UseForceUpdateHandle,
    ) -> Option<Rc<dyn Any>> {
        let held = self.combination.borrow().clone().filter(|held| held.client() == client);
        if let Some(combination) = held {
            combination.follow_with(queries, fold);
            return combination.get();
        }
        let update = update.clone();
        let combination = client.observe_any_all(queries, fold, Box::new(move || update.force_update()));
        let made = combination.get();
        let before = self.combination.replace(Some(combination));
        drop(before);
        made
    }
}
