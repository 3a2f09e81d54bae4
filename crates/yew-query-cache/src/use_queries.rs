//! `use_queries`: as many queries as there happen to be.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use query_cache::{AnyQuery, Misuse, Query, QueryClient, QueryKey, Snapshot};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::bridge::{BROWSER, Watch, renders};
use crate::misuse::HookKind;
use crate::provider::use_client;
use crate::use_query::UseQuery;

/// Watches queries of one type, any number of them, as [`use_query`](crate::use_query) does one. What they
/// found comes in the order of the queries.
///
/// A query that stays in the list, at whatever place, keeps its fetch; all that change in one turn render the
/// component once.
#[hook]
pub fn use_queries<Q: Query>(queries: impl IntoIterator<Item = Q>) -> Vec<UseQuery<Q>> {
    let queries = queries.into_iter().map(AnyQuery::new).collect();
    let found = use_any_queries(queries);
    found.into_iter().map(|(seen, watch)| UseQuery::new(seen, &watch)).collect()
}

type Found = (Result<Option<Snapshot>, Misuse>, Rc<Watch>);

#[hook]
fn use_any_queries(queries: Vec<AnyQuery>) -> Vec<Found> {
    let client = use_client(HookKind::Queries);
    let update = use_force_update();
    let list = use_memo((), |()| List::default());
    match client {
        Ok(client) if BROWSER => list.follow(&client, &queries, &update),
        other => {
            let seen = other.map(|_| None);
            queries.iter().map(|_| (seen.clone(), Rc::new(Watch::default()))).collect()
        }
    }
}

/// What is watched, by key: a list that is sorted anew lets go of nothing.
#[derive(Default)]
struct List(RefCell<HashMap<QueryKey, Vec<Rc<Watch>>>>);

impl List {
    fn follow(
        &self,
        client: &QueryClient,
        queries: &[AnyQuery],
        update: &UseForceUpdateHandle,
    ) -> Vec<Found> {
        let mut before = self.0.take();
        let mut now: HashMap<QueryKey, Vec<Rc<Watch>>> = HashMap::with_capacity(queries.len());
        let mut found = Vec::with_capacity(queries.len());
        for query in queries {
            let key = query.key();
            let watch = before.get_mut(&key).and_then(Vec::pop).unwrap_or_default();
            found.push((Ok(Some(watch.follow(client, query, &|| renders(update)))), watch.clone()));
            now.entry(key).or_default().push(watch);
        }
        self.0.replace(now);
        // Only now: what is left of these is not wanted any more.
        drop(before);
        found
    }
}
