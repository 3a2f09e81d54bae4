//! The cache on storage: what opts in is written entry by entry, and looked for before it is fetched.

mod batch;
mod calls;
mod concerns;
mod index;
mod looking;
mod storage;
mod writing;

pub use storage::{Change, Storage, StorageError, Stored};

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use crate::client::{Concern, Extension, Happens, Listening, QueryClient};
use crate::environment::{Millis, Timestamp};
use crate::filter::QueryFilter;
use crate::hydrate::NamesInUse;
use crate::hydrate::Packed;
use crate::key::QueryKey;
use calls::{CallKeeper, Calls};
use concerns::Said;
use index::Index;

/// How the cache is kept on a [`Storage`]: for [`QueryClient::persist`].
pub struct Persist {
    storage: Rc<dyn Storage>,
    app: String,
    build: String,
    max_age: Millis,
    budget: usize,
    patience: Millis,
    on_fault: Option<OnFault>,
}

type OnFault = Rc<dyn Fn(&StorageFault)>;

impl Persist {
    /// On this storage, for the build whose data can be read by no other: a version, a commit. Entries up to a
    /// day old, 5 MB of them in all.
    pub fn new(storage: impl Storage + 'static, build: impl Into<String>) -> Self {
        Persist {
            storage: Rc::new(storage),
            app: "query-cache".to_owned(),
            build: build.into(),
            max_age: Millis(24 * 60 * 60_000),
            budget: 5_000_000,
            patience: Millis(500),
            on_fault: None,
        }
    }

    /// The first part of all names on the storage: one for each app there. Default `query-cache`.
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = name.into();
        self
    }

    /// Data that arrived longer ago than this is not used, and is removed. Default one day.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Millis::of(age);
        self
    }

    /// How many bytes all entries may take, names included: of all builds and scopes of this app. When there are
    /// more, the oldest go first. Default 5,000,000.
    pub fn budget(mut self, bytes: usize) -> Self {
        self.budget = bytes;
        self
    }

    /// How long a fetch waits for the storage to be read. Default 500 ms.
    pub fn patience(mut self, wait: Duration) -> Self {
        self.patience = Millis::of(wait);
        self
    }

    /// Told when the storage does not do what it should: once for each kind of fault. The app goes on from memory
    /// in any case.
    pub fn on_fault(mut self, told: impl Fn(&StorageFault) + 'static) -> Self {
        self.on_fault = Some(Rc::new(told));
        self
    }
}

impl fmt::Debug for Persist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persist")
            .field("app", &self.app)
            .field("build", &self.build)
            .field("max_age", &self.max_age)
            .field("budget", &self.budget)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageFault {
    /// There is no room, though the oldest half has been removed. What did not fit is not stored.
    Full,
    /// It did not answer in time. Nothing is fetched later because of it from now on, until it answers.
    Slow,
    /// It does not work. It is not used any more, but for what is to be purged.
    Broken(Rc<str>),
    /// What belongs to a scope that has ended could not be removed, and is still there. It is not used any more. The
    /// removal is tried again when the page is seen again, and when another scope gets its name or ends.
    NotPurged(Rc<str>),
}

impl fmt::Display for StorageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageFault::Full => f.write_str("the storage is full: not all data is stored"),
            StorageFault::Slow => {
                f.write_str("the storage does not answer in time: data is fetched without it")
            }
            StorageFault::Broken(why) => {
                write!(f, "the storage does not work, and is not used any more: {why}")
            }
            StorageFault::NotPurged(why) => {
                write!(f, "data of somebody who has signed out could not be removed from the storage: {why}")
            }
        }
    }
}

impl std::error::Error for StorageFault {}

/// The storage of one client, and what is known of it.
pub(crate) struct Persistence {
    how: Persist,
    index: RefCell<Index>,
    /// The index has been read, or cannot be.
    loaded: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
    /// What was said of all queries before the index was there.
    missed: RefCell<Vec<Said>>,
    /// The scopes that have ended before it was.
    purged_early: RefCell<Vec<String>>,
    dirty: RefCell<HashSet<QueryKey>>,
    /// What has changed, but is hidden, since the scope is held.
    held_back: RefCell<HashSet<QueryKey>>,
    /// Entries that are out of date since the last write, by the rest of their names.
    outdated: RefCell<Vec<String>>,
    /// What is to be removed with the next write.
    removed: RefCell<Vec<String>>,
    calls: Calls,
    /// What is somebody's is stored under these.
    names: NamesInUse,
    /// A write is due, or under way.
    writing: Cell<bool>,
    /// To be purged once more when that is over: a storage need not keep the order.
    purged: RefCell<Vec<String>>,
    /// To be purged once more, since it did not work.
    left: RefCell<Vec<String>>,
    /// Since when an answer is missing.
    silent: Cell<Option<Timestamp>>,
    off: Cell<bool>,
    told: RefCell<Vec<StorageFault>>,
    listening: RefCell<Option<Listening>>,
}

/// A client's storage, if it has one.
#[derive(Default)]
pub(crate) struct Persisting {
    now: RefCell<Option<Rc<Persistence>>>,
    /// Those before it, while something of the scope that is open may be there, which is purged with it.
    before: RefCell<Vec<Rc<Persistence>>>,
}

impl Persisting {
    fn get(&self) -> Option<Rc<Persistence>> {
        self.now.borrow().clone()
    }

    fn replace(&self, persistence: Rc<Persistence>) {
        if let Some(before) = self.now.replace(Some(persistence)) {
            before.retire();
            self.before.borrow_mut().push(before);
        }
    }
}

