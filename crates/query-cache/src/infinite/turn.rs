//! A page waits until the fetch of its list has got to it.

use std::any::Any;
use std::future::poll_fn;
use std::task::Poll;

use super::erased::AnyParam;
use super::lists::{Lists, entry};
use crate::context::FetchContext;
use crate::entry::{Entry, Kind};
use crate::filter::QueryFilter;
use crate::key::QueryKey;

/// Ready when the page may be fetched: it is its turn, or nobody is fetching the list. A list whose fetch came
/// to nothing takes those of its pages that it has not got to with it, and one that has been fetched those that
/// are in it no more; but for one that a call waits for, or that has no data. `params`: what the list's data holds.
pub(super) async fn turn(
    cx: &FetchContext,
    (list, list_kind): (&QueryKey, Kind),
    (page, kind): (&QueryKey, Kind),
    params: fn(&dyn Any) -> &[AnyParam],
) {
    let weak = cx.client.clone();
    let mut waited = false;
    poll_fn(|cx| {
        let Some(client) = weak.upgrade() else { return Poll::Ready(()) };
        let walked = client.read(|engine| entry(engine, list, list_kind).is_some_and(Entry::is_running));
        if !walked && !waited {
            return Poll::Ready(());
        }
        let state = client.extension::<Lists>().of(list, list_kind);
        let Some(this) = page.segments().last().filter(|this| !state.claims(this)) else {
            return Poll::Ready(());
        };
        if walked {
            waited = true;
            state.wait(cx.waker().clone());
            return Poll::Pending;
        }
        let dropped = state.has_dropped(this);
        let dispensable = client.read(|engine| {
            // Without data, somebody who watches it has nothing else to look at.
            let entry = entry(engine, page, kind).filter(|entry| entry.data().is_some());
            entry.is_some_and(|entry| entry.fetch.as_ref().is_none_or(|fetch| fetch.waiters.is_empty()))
        });
        let listed = || {
            let list = state.read(&client, |entry| entry.base().cloned()).flatten();
            list.is_some_and(|list| params(&*list).iter().any(|held| held.segment == *this))
        };
        if !dispensable || !(dropped || (state.failed.get() && listed())) {
            return Poll::Ready(());
        }
        client.cancel(QueryFilter::of_kind(page.clone(), kind));
        if dropped {
            // Due, that is fetched if somebody watches it when the list's watchers have let go of it.
            client.invalidate(QueryFilter::of_kind(page.clone(), kind));
        }
        Poll::Pending
    })
    .await;
}
