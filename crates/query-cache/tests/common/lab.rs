//! Several tabs, each a world of its own, on one clock, with one channel and one set of locks between them.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use query_cache::{Channel, LocalBoxFuture, Locks, ScopeName, Tabs};

use super::{Number, Stage, Viewer, shows, stage_with_seed};

/// What is between tabs. A clone is the same.
#[derive(Clone, Default)]
pub struct Lab(Rc<Between>);

type Listener = Rc<dyn Fn(&str)>;

#[derive(Default)]
struct Between {
    now: Cell<u64>,
    /// Those who listen, by tab.
    listeners: RefCell<BTreeMap<u32, Listener>>,
    /// Those who are told that they may have missed something, by tab.
    gaps: RefCell<BTreeMap<u32, Rc<dyn Fn()>>>,
    /// When it arrives, who said it, and what.
    under_way: RefCell<VecDeque<(u64, u32, String)>>,
    /// Milliseconds that a message takes.
    latency: Cell<u64>,
    said: RefCell<Vec<String>>,
    locks: RefCell<BTreeMap<String, Line>>,
    next: Cell<u64>,
    tabs: Cell<u32>,
}

/// Who has a lock, and who waits for it.
#[derive(Default)]
struct Line {
    held: Option<u64>,
    waiting: VecDeque<(u64, Option<Waker>)>,
}

/// One tab.
pub struct Tab {
    pub stage: Stage,
    pub number: u32,
    lab: Lab,
}

impl std::ops::Deref for Tab {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

struct Place(Lab, u32);

impl Channel for Place {
    fn post(&self, message: &str) {
        self.0.0.said.borrow_mut().push(message.to_owned());
        let at = self.0.0.now.get() + self.0.0.latency.get();
        self.0.0.under_way.borrow_mut().push_back((at, self.1, message.to_owned()));
    }

    fn listen(&self, listener: Listener) {
        self.0.0.listeners.borrow_mut().insert(self.1, listener);
    }

