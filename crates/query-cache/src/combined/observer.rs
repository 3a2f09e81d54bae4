//! Watching many queries of one type, folded into one value.

use std::marker::PhantomData;
use std::rc::Rc;

use super::combination::Combination;
use super::fold::{Fold, Results};
use crate::client::QueryClient;
use crate::query::{AnyQuery, Query};

/// Watches many queries, folded into one value, until it is dropped. Made by [`QueryClient::observe_all`].
#[derive(Debug)]
pub struct CombinedObserver<Q, S> {
    combination: Combination,
    types: PhantomData<fn() -> (Q, S)>,
}

impl<Q: Query, S: 'static> CombinedObserver<Q, S> {
    /// What was made of the queries, as they were when the last turn ended. The same `Rc` for as long as equal
    /// values are made. `None` only while it is made for the first time.
    pub fn get(&self) -> Option<Rc<S>> {
        self.combination.get()?.downcast().ok()
    }

    /// Watches these queries from now on, as [`Combination::follow`].
    pub fn follow(&self, queries: impl IntoIterator<Item = Q>) {
        self.combination.follow(&queries.into_iter().map(AnyQuery::new).collect::<Vec<_>>());
    }

    /// Fetches all of them again, fresh or not.
    pub fn refetch(&self) {
        self.combination.refetch();
    }
}

impl QueryClient {
    /// Watches as many queries of one type as there are, and makes one value of them. The listener is called, one
    /// turn later, when that is another value. The fold runs once for all that changes in one turn, and only if
    /// what it asked about did; a query that changes costs no more for there being others.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, QueryClient, query, query_key};
    ///
    /// let world = ManualEnvironment::new(1);
    /// let client = QueryClient::new(world.clone());
    /// let price = |id: u32| query(query_key!["price", id], async move |_| Ok::<u32, String>(10 * id));
    /// let total = client.observe_all(
    ///     (1..=3).map(price),
    ///     |prices| prices.map(|price| price.data().map(|price| *price)).sum::<Option<u32>>(),
    ///     || println!("another total"),
    /// );
    /// assert_eq!(total.get().as_deref(), Some(&None));
    /// world.run();
    /// assert_eq!(total.get().as_deref(), Some(&Some(60)));
    /// total.follow([1, 3].map(price));
    /// assert_eq!(total.get().as_deref(), Some(&Some(40)));
    /// ```
    pub fn observe_all<Q: Query, S: PartialEq + 'static>(
        &self,
        queries: impl IntoIterator<Item = Q>,
        fold: impl Fn(Results<'_, Q>) -> S + 'static,
        listener: impl Fn() + 'static,
    ) -> CombinedObserver<Q, S> {
        let queries: Vec<_> = queries.into_iter().map(AnyQuery::new).collect();
        let combination = self.observe_any_all(&queries, Fold::new::<Q, S>(fold), Box::new(listener));
        CombinedObserver { combination, types: PhantomData }
    }
}
