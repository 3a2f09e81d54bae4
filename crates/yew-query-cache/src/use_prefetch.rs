//! `use_prefetch`: data for what will be shown next.

use std::cell::RefCell;

use query_cache::{AnyQuery, Query, QueryKey};
use yew::{hook, use_memo};

use crate::bridge::BROWSER;
use crate::misuse::HookKind;
use crate::provider::use_client;

/// Fetches a query that is not fresh without watching it, in the first render and whenever its key changes:
/// for what a component below, or the next page, will ask for.
#[hook]
pub fn use_prefetch<Q: Query>(query: Q) {
    use_any_prefetch(AnyQuery::new(query));
}

#[hook]
fn use_any_prefetch(query: AnyQuery) {
    let client = use_client(HookKind::Prefetch);
    let last = use_memo((), |()| RefCell::<Option<QueryKey>>::default());
    let key = query.key();
    let new = last.borrow().as_ref() != Some(&key);
    if let (Ok(client), true, true) = (client, new, BROWSER) {
        last.replace(Some(key));
        client.prefetch_any(&query);
    }
}
