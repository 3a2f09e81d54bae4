//! Waiting for what comes of a call.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::definition::Mutation;
use super::state::{MutationError, MutationId, Outcome, typed_error};
use crate::client::WeakQueryClient;

/// Where a call leaves what came of it.
#[derive(Default)]
pub(crate) struct Promise {
    outcome: Cell<Option<Outcome>>,
    waker: Cell<Option<Waker>>,
}

impl Promise {
    pub fn keep(&self, outcome: Outcome) -> Option<Waker> {
        self.outcome.set(Some(outcome));
        self.wake()
    }

    /// Whoever is to be woken.
    pub fn wake(&self) -> Option<Waker> {
        self.waker.take()
    }
}

/// What comes of a call of a mutation. Made by [`QueryClient::mutate`](crate::QueryClient::mutate); the call has
/// begun already, and goes on when this is dropped.
///
/// Comes to [`MutationError::Cancelled`] when the call is called off, and when its scope has ended.
#[must_use = "to go on without waiting, say `.detach()`"]
pub struct MutationFuture<M: ?Sized> {
    client: WeakQueryClient,
    promise: Rc<Promise>,
    id: MutationId,
    mutation: PhantomData<fn() -> M>,
}

impl<M: Mutation> MutationFuture<M> {
    pub(super) fn new(client: WeakQueryClient, promise: Rc<Promise>, id: MutationId) -> Self {
        MutationFuture { client, promise, id, mutation: PhantomData }
    }

    /// Which call it is.
    pub fn id(&self) -> MutationId {
        self.id
    }

    /// Goes on without waiting. Says which call it is.
    pub fn detach(self) -> MutationId {
        self.id
    }

    /// Has this called when it is over, after the mutation's own callbacks. Not called when the scope has ended.
    pub fn then(
        self,
        then: impl FnOnce(Result<Rc<M::Data>, MutationError<M::Error>>) + 'static,
    ) -> MutationId {
        let (id, client) = (self.id, self.client.clone());
        if let Some(now) = client.upgrade() {
            now.spawn(Box::pin(async move {
                let outcome = self.await;
                if client.upgrade().is_some_and(|client| !client.is_over()) {
                    then(outcome);
                }
            }));
        }
        id
    }
}

impl<M: Mutation> Future for MutationFuture<M> {
    type Output = Result<Rc<M::Data>, MutationError<M::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        poll(&self.client, &self.promise, cx).map(|outcome| match outcome {
            Ok(data) => data.downcast().map_err(|_| MutationError::Cancelled),
            Err(error) => Err(typed_error(&error).unwrap_or(MutationError::Cancelled)),
        })
    }
}

fn poll(
    client: &WeakQueryClient,
    promise: &Promise,
    cx: &Context<'_>,
) -> Poll<Result<Rc<dyn Any>, MutationError<dyn Any>>> {
    if client.upgrade().is_none_or(|client| client.is_over()) {
        return Poll::Ready(Err(MutationError::Cancelled));
    }
    if let Some(outcome) = promise.outcome.take() {
        return Poll::Ready(outcome);
    }
    drop(promise.waker.replace(Some(cx.waker().clone())));
    Poll::Pending
}

impl<M: ?Sized> fmt::Debug for MutationFuture<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutationFuture").field(&self.id).finish()
    }
}
