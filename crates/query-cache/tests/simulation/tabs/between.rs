//! What is between tabs: a channel on which each message takes a time of its own, in order from one tab to another,
//! and locks that are had in the order in which they were asked for.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use query_cache::{Channel, LocalBoxFuture, Locks, ManualEnvironment};

use crate::rng::Rng;

/// No message takes longer than this many milliseconds.
pub const SLOWEST: u64 = 40;

type Listener = Rc<dyn Fn(&str)>;
/// When each arrives, and what it says.
type Messages = VecDeque<(u64, String)>;

pub struct Between {
    pub now: Cell<u64>,
    pub rng: RefCell<Rng>,
    /// When something is to happen, in some tab.
    times: RefCell<BTreeSet<u64>>,
    listeners: RefCell<BTreeMap<u32, Listener>>,
    /// By whom it is heard, and from whom.
    under_way: RefCell<BTreeMap<(u32, u32), Messages>>,
    locks: RefCell<BTreeMap<String, Line>>,
    next: Cell<u64>,
    /// Those whose turn it is. They run when the clocks of all tabs show the same.
    wakers: RefCell<Vec<Waker>>,
    /// Locks are had a moment after they were asked for.
    pub slow_locks: bool,
}

/// Who has a lock, and who waits for it: which request, of which tab.
#[derive(Default)]
struct Line {
    held: Option<(u64, u32)>,
    waiting: VecDeque<(u64, u32, Option<Waker>)>,
}

impl Line {
    fn next(&mut self) -> Option<Waker> {
        if self.held.is_none() {
            let (number, tab, waker) = self.waiting.pop_front()?;
            self.held = Some((number, tab));
            return waker;
        }
        None
    }
}

impl Between {
    pub fn new(mut rng: Rng) -> Rc<Between> {
        let slow_locks = rng.one_in(2);
        Rc::new(Between {
            now: Cell::new(0),
            rng: RefCell::new(rng),
            times: RefCell::default(),
            listeners: RefCell::default(),
            under_way: RefCell::default(),
            locks: RefCell::default(),
            next: Cell::default(),
            wakers: RefCell::default(),
            slow_locks,
        })
    }

    /// Something may happen so many milliseconds from now.
    pub fn expect(&self, wait: u64) {
        self.times.borrow_mut().insert(self.now.get() + wait);
    }

    /// When something happens next, or that end.
    pub fn next(&self, end: u64) -> u64 {
        let mut times = self.times.borrow_mut();
        *times = times.split_off(&(self.now.get() + 1));
        times.first().map_or(end, |next| end.min(*next))
    }

    /// Has one message be heard whose time has come, or those go on whose turn it is. `false`: there is none.
    pub fn deliver(&self) -> bool {
        let wakers = self.wakers.take();
        if !wakers.is_empty() {
            wakers.into_iter().for_each(Waker::wake);
            return true;
        }
        let now = self.now.get();
        let due = {
            let mut under_way = self.under_way.borrow_mut();
            let queue =
                under_way.iter_mut().find(|(_, queue)| queue.front().is_some_and(|next| next.0 <= now));
            queue.and_then(|((to, _), queue)| Some((*to, queue.pop_front()?.1)))
        };
        let Some((to, message)) = due else { return false };
        let listener = self.listeners.borrow().get(&to).cloned();
        if let Some(listener) = listener {
            listener(&message);
        }
        true
    }

    /// From now on the tab is not heard, and does not hear.
    pub fn silence(&self, tab: u32) {
        self.listeners.borrow_mut().remove(&tab);
    }

    /// All its locks are free.
    pub fn release(&self, tab: u32) {
        for line in self.locks.borrow_mut().values_mut() {
            line.waiting.retain(|(_, waiting, _)| *waiting != tab);
            line.held.take_if(|(_, held)| *held == tab);
            self.wakers.borrow_mut().extend(line.next());
        }
    }
}

/// A tab's end of both.
pub struct Place {
    pub between: Rc<Between>,
    pub environment: ManualEnvironment,
    pub tab: u32,
}

impl Channel for Place {
    fn post(&self, message: &str) {
        let between = &self.between;
        let listeners = between.listeners.borrow();
        if !listeners.contains_key(&self.tab) {
            return;
        }
        // Whoever asks waits for so long.
        between.expect(50);
        let mut under_way = between.under_way.borrow_mut();
        for to in listeners.keys().filter(|to| **to != self.tab) {
            let queue = under_way.entry((*to, self.tab)).or_default();
            let wait = between.rng.borrow_mut().of(&[1, 2, 15, SLOWEST]);
            let at = queue.back().map_or(0, |last| last.0).max(between.now.get() + wait);
            between.expect(at - between.now.get());
            queue.push_back((at, message.to_owned()));
        }
    }

    fn listen(&self, listener: Listener) {
        self.between.listeners.borrow_mut().insert(self.tab, listener);
    }
}

struct Guard {
    between: Weak<Between>,
    name: String,
    number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(between) = self.between.upgrade() else { return };
        let mut locks = between.locks.borrow_mut();
        let line = locks.entry(self.name.clone()).or_default();
        line.waiting.retain(|(number, ..)| *number != self.number);
        line.held.take_if(|(number, _)| *number == self.number);
        between.wakers.borrow_mut().extend(line.next());
    }
}

impl Locks for Place {
    fn lock(&self, name: &str) -> LocalBoxFuture<Option<Box<dyn Any>>> {
        let between = self.between.clone();
        let number = between.next.replace(between.next.get() + 1);
        {
            let mut locks = between.locks.borrow_mut();
            let line = locks.entry(name.to_owned()).or_default();
            line.waiting.push_back((number, self.tab, None));
            drop(line.next());
        }
        let guard = Guard { between: Rc::downgrade(&between), name: name.to_owned(), number };
        let environment = self.environment.clone();
        Box::pin(async move {
            if between.slow_locks {
                between.expect(3);
                environment.sleep(Duration::from_millis(3)).await;
            }
            poll_fn(|cx| {
                let mut locks = between.locks.borrow_mut();
                let line = locks.entry(guard.name.clone()).or_default();
                if line.held.is_some_and(|(held, _)| held == number) {
                    return Poll::Ready(());
                }
                let own = line.waiting.iter_mut().find(|(waiting, ..)| *waiting == number);
                own.into_iter().for_each(|(.., waker)| *waker = Some(cx.waker().clone()));
                Poll::Pending
            })
            .await;
            Some(Box::new(guard) as Box<dyn Any>)
        })
    }
}
