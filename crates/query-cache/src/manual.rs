//! A world that moves only when told to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::client::{QueryClient, WeakQueryClient};
use crate::environment::{Environment, LocalBoxFuture, Timestamp};

/// A virtual clock and executor: time passes only in [`advance`](ManualEnvironment::advance), tasks run only
/// there and in [`run`](ManualEnvironment::run). Which of several ready tasks runs first is drawn from the
/// seed, so that a test does not come to depend on an order that a browser does not promise.
///
/// A clone is another handle to the same world. One world serves one client.
///
/// ```
/// use query_cache::{ManualEnvironment, QueryClient, QueryState, query, query_key, seconds};
///
/// let world = ManualEnvironment::new(1);
/// let client = QueryClient::new(world.clone());
/// let server = world.clone();
/// let greeting = client.observe(
///     query(query_key!["greeting"], async move |_| {
///         server.sleep(seconds(2)).await;
///         Ok::<_, String>("hello")
///     }),
///     || {},
/// );
/// world.advance(seconds(1));
/// assert!(greeting.state().is_pending());
/// world.advance(seconds(1));
/// assert!(matches!(greeting.state(), QueryState::Ready { data, .. } if *data == "hello"));
/// ```
#[derive(Clone)]
pub struct ManualEnvironment(Rc<World>);

struct World {
    now: Cell<Timestamp>,
    random: Cell<u64>,
    alarm: Cell<Option<Timestamp>>,
    client: RefCell<WeakQueryClient>,
    tasks: RefCell<BTreeMap<u64, LocalBoxFuture<()>>>,
    next_task: Cell<u64>,
    ready: Ready,
    /// By when they wake, and then in the order in which they fell asleep.
    sleepers: RefCell<BTreeMap<(Timestamp, u64), Waker>>,
    next_sleeper: Cell<u64>,
}

/// Tasks to run, each once, in no particular order.
#[derive(Default)]
struct ReadyTasks {
    list: Vec<u64>,
    listed: HashSet<u64>,
}

impl ReadyTasks {
    fn push(&mut self, task: u64) {
        if self.listed.insert(task) {
            self.list.push(task);
        }
    }

    fn pick(&mut self, random: u64) -> Option<u64> {
        let chosen = usize::try_from(random.checked_rem(self.list.len() as u64)?).ok()?;
        let task = self.list.swap_remove(chosen);
        self.listed.remove(&task);
        Some(task)
    }
}

type Ready = Arc<Mutex<ReadyTasks>>;

struct TaskWaker {
    task: u64,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
    }
}

impl ManualEnvironment {
    /// A world at the beginning of 2030, with nothing in it.
    pub fn new(seed: u64) -> Self {
        ManualEnvironment(Rc::new(World {
            now: Cell::new(Timestamp::from_millis(1_893_456_000_000)),
            random: Cell::new(seed),
            alarm: Cell::new(None),
            client: RefCell::default(),
            tasks: RefCell::default(),
            next_task: Cell::new(0),
            ready: Ready::default(),
            sleepers: RefCell::default(),
            next_sleeper: Cell::new(0),
        }))
    }

    /// Runs tasks until none is ready. No time passes.
    pub fn run(&self) {
        while let Some(task) = self.pick() {
            // Taken out while it runs, so that it may spawn.
            let Some(mut future) = self.0.tasks.borrow_mut().remove(&task) else { continue };
            let waker = Waker::from(Arc::new(TaskWaker { task, ready: self.0.ready.clone() }));
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                self.0.tasks.borrow_mut().insert(task, future);
            }
        }
    }

    fn pick(&self) -> Option<u64> {
        let random = self.random();
        self.0.ready.lock().unwrap_or_else(PoisonError::into_inner).pick(random)
    }

    /// Lets this much time pass, stopping on the way for every alarm and every sleeper.
    pub fn advance(&self, time: Duration) {
        let end = self.0.now.get().after(time);
        loop {
            self.run();
            let sleeper = self.0.sleepers.borrow().keys().next().map(|(at, _)| *at);
            let Some(next) = self.0.alarm.get().into_iter().chain(sleeper).min().filter(|at| *at <= end)
            else {
                self.0.now.set(end);
                return;
            };
            self.0.now.set(next.max(self.0.now.get()));
            if self.0.alarm.get().is_some_and(|at| at <= next) {
                self.0.alarm.set(None);
                let client = self.0.client.borrow().upgrade();
                if let Some(client) = client {
                    client.alarm();
                }
            }
            let mut awake = self.0.sleepers.take();
            let asleep = awake.split_off(&(next.after(Duration::from_millis(1)), 0));
            // Waking and dropping run the tasks' code, which may fall asleep again.
            self.0.sleepers.borrow_mut().extend(asleep);
            for waker in awake.into_values() {
                waker.wake();
            }
        }
    }

    /// Ready once this much time has passed.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + 'static {
        let until = self.0.now.get().after(time);
        let world = self.0.clone();
        std::future::poll_fn(move |cx| {
            if world.now.get() >= until {
                return Poll::Ready(());
            }
            let number = world.next_sleeper.get();
            world.next_sleeper.set(number + 1);
            world.sleepers.borrow_mut().insert((until, number), cx.waker().clone());
            Poll::Pending
        })
    }

    /// How many tasks have not come to their end.
    pub fn task_count(&self) -> usize {
        self.0.tasks.borrow().len()
    }

    /// When the alarm rings, if it is set.
    pub fn alarm_at(&self) -> Option<Timestamp> {
        self.0.alarm.get()
    }
}

impl Environment for ManualEnvironment {
    fn attach(&self, client: &QueryClient) {
        *self.0.client.borrow_mut() = client.downgrade();
    }

    fn now(&self) -> Timestamp {
        self.0.now.get()
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()>>>) {
        let name = self.0.next_task.get();
        self.0.next_task.set(name + 1);
        self.0.tasks.borrow_mut().insert(name, task);
        self.0.ready.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    fn set_alarm(&self, at: Option<Timestamp>) {
        self.0.alarm.set(at);
    }

    /// SplitMix64.
    fn random(&self) -> u64 {
        let state = self.0.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl fmt::Debug for ManualEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualEnvironment")
            .field("now", &self.0.now.get())
            .field("tasks", &self.task_count())
            .field("alarm", &self.0.alarm.get())
            .finish_non_exhaustive()
    }
}
