//! Waiting for a verdict.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::client::QueryClient;
use crate::engine::{Verdict, WaiterSlot};
use crate::error::QueryError;
use crate::key::QueryKey;
use crate::query::Query;
use crate::view::typed_error;

/// A call that waits, without its types. Dropping it lets go of the fetch.
pub(crate) struct Call {
    client: QueryClient,
    slot: WaiterSlot,
}

impl Call {
    pub fn new(client: QueryClient, slot: WaiterSlot) -> Self {
        Call { client, slot }
    }

    pub fn poll(&self, cx: &Context<'_>) -> Poll<Verdict> {
        Call::poll_slot(&self.client, self.slot, cx)
    }

    pub fn poll_slot(client: &QueryClient, slot: WaiterSlot, cx: &Context<'_>) -> Poll<Verdict> {
        if client.read(|engine| engine.is_hopeless(slot)) {
            return Poll::Ready(Err(QueryError::Cancelled));
        }
        // Cloning a waker is user code: before the engine is borrowed, not within.
        let mut waker = Some(cx.waker().clone());
        let verdict = client.step(|engine, _, fx| engine.poll_call(slot, &mut waker, fx));
        drop(waker);
        verdict.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.client.step(|engine, _, fx| engine.hang_up(self.slot, fx));
    }
}

/// The data of a query, when it is there. Made by [`QueryClient::query`]; the fetch has begun already.
///
/// Waiting is interest: when the last one who waits or watches lets go, the fetch is dropped. While there is
/// no network, and while the scope is held, it waits.
#[must_use = "dropping it lets go of the fetch; to fetch for later, use `prefetch`"]
pub struct QueryFuture<Q> {
    call: Call,
    query: PhantomData<fn() -> Q>,
}

impl<Q: Query> QueryFuture<Q> {
    pub(crate) fn new(call: Call) -> Self {
        QueryFuture { call, query: PhantomData }
    }

    /// Something made of the data instead of the data.
    pub async fn select<S>(self, select: impl FnOnce(&Q::Data) -> S) -> Result<S, QueryError<Q::Error>> {
        self.await.map(|data| select(&data))
    }
}

impl<Q: Query> Future for QueryFuture<Q> {
    type Output = Result<Rc<Q::Data>, QueryError<Q::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.call.poll(cx).map(|verdict| match verdict {
            Ok(data) => data.downcast().map_err(|_| QueryError::Cancelled),
            Err(error) => Err(typed_error(&error).unwrap_or(QueryError::Cancelled)),
        })
    }
}

impl<Q> fmt::Debug for QueryFuture<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueryFuture")
    }
}

/// Ready when the fetches it was made for are over. Made by [`QueryClient::settled`].
///
/// Comes to the queries that failed, and why: none, if all went well.
#[must_use = "dropping it lets go of the fetches"]
pub struct Settled {
    waiting: Vec<(QueryKey, Call)>,
    failures: Vec<(QueryKey, QueryError<dyn Any>)>,
}

impl Settled {
    pub(crate) fn new(waiting: Vec<(QueryKey, Call)>) -> Self {
        Settled { waiting, failures: Vec::new() }
    }
}

impl Future for Settled {
    type Output = Vec<(QueryKey, QueryError<dyn Any>)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        for (key, call) in std::mem::take(&mut this.waiting) {
            match call.poll(cx) {
                Poll::Pending => this.waiting.push((key, call)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => this.failures.push((key, error)),
            }
        }
        if this.waiting.is_empty() { Poll::Ready(std::mem::take(&mut this.failures)) } else { Poll::Pending }
    }
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