    fn listen_for_gaps(&self, missed: Rc<dyn Fn()>) {
        self.0.0.gaps.borrow_mut().insert(self.1, missed);
    }
}

struct Guard(Weak<Between>, String, u64);

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(between) = self.0.upgrade() else { return };
        let waker = {
            let mut locks = between.locks.borrow_mut();
            let line = locks.entry(self.1.clone()).or_default();
            line.waiting.retain(|(number, _)| *number != self.2);
            if line.held == Some(self.2) {
                line.held = line.waiting.front().map(|(number, _)| *number);
            }
            line.waiting.front_mut().and_then(|(_, waker)| waker.take())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Locks for Place {
    fn lock(&self, name: &str) -> LocalBoxFuture<Option<Box<dyn Any>>> {
        let between = self.0.0.clone();
        let number = between.next.replace(between.next.get() + 1);
        let guard = Guard(Rc::downgrade(&between), name.to_owned(), number);
        {
            let mut locks = between.locks.borrow_mut();
            let line = locks.entry(name.to_owned()).or_default();
            if line.held.is_none() {
                line.held = Some(number);
            }
            line.waiting.push_back((number, None));
        }
        let name = name.to_owned();
        let mut guard = Some(guard);
        Box::pin(poll_fn(move |cx| {
            let mut locks = between.locks.borrow_mut();
            let line = locks.entry(name.clone()).or_default();
            if line.held == Some(number) {
                line.waiting.retain(|(waiting, _)| *waiting != number);
                return Poll::Ready(guard.take().map(|guard| Box::new(guard) as Box<dyn Any>));
            }
            for (waiting, waker) in &mut line.waiting {
                if *waiting == number {
                    *waker = Some(cx.waker().clone());
                }
            }
            Poll::Pending
        }))
    }
}

impl Lab {
    /// Messages take a millisecond, unless told otherwise.
    pub fn new() -> Lab {
        let lab = Lab::default();
        lab.0.latency.set(1);
        lab
    }

    pub fn set_latency(&self, millis: u64) {
        self.0.latency.set(millis);
    }

    /// Opens a tab of somebody's.
    pub fn open(&self, name: &str) -> Tab {
        self.open_build(name, "build 1")
    }

    pub fn open_build(&self, name: &str, build: &str) -> Tab {
        let number = self.0.tabs.replace(self.0.tabs.get() + 1);
        let stage = stage_with_seed(u64::from(number) * 7_919 + 13);
        stage.world.advance(Duration::from_millis(self.0.now.get()));
        if !name.is_empty() {
            stage.client.name_scope(ScopeName::new(name));
        }
        let tab = Tab { stage, number, lab: self.clone() };
        self.share_as(&tab, build);
        tab
    }

    /// Has a tab share, for the first time or anew.
    pub fn share(&self, tab: &Tab) {
        self.share_as(tab, "build 1");
    }

    fn share_as(&self, tab: &Tab, build: &str) {
        let place = || Place(self.clone(), tab.number);
        tab.client.share_with_tabs(Tabs::new(place(), place(), build));
    }

    /// Lets so many milliseconds pass, for all of these.
    pub fn millis(&self, tabs: &[&Tab], count: u64) {
        self.run(tabs);
        for _ in 0..count {
            self.0.now.set(self.0.now.get() + 1);
            for tab in tabs {
                tab.stage.millis(1);
            }
            self.run(tabs);
        }
    }

    fn run(&self, tabs: &[&Tab]) {
        loop {
            tabs.iter().for_each(|tab| tab.stage.world.run());
            let now = self.0.now.get();
            let due = {
                let mut under_way = self.0.under_way.borrow_mut();
                let place = under_way.iter().position(|(at, ..)| *at <= now);
                place.and_then(|place| under_way.remove(place))
            };
            let Some((_, from, message)) = due else { return };
            let listeners: Vec<_> = {
                let listeners = self.0.listeners.borrow();
                listeners
                    .iter()
                    .filter(|(tab, _)| **tab != from)
                    .map(|(_, listener)| listener.clone())
                    .collect()
            };
            listeners.iter().for_each(|listener| listener(&message));
        }
    }

    /// What was said since this was last asked: the first word of each.
    pub fn said(&self) -> Vec<String> {
        let said = self.0.said.take();
        said.iter().map(|message| word(message)).collect()
    }

    /// How many locks are held whose names have this in them.
    pub fn locks_held(&self, part: &str) -> usize {
        let locks = self.0.locks.borrow();
        locks.iter().filter(|(name, line)| name.contains(part) && line.held.is_some()).count()
    }

    /// What was said since this was last asked, as it was said.
    pub fn said_in_full(&self) -> Vec<String> {
        self.0.said.take()
    }

    /// Says this in the name of nobody.
    pub fn says(&self, message: &str) {
        self.0.under_way.borrow_mut().push_back((self.0.now.get(), u32::MAX, message.to_owned()));
    }

    pub fn last(&self) -> String {
        self.0.said.borrow().last().cloned().unwrap()
    }
}

fn word(message: &str) -> String {
    let says = message.split(r#""says":"#).nth(1).unwrap();
    says.chars().filter(|c| c.is_alphabetic() || *c == ':').take_while(|c| *c != ':').collect()
}

impl Tab {
    /// Hears nothing while this is done, and then that something may have been said.
    pub fn frozen<T>(&self, during: impl FnOnce() -> T) -> T {
        let listener = self.lab.0.listeners.borrow_mut().remove(&self.number);
        let done = during();
        self.lab.0.listeners.borrow_mut().extend(listener.map(|listener| (self.number, listener)));
        let missed = self.lab.0.gaps.borrow().get(&self.number).cloned();
        missed.iter().for_each(|missed| missed());
        done
    }

    /// Closes it, as a browser does: its world stops, its locks are free, what it would say is not heard.
    pub fn close(self) {
        self.lab.0.listeners.borrow_mut().remove(&self.number);
        drop(self.stage);
    }
}

/// How many requests they have sent together.
pub fn requests(tabs: &[&Tab]) -> usize {
    tabs.iter().map(|tab| tab.server.requests()).sum()
}

/// What each shows.
pub fn seen(viewers: &[Viewer<Number>]) -> Vec<String> {
    viewers.iter().map(shows).collect()
}

/// Has each watch the first number.
pub fn watch(tabs: &[&Tab], query: fn(u32) -> Number) -> Vec<Viewer<Number>> {
    tabs.iter().map(|tab| tab.watch(query(1))).collect()
}
