//! Those who wait for a call, polled by a waker that calls the client.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use query_cache::{QueryError, QueryFuture};

use super::keys::{FIXED, Item, name_of};
use super::value::{Fault, Origin, Value};
use super::world::{Place, Sky, World, spark};

thread_local! {
    /// Wakers can be sent to other threads, so they cannot hold their world.
    static WORLD: RefCell<Weak<World>> = RefCell::default();
    static WAKERS: Cell<i64> = const { Cell::new(0) };
}

/// The wakers of this thread belong to this world from now on.
pub fn wake_in(world: &Rc<World>) {
    WORLD.set(Rc::downgrade(world));
    WAKERS.set(0);
}

pub fn wakers_alive() -> i64 {
    WAKERS.get()
}

struct Bell(AtomicBool);

impl Bell {
    fn new() -> Arc<Self> {
        WAKERS.set(WAKERS.get() + 1);
        Arc::new(Bell(AtomicBool::new(true)))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
        spark(&WORLD.with_borrow(Weak::clone), Place::Waker);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        WAKERS.set(WAKERS.get() - 1);
        spark(&WORLD.with_borrow(Weak::clone), Place::Waker);
    }
}

pub struct PendingCall {
    pub key: usize,
    asked: u64,
    /// The last invalidation before it was asked: what it gets must be newer.
    invalidated: u64,
    /// The request it waits for, as far as is known.
    waits_for: Cell<u64>,
    any_will_do: bool,
    future: RefCell<Option<Pin<Box<QueryFuture<Item>>>>>,
    bell: Arc<Bell>,
}

impl PendingCall {
    /// Whether it waits for this request, and has since before that moment.
    pub fn waits_for(&self, request: u64, moment: u64) -> bool {
        self.waits_for.get() == request && self.asked < moment && !self.bell.0.load(Ordering::Relaxed)
    }

    pub fn is_done(&self) -> bool {
        self.future.borrow().is_none()
    }
}

impl World {
    /// `future` was just made, at that moment.
    pub fn wait(&self, key: usize, future: QueryFuture<Item>, asked: u64, before: u64, any: bool) {
        let call = Rc::new(PendingCall {
            key,
            asked,
            invalidated: before,
            waits_for: Cell::new(0),
            any_will_do: any || key == FIXED,
            future: RefCell::new(Some(Box::pin(future))),
            bell: Bell::new(),
        });
        self.calls.borrow_mut().push(call.clone());
        self.poll(&call);
        if !call.is_done() {
            call.waits_for.set(self.server.request(key).unwrap_or(0));
        }
    }

    /// Polls all who were woken, until none is. Says whether there may be something to run.
    pub fn poll_calls(&self) -> bool {
        let mut any = false;
        loop {
            let calls = self.calls.borrow().clone();
            let Some(call) = calls.iter().find(|call| !call.is_done() && call.bell.0.load(Ordering::Relaxed))
            else {
                break;
            };
            self.poll(call);
            any = true;
        }
        let (done, waiting): (Vec<_>, Vec<_>) =
            self.calls.take().into_iter().partition(|call| call.is_done());
        self.calls.borrow_mut().extend(waiting);
        // Dropping one may call the client, too.
        any || !done.is_empty()
    }

    fn poll(&self, call: &PendingCall) {
        call.bell.0.store(false, Ordering::Relaxed);
        // Taken out: it may be let go of meanwhile.
        let Some(mut future) = call.future.take() else { return };
        let waker = Waker::from(call.bell.clone());
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => drop(call.future.replace(Some(future))),
            Poll::Ready(verdict) => {
                self.note(|| format!("a call for {} has its verdict", name_of(call.key)));
                self.check_verdict(call, &verdict);
                drop(verdict);
                drop(future);
            }
        }
    }

    fn check_verdict(&self, call: &PendingCall, verdict: &Result<Rc<Value>, QueryError<Fault>>) {
        let what = || format!("the verdict of a call for {}", name_of(call.key));
        let told = !matches!(verdict, Err(QueryError::Cancelled));
        if told && self.is_hidden(call.key) && self.is_steady(Sky::Held) {
            self.breaks("a held scope shows nothing", what);
        }
        match verdict {
            Ok(value) => {
                self.owned(value.owner, what);
                if value.key != call.key {
                    self.breaks("a key has its own data", what);
                }
                let called_off = self.facts(call.key, |facts| facts.called_off);
                if !call.any_will_do
                    && value.origin == Origin::Fetched
                    && value.confirmed.get() < call.invalidated
                    && called_off < call.asked
                {
                    self.breaks("who asks after an invalidation gets what is newer", || {
                        format!(
                            "{} was fetched at {}, invalidated at {} and asked for at {}",
                            name_of(call.key),
                            value.confirmed.get(),
                            call.invalidated,
                            call.asked
                        )
                    });
                }
            }
            Err(QueryError::Fetch(fault)) => self.owned(fault.owner, what),
            Err(QueryError::Cancelled | QueryError::Misuse(_)) => {}
        }
    }

    pub fn let_go(&self, nth: usize) {
        let call = {
            let mut calls = self.calls.borrow_mut();
            if calls.is_empty() {
                return;
            }
            let nth = nth % calls.len();
            calls.remove(nth)
        };
        let future = call.future.take();
        drop(future);
        drop(call);
    }
}
