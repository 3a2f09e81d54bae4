//! A call under way: its future, the task that polls it, and how it is called off.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::environment::LocalBoxFuture;

/// The future of one call, shared by the task that polls it, the store that may throw it away, and what happens
/// in the world: what was paused goes on in the very call that ends the pause, in order.
#[derive(Default)]
pub(crate) struct Run {
    // Taken out while it is polled, so that a call may throw itself away.
    future: Cell<Option<LocalBoxFuture<()>>>,
    waker: Cell<Option<Waker>>,
    polling: Cell<bool>,
    /// Something happened while it was polled.
    again: Cell<bool>,
    in_task: Cell<bool>,
    discarded: Cell<bool>,
    cancelled: Cell<bool>,
}

impl Run {
    pub fn put(&self, future: LocalBoxFuture<()>) {
        self.future.set(Some(future));
    }

    /// Polls it, in its own task.
    pub fn poll_in_task(&self, cx: &mut Context<'_>) -> Poll<()> {
        drop(self.waker.replace(Some(cx.waker().clone())));
        let before = self.in_task.replace(true);
        let polled = self.poll(cx);
        self.in_task.set(before);
        polled
    }

    /// Polls it here and now. Says whether it is over.
    pub fn nudge(&self) -> bool {
        let waker = self.waker.take();
        let here = waker.clone().unwrap_or_else(|| Waker::noop().clone());
        drop(self.waker.replace(waker));
        let before = self.in_task.replace(false);
        let over = self.poll(&mut Context::from_waker(&here)).is_ready();
        self.in_task.set(before);
        if over {
            here.wake(); // The task has nothing more to wait for.
        }
        over
    }

    /// Has it polled by its task.
    pub fn wake(&self) {
        let waker = self.waker.take();
        let woken = waker.clone();
        drop(self.waker.replace(waker));
        if let Some(waker) = woken {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.polling.get() {
            self.again.set(true);
            return Poll::Pending;
        }
        let Some(mut future) = self.future.take() else { return Poll::Ready(()) };
        self.polling.set(true);
        let over = loop {
            self.again.set(false);
            if future.as_mut().poll(cx).is_ready() || self.discarded.get() {
                break true;
            }
            if !self.again.get() {
                break false;
            }
        };
        self.polling.set(false);
        if over {
            return Poll::Ready(());
        }
        self.future.set(Some(future));
        Poll::Pending
    }

    /// Throws it away, or, while it is being polled, as soon as that is over. Runs user code.
    pub fn discard(&self) {
        self.discarded.set(true);
        drop(self.future.take());
        self.wake();
    }

    /// Calls it off, unless there is an answer.
    pub fn cancel(&self) {
        self.cancelled.set(true);
        self.nudge();
    }

    /// What comes of this stage, or nothing when the call is called off: what the stage owns is dropped then.
    pub async fn unless_cancelled<T>(&self, stage: impl Future<Output = T>) -> Option<T> {
        let mut stage = pin!(stage);
        poll_fn(|cx| if self.cancelled.get() { Poll::Ready(None) } else { stage.as_mut().poll(cx).map(Some) })
            .await
    }

    /// Waits for its own task: what began in a call that asked does not change again within that call.
    pub async fn in_task(&self) {
        poll_fn(|cx| {
            if self.in_task.get() {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}
