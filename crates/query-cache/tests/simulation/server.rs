//! The server: knows who asks it for what at this moment, and answers as it was told to.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Weak;
use std::task::{Context, Poll, Waker};

use query_cache::{ErrorClass, FetchContext, NetworkMode, QueryClient, seconds};

use super::coverage::{Kind, Kinds};
use super::keys::{KEYS, Look, OWN, PUBLIC, name_of, network, retries};
use super::model::MILLIS;
use super::value::{Fault, Origin, Owner, Value};
use super::world::{Place, Sky, World, spark};

/// More fetches than this in one step have no end.
const RUNAWAY: u32 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    Fail(ErrorClass),
    Slow,
    AtOnce,
    Lose,
    Spill,
}

/// A request under way.
struct Request {
    key: usize,
    began: u64,
    began_in: u64,
    kinds: Kinds,
    /// It needs nobody who wants it.
    kept: bool,
}

#[derive(Default)]
pub struct Server {
    contents: [Cell<u64>; KEYS],
    plans: RefCell<[VecDeque<Plan>; KEYS]>,
    requests: RefCell<Vec<Request>>,
    /// Those being polled at this moment: they can be called off, but not dropped.
    polled: RefCell<Vec<u64>>,
    pub begun: Cell<u32>,
    /// From now on nothing is lost.
    well: Cell<bool>,
    lost: RefCell<Vec<Waker>>,
}

impl Server {
    pub fn content(&self, key: usize) -> u64 {
        self.contents[key].get()
    }

    pub fn news(&self, key: usize) {
        self.contents[key].set(self.contents[key].get() + 1);
    }

    pub fn plan(&self, key: usize, plan: Plan, times: usize) {
        self.plans.borrow_mut()[key].extend(std::iter::repeat_n(plan, times));
    }

    /// How many requests for the key are under way.
    pub fn live(&self, key: usize) -> usize {
        self.requests.borrow().iter().filter(|request| request.key == key).count()
    }

    /// The request under way for the key.
    pub fn request(&self, key: usize) -> Option<u64> {
        let requests = self.requests.borrow();
        requests.iter().rfind(|request| request.key == key).map(|request| request.began)
    }

    /// The request under way for the key needs nobody.
    pub fn keep(&self, key: usize) {
        let mut requests = self.requests.borrow_mut();
        // The newest: one that is called off may still wait for its turn to be dropped.
        if let Some(request) = requests.iter_mut().rfind(|request| request.key == key) {
            request.kept = true;
        }
    }

    /// This kind of step is made while that key is being fetched.
    pub fn join_kinds(&self, key: usize, kind: Kind, meets: &mut Kinds) {
        for request in self.requests.borrow_mut().iter_mut().filter(|request| request.key == key) {
            meets.join(request.kinds);
            request.kinds.add(kind);
        }
    }

    /// All is well from now on: what was planned is forgotten, what was lost is found.
    pub fn heal(&self) {
        self.well.set(true);
        self.plans.borrow_mut().iter_mut().for_each(VecDeque::clear);
        let lost = self.lost.take();
        lost.into_iter().for_each(Waker::wake);
    }
}

impl World {
    fn arrive(&self, key: usize, attempt: u32) -> u64 {
        let began = self.tick();
        self.note(|| format!("fetch #{began} of {} begins (attempt {attempt})", name_of(key)));
        let server = &self.server;
        let busy = {
            let (requests, polled) = (server.requests.borrow(), server.polled.borrow());
            requests.iter().any(|request| request.key == key && !polled.contains(&request.began))
        };
        // From within user code, what is called off together may still wait for its turn to be dropped.
        if busy && !self.is_in_user_code() {
            self.breaks("one fetch at a time", || format!("{} is fetched twice at once", name_of(key)));
        }
        let weather = self.weather.get();
        let mode = network(key);
        let needs_network = mode == NetworkMode::Online || (mode == NetworkMode::OfflineFirst && attempt > 1);
        if weather.held && self.is_steady(Sky::Held) && key != PUBLIC {
            self.breaks("a held scope fetches nothing", || name_of(key));
        }
        if !weather.online && self.is_steady(Sky::Online) && needs_network {
            self.breaks("nothing is sent while offline", || name_of(key));
        }
        if !weather.focused && self.is_steady(Sky::Focused) && attempt > 1 {
            self.breaks("nothing is tried again while hidden", || name_of(key));
        }
        if attempt > retries(key) + 1 {
            self.breaks("only so many attempts", || format!("{}: attempt {attempt}", name_of(key)));
        }
        server.begun.set(server.begun.get() + 1);
        assert!(server.begun.get() < RUNAWAY, "{} is fetched without an end", name_of(key));
        let mut kinds = self.turn.get();
        kinds.add(self.step.get());
        let began_in = self.step_began.get();
        server.requests.borrow_mut().push(Request { key, began, began_in, kinds, kept: false });
        self.facts(key, |facts| facts.is_called_off = false);
        began
    }

