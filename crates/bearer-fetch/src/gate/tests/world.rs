//! A clock that moves when told to, a manual executor, a token source and a server.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures_channel::oneshot;

use crate::error::{ApiError, Refusal};
use crate::exchange::{Wish, exchange};
use crate::fetch::Answer;
use crate::gate::{Gate, MINIMUM_AGE};
use crate::runtime::{LocalBoxFuture, Runtime};
use crate::token::{BearerToken, TokenError, TokenFuture, TokenSource};

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    future: LocalBoxFuture<()>,
    woken: Arc<Woken>,
}

#[derive(Default)]
pub(crate) struct Inner {
    now: Cell<Duration>,
    tasks: RefCell<Vec<Task>>,
    sleepers: RefCell<Vec<(Duration, oneshot::Sender<()>)>>,
    // The sign-in service.
    present: Cell<u32>,
    pub(crate) refreshes: Cell<u32>,
    pub(crate) refresh_takes: Cell<Duration>,
    pub(crate) refresh_fails: RefCell<Option<TokenError>>,
    pub(crate) token_takes: Cell<Duration>,
    scope: Cell<u64>,
    enders: RefCell<Vec<oneshot::Sender<()>>>,
    // The server.
    accepts: RefCell<HashSet<String>>,
    pub(crate) answer_takes: Cell<Duration>,
    pub(crate) log: RefCell<Vec<String>>,
}

/// All of it. A clone is another handle.
#[derive(Clone, Default)]
pub(crate) struct World(pub(crate) Rc<Inner>);

impl World {
    pub(crate) fn gate(&self) -> Rc<Gate> {
        Rc::new(Gate::new(Rc::new(self.clone()), Rc::new(self.clone()), MINIMUM_AGE))
    }

    /// Runs what has been woken, and nothing else, until nothing is.
    pub(crate) fn run(&self) {
        loop {
            let ready = {
                let mut tasks = self.0.tasks.borrow_mut();
                let ready = tasks.iter().position(|task| task.woken.0.swap(false, Ordering::Relaxed));
                ready.map(|index| tasks.swap_remove(index))
            };
            let Some(mut task) = ready else { return };
            let waker = Waker::from(task.woken.clone());
            if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                self.0.tasks.borrow_mut().push(task);
            }
        }
    }

    pub(crate) fn advance(&self, time: Duration) {
        let end = self.0.now.get() + time;
        loop {
            self.run();
            let next = self.0.sleepers.borrow().iter().map(|(at, _)| *at).min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.0.now.set(next);
            let due: Vec<_> = self.0.sleepers.borrow_mut().extract_if(.., |(at, _)| *at <= next).collect();
            for (_, sender) in due {
                let _ = sender.send(());
            }
        }
        self.0.now.set(end);
    }

    /// Sets the clock, as a person or a time server may.
    pub(crate) fn set_clock(&self, now: Duration) {
        self.0.now.set(now);
    }

    /// The sign-in service makes a new token by itself.
    pub(crate) fn renew(&self) -> u32 {
        self.0.present.set(self.0.present.get() + 1);
        self.0.present.get()
    }

    pub(crate) fn accept(&self, token: u32) {
        self.0.accepts.borrow_mut().insert(format!("Bearer t{token}"));
    }

    pub(crate) fn end_scope(&self) {
        self.0.scope.set(self.0.scope.get() + 1);
        self.renew();
        for sender in self.0.enders.take() {
            let _ = sender.send(());
        }
    }

    /// Sends a request through the gate; the answer appears once it is there. Dropping it is giving up.
    pub(crate) fn send(&self, gate: &Rc<Gate>) -> Sent {
        self.send_as(gate, Wish::Token, true)
    }

    pub(crate) fn send_as(&self, gate: &Rc<Gate>, wish: Wish, replayable: bool) -> Sent {
        let (world, gate, answer) = (self.clone(), gate.clone(), Rc::new(RefCell::new(None)));
        let (kept, (leave, left)) = (answer.clone(), oneshot::channel::<()>());
        self.spawn(Box::pin(async move {
            let request = Box::pin(async {
                let answer =
                    exchange(&gate, wish, replayable, &|token, again| world.serve(token, again)).await;
                kept.replace(Some(answer.map(|answer| answer.text)));
            });
            futures_util::future::select(request, left).await;
        }));
        Sent { answer, leave: Some(leave) }
    }

    fn serve(&self, token: Option<BearerToken>, again: bool) -> LocalBoxFuture<Result<Answer, ApiError>> {
        let (world, said) = (self.clone(), token.map(|token| token.authorization_header()));
        Box::pin(async move {
            let said = said.unwrap_or_else(|| "nobody".into());
            world.0.log.borrow_mut().push(format!("{said}{}", if again { " again" } else { "" }));
            world.sleep(world.0.answer_takes.get()).await;
            if said == "nobody" || world.0.accepts.borrow().contains(&said) {
                return Ok(Answer { status: 200, content_type: String::new(), text: said });
            }
            Err(ApiError::Status(Box::new(Refusal { status: 401, ..Refusal::default() })))
        })
    }

    /// How many requests came in all, and how many of them for the second time.
    pub(crate) fn served(&self) -> (usize, usize) {
        let log = self.0.log.borrow();
        (log.len(), log.iter().filter(|line| line.ends_with(" again")).count())
    }
}

pub(crate) struct Sent {
    answer: Rc<RefCell<Option<Result<String, ApiError>>>>,
    leave: Option<oneshot::Sender<()>>,
}

impl Sent {
    /// The answer; panics if there is none yet.
    pub(crate) fn answer(&self) -> Result<String, ApiError> {
        self.answer.borrow().clone().expect("an answer")
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.answer.borrow().is_none()
    }

    pub(crate) fn leave(mut self) {
        drop(self.leave.take());
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        // The task that looks for this has its answer, or ends without one.
        drop(self.leave.take());
    }
}

impl Runtime for World {
    fn now(&self) -> Duration {
        self.0.now.get()
    }

    fn spawn(&self, future: LocalBoxFuture<()>) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.0.tasks.borrow_mut().push(Task { future, woken });
    }

    fn sleep(&self, time: Duration) -> LocalBoxFuture<()> {
        if time.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (sender, receiver) = oneshot::channel();
        self.0.sleepers.borrow_mut().push((self.0.now.get() + time, sender));
        Box::pin(async move {
            let _ = receiver.await;
        })
    }
}

impl TokenSource for World {
    fn token(&self) -> TokenFuture {
        let world = self.clone();
        // What is read is read when it is asked for, and may be old when it arrives.
        let token = BearerToken::new(&format!("t{}", self.0.present.get()));
        Box::pin(async move {
            world.sleep(world.0.token_takes.get()).await;
            Ok(token?)
        })
    }

    fn refresh(&self) -> TokenFuture {
        self.0.refreshes.set(self.0.refreshes.get() + 1);
        let world = self.clone();
        Box::pin(async move {
            world.sleep(world.0.refresh_takes.get()).await;
            if let Some(error) = world.0.refresh_fails.borrow().clone() {
                return Err(error);
            }
            Ok(BearerToken::new(&format!("t{}", world.renew()))?)
        })
    }

    fn scope(&self) -> u64 {
        self.0.scope.get()
    }

    fn scope_ended(&self) -> LocalBoxFuture<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.enders.borrow_mut().push(sender);
        Box::pin(async move {
            let _ = receiver.await;
        })
    }
}