impl Extension for Persisting {
    fn happens(&self, client: &QueryClient, what: Happens) {
        let Some(persistence) = self.get() else { return };
        match what {
            Happens::Focused => persistence.purge_what_was_left(client),
            Happens::Ended => {
                persistence.purge_what_was_left(client);
                persistence.purge(client);
                self.before.take().iter().for_each(|before| before.purge(client));
            }
            Happens::Named => {
                persistence.purge_what_was_left(client);
                persistence.names.note(client);
                persistence.write_all(client);
                persistence.serve(client);
            }
            Happens::Restored => {
                let held_back = persistence.held_back.take();
                persistence.dirty.borrow_mut().extend(held_back);
                persistence.write_soon(client);
            }
            _ => {}
        }
    }

    fn online(&self, _: &QueryClient, _: fn(&QueryClient)) -> bool {
        false
    }

    fn concerns(&self, client: &QueryClient, filter: &QueryFilter, concern: Concern) {
        if let Some(persistence) = self.get() {
            persistence.concerns(client, filter, concern);
        }
    }

    fn is_elsewhere(&self, client: &QueryClient, key: &QueryKey, entry: &Packed) {
        if let Some(persistence) = self.get() {
            persistence.note(client, key, entry);
        }
    }
}

impl QueryClient {
    /// Keeps what [opts in](crate::QueryOptions::dehydrated) on a storage, from now on: what arrives and what is
    /// written is stored, entry by entry, and what is not in the cache is looked for there before it is fetched. It
    /// is not fetched if it is fresh. What belongs to somebody is stored only under the
    /// [name](QueryClient::name_scope) of the scope, and is purged, for every build, in the call that ends it. What
    /// is invalidated, reset or removed is so on the storage too; what is only forgotten in time stays there.
    ///
    /// Calls of [registered](QueryClient::register_mutation) mutations are kept, too, one by one, from when they are
    /// made until they are over, and made again by the page that is opened next, with their idempotency keys; also
    /// those of another build, if their variables can still be read. They are not part of the budget. With several
    /// tabs open call [`share_with_tabs`](QueryClient::share_with_tabs) before this: then what a tab that is still
    /// open has yet to send is left to it.
    ///
    /// A second call replaces the first; what the first has stored of the open scope is purged with it all the same.
    pub fn persist(&self, how: Persist) {
        let persistence = Rc::new(Persistence::new(how, self.random()));
        persistence.names.note(self);
        let weak = Rc::downgrade(&persistence);
        let client = self.in_scope(None).downgrade();
        let listening = self.listen(move |event| {
            if let (Some(persistence), Some(client)) = (weak.upgrade(), client.upgrade()) {
                persistence.hear(&client, event);
            }
        });
        persistence.listening.replace(Some(listening));
        self.extension::<Persisting>().replace(persistence.clone());
        self.mark(|engine| engine.look_by(looking::look));
        self.keep_calls_by(Rc::new(CallKeeper(persistence.clone())));
        persistence.load(&self.in_scope(None));
    }
}

impl Persistence {
    fn new(how: Persist, page: u64) -> Self {
        Persistence {
            how,
            index: RefCell::default(),
            loaded: Cell::new(false),
            waiting: RefCell::default(),
            missed: RefCell::default(),
            purged_early: RefCell::default(),
            dirty: RefCell::default(),
            held_back: RefCell::default(),
            outdated: RefCell::default(),
            removed: RefCell::default(),
            calls: Calls::new(page),
            names: NamesInUse::default(),
            writing: Cell::new(false),
            purged: RefCell::default(),
            left: RefCell::default(),
            silent: Cell::new(None),
            off: Cell::new(false),
            told: RefCell::default(),
            listening: RefCell::default(),
        }
    }

    /// Another storage takes its place: it is not used any more, but for what is to be purged.
    fn retire(&self) {
        self.off.set(true);
        drop((self.listening.take(), self.dirty.take(), self.held_back.take(), self.index.take()));
        drop((self.removed.take(), self.outdated.take(), self.missed.take()));
    }

    /// Something is wrong. Told once for each kind.
    fn fault(&self, fault: StorageFault) {
        if matches!(fault, StorageFault::Broken(_) | StorageFault::NotPurged(_)) {
            self.off.set(true);
        }
        let same = |told: &StorageFault| std::mem::discriminant(told) == std::mem::discriminant(&fault);
        let known = self.told.borrow().iter().any(same);
        if !known {
            self.told.borrow_mut().push(fault.clone());
            if let Some(tell) = &self.how.on_fault {
                tell(&fault);
            }
        }
    }

    /// Waits for an answer of the storage, and notes if it takes too long.
    async fn ask<T>(
        &self,
        client: &crate::client::WeakQueryClient,
        answer: crate::environment::LocalBoxFuture<T>,
    ) -> T {
        let now = || client.upgrade().map(|client| client.now());
        let asked = now();
        if self.silent.get().is_none() {
            self.silent.set(asked);
        }
        let answer = answer.await;
        self.silent.set(None);
        if let (Some(asked), Some(now)) = (asked, now())
            && now.past(asked) > self.how.patience
        {
            self.fault(StorageFault::Slow);
        }
        answer
    }

    /// Whether an answer is overdue.
    fn is_silent(&self, now: Timestamp) -> bool {
        let overdue = self.silent.get().is_some_and(|since| now.past(since) >= self.how.patience);
        if overdue {
            self.fault(StorageFault::Slow);
        }
        overdue
    }
}
