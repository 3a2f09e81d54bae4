//! A fetch under way: the future, the task that polls it, and how it is called off.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::client::QueryClient;
use crate::context::FetchContext;
use crate::engine::FlightId;
use crate::entry::FetchCause;
use crate::environment::LocalBoxFuture;
use crate::policy::Policy;
use crate::query::{Answer, DynQuery};

/// The future of one attempt, shared by the task that polls it and the engine that may call it off.
#[derive(Default)]
pub(crate) struct Flight {
    // Taken out while it is polled, so that a fetch may call itself off.
    future: Cell<Option<LocalBoxFuture<Answer>>>,
    waker: Cell<Option<Waker>>,
    aborted: Cell<bool>,
}

/// An attempt to send.
pub(crate) struct Start {
    pub id: FlightId,
    pub flight: Rc<Flight>,
    pub query: Rc<dyn DynQuery>,
    pub policy: Rc<Policy>,
    pub attempt: u32,
    pub cause: FetchCause,
}

impl Flight {
    /// Drops the future now, or, when it is being polled, as soon as that is over. Runs user code.
    pub fn abort(&self) {
        self.aborted.set(true);
        drop(self.future.take());
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        let Some(mut future) = self.future.take() else { return Poll::Ready(None) };
        drop(self.waker.replace(Some(cx.waker().clone())));
        let polled = Pin::as_mut(&mut future).poll(cx);
        if self.aborted.get() {
            return Poll::Ready(None);
        }
        match polled {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => {
                self.future.set(Some(future));
                Poll::Pending
            }
        }
    }
}

/// Begins the attempt in the call that asks for it. An answer that is there at once is settled by the task
/// all the same, so that no state changes twice in one call.
pub(crate) fn launch(start: Start, client: &QueryClient) -> Option<LocalBoxFuture<()>> {
    let Start { id, flight, query, policy, attempt, cause } = start;
    if flight.aborted.get() {
        return None;
    }
    // What a fetch does to the cache belongs to the scope it was begun in.
    let scope = (!policy.plain.public).then_some(id.scope());
    let cx = FetchContext {
        client: client.in_scope(scope).downgrade(),
        attempt,
        cause,
        focused: client.is_focused(),
        meta: policy.meta().cloned(),
        #[cfg(feature = "stream")]
        flight: id,
    };
    drop(policy);
    let client = client.in_scope(None).downgrade();
    let future = query.start(cx);
    if flight.aborted.get() {
        return None;
    }
    flight.future.set(Some(future));
    let mut early = match flight.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(None) => return None,
        Poll::Ready(answer) => answer,
        Poll::Pending => None,
    };
    Some(Box::pin(async move {
        let answer = match early.take() {
            Some(answer) => Some(answer),
            None => poll_fn(|cx| flight.poll(cx)).await,
        };
        if let (Some(answer), Some(client)) = (answer, client.upgrade()) {
            client.settle(id, &answer);
        }
    }))
}