    /// The server has answered: what this says about what the cache must know.
    fn answered(&self, key: usize, began: u64, attempt: u32, answer: &Result<Value, Fault>) {
        self.server.requests.borrow_mut().retain(|request| request.began != began);
        self.note(|| {
            let said = answer.as_ref().map(|value| value.id).map_err(|fault| fault.class);
            format!("fetch #{began} of {} is answered: {said:?}", name_of(key))
        });
        let online = self.weather.get().online;
        self.facts(key, |facts| {
            if facts.written > began {
                return;
            }
            match answer {
                Ok(_) => facts.answered = facts.answered.max(began),
                Err(fault) => {
                    let last = match fault.class {
                        ErrorClass::Offline if !online && network(key) != NetworkMode::Always => false,
                        ErrorClass::Unauthorized | ErrorClass::Permanent => true,
                        _ => fault.hopeless || attempt > retries(key),
                    };
                    if last {
                        facts.failed = facts.failed.max(began);
                    }
                }
            }
        });
    }

    /// A request was dropped before it was answered. Only the last who lets go may do that, or somebody who
    /// says so.
    fn dropped(&self, key: usize, began: u64) {
        let mut requests = self.server.requests.borrow_mut();
        let Some(place) = requests.iter().position(|request| request.began == began) else { return };
        let request = requests.remove(place);
        drop(requests);
        self.note(|| format!("fetch #{began} of {} is dropped", name_of(key)));
        // Who came in this very step may have come when it was called off and not yet dropped.
        let step = self.step_began.get();
        let (watchers, shaken) = self
            .facts(key, |facts| (if facts.watched_since < step { facts.watchers } else { 0 }, facts.shaken));
        let waits = self.calls.borrow().iter().any(|call| call.waits_for(began, step));
        let wanted = watchers > 0 || waits || request.kept;
        if self.client().is_some() && shaken < request.began_in && wanted {
            self.breaks("only the last to let go calls a fetch off", || {
                format!("{} was dropped with {watchers} watching; waiting: {waits}", name_of(key))
            });
        }
    }

    async fn respond(&self, key: usize, owner: Owner, cx: &FetchContext) -> Result<(), (ErrorClass, bool)> {
        let plan = self.server.plans.borrow_mut()[key].pop_front();
        match plan {
            Some(Plan::AtOnce) => return Ok(()),
            Some(Plan::Slow) => self.env.sleep(seconds(17)).await,
            Some(Plan::Lose) if !self.server.well.get() => {
                poll_fn(|cx| {
                    if self.server.well.get() {
                        return Poll::Ready(());
                    }
                    self.server.lost.borrow_mut().push(cx.waker().clone());
                    Poll::Pending
                })
                .await;
                return Err((ErrorClass::RETRYABLE, false));
            }
            _ => self.env.sleep(100 * MILLIS).await,
        }
        match plan {
            Some(Plan::Fail(class)) => Err((class, key == OWN && self.draw(|rng| rng.one_in(2)))),
            Some(Plan::Spill) if key != PUBLIC => {
                if let Some(client) = cx.client() {
                    self.spill(&client, owner);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The answer holds another query's data, too.
    fn spill(&self, client: &QueryClient, owner: Owner) {
        let born = self.tick();
        client.set_data(&self.item(1, Look::PLAIN), self.value_of(1, owner, Origin::Written, born));
        if let Owner::Scope(scope) = owner {
            self.wrote(1, born, scope);
        }
    }
}

/// One attempt, as a query makes it.
pub async fn answer(world: Weak<World>, key: usize, cx: FetchContext) -> Result<Value, Fault> {
    let attempt = cx.attempt();
    let Some(here) = world.upgrade() else { return std::future::pending().await };
    let began = here.arrive(key, attempt);
    let owner = here.owner(key);
    let inner = Box::pin(attempt_of(world.clone(), key, owner, began, cx));
    drop(here);
    Flight { inner: Some(inner), world, key, began, attempt }.await
}

async fn attempt_of(
    world: Weak<World>,
    key: usize,
    owner: Owner,
    began: u64,
    cx: FetchContext,
) -> Result<Value, Fault> {
    /// Something a fetch holds that calls the client when the fetch is dropped.
    struct Held(Weak<World>);
    impl Drop for Held {
        fn drop(&mut self) {
            spark(&self.0, Place::Drop);
        }
    }
    let _held = Held(world.clone());
    spark(&world, Place::Fetch);
    let Some(here) = world.upgrade() else { return std::future::pending().await };
    let said = here.respond(key, owner, &cx).await;
    spark(&world, Place::Fetch);
    match said {
        Ok(()) => Ok(here.value_of(key, owner, Origin::Fetched, began)),
        Err((class, hopeless)) => Err(here.fault(owner, class, hopeless)),
    }
}

type Inner = Pin<Box<dyn Future<Output = Result<Value, Fault>>>>;

/// Tells the server when the fetch is polled, answered or dropped.
struct Flight {
    inner: Option<Inner>,
    world: Weak<World>,
    key: usize,
    began: u64,
    attempt: u32,
}

impl Future for Flight {
    type Output = Result<Value, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(world) = self.world.upgrade() else { return Poll::Pending };
        let Flight { inner, key, began, attempt, .. } = &mut *self;
        let Some(inner) = inner else { return Poll::Pending };
        world.server.polled.borrow_mut().push(*began);
        let answer = inner.as_mut().poll(cx);
        world.server.polled.borrow_mut().pop();
        if let Poll::Ready(answer) = &answer {
            world.answered(*key, *began, *attempt, answer);
        }
        answer
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            world.dropped(self.key, self.began);
        }
        self.inner = None;
    }
}
