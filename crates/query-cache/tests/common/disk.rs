//! A storage that outlives its clients, and does as it is told: fails, is slow, is full.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    Change, Environment, LocalBoxFuture, ManualEnvironment, Storage, StorageError, StorageFault, Stored,
};

use super::travels::number;
use super::{Stage, stage_with_seed};
use query_cache::{Persist, ScopeName};

#[derive(Clone, Default)]
pub struct Disk(Rc<Inner>);

#[derive(Default)]
struct Inner {
    records: RefCell<BTreeMap<String, String>>,
    /// Whose time passes while it works; nobody's: it has answered in the call.
    slow: RefCell<Option<(ManualEnvironment, Duration)>>,
    never: Cell<bool>,
    broken: Cell<Broken>,
    capacity: Cell<Option<usize>>,
    asked: RefCell<Vec<String>>,
    /// How many pages have been opened on it.
    pages: Cell<u64>,
}

/// What does not work.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Broken {
    #[default]
    Nothing,
    List,
    Get,
    Write,
    Clear,
    All,
}

impl Disk {
    pub fn slow(&self, stage: &Stage, latency: Duration) {
        *self.0.slow.borrow_mut() = Some((stage.world.clone(), latency));
    }

    pub fn never_answers(&self) {
        self.0.never.set(true);
    }

    pub fn breaks(&self, what: Broken) {
        self.0.broken.set(what);
    }

    pub fn holds(&self, bytes: usize) {
        self.0.capacity.set(Some(bytes));
    }

    /// The names of all records, in order.
    pub fn names(&self) -> Vec<String> {
        self.0.records.borrow().keys().cloned().collect()
    }

    /// How many entries there are, and how many bytes they take.
    pub fn entries(&self) -> usize {
        self.names().iter().filter(|name| name.contains("/d/")).count()
    }

    /// How many calls are kept.
    pub fn calls(&self) -> usize {
        self.names().iter().filter(|name| name.contains("/c/")).count()
    }

    pub fn bytes(&self) -> usize {
        size(&self.0.records.borrow())
    }

    /// What was asked of it since this was last asked.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked.take()
    }

    pub fn change(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        change(&mut self.0.records.borrow_mut());
    }

    fn does<T: 'static>(
        &self,
        what: Broken,
        said: String,
        work: impl FnOnce(&mut BTreeMap<String, String>) -> Result<T, StorageError> + 'static,
    ) -> LocalBoxFuture<Result<T, StorageError>> {
        self.0.asked.borrow_mut().push(said);
        let disk = self.clone();
        let slow = self.0.slow.borrow().clone();
        let broken = self.0.broken.get();
        let finish = move || {
            if broken == what || broken == Broken::All {
                return Err(StorageError::Broken("no power".into()));
            }
            let mut records = disk.0.records.borrow_mut();
            let mut changed = records.clone();
            let done = work(&mut changed)?;
            let full = disk
                .0
                .capacity
                .get()
                .is_some_and(|most| size(&changed) > most && size(&changed) > size(&records));
            if full {
                return Err(StorageError::Full);
            }
            *records = changed;
            Ok(done)
        };
        if self.0.never.get() {
            return Box::pin(std::future::pending());
        }
        match slow {
            None => {
                let done = finish();
                Box::pin(async move { done })
            }
            Some((world, latency)) => {
                let done = Rc::new(RefCell::new(None));
                let slot = done.clone();
                let sleep = world.sleep(latency);
                // Finished, though nobody waits.
                world.spawn(Box::pin(async move {
                    sleep.await;
                    slot.replace(Some(finish()));
                }));
                let after = world.sleep(latency + Duration::from_millis(1));
                Box::pin(async move {
                    after.await;
                    done.take().unwrap()
                })
            }
        }
    }
}

fn size(records: &BTreeMap<String, String>) -> usize {
    records.iter().map(|(name, text)| name.len() + text.len()).sum()
}

impl Storage for Disk {
    fn get(&self, name: &str) -> LocalBoxFuture<Result<Option<String>, StorageError>> {
        let name = name.to_owned();
        self.does(Broken::Get, format!("get {name}"), move |records| Ok(records.get(&name).cloned()))
    }

    fn write(&self, changes: Rc<[Change]>) -> LocalBoxFuture<Result<(), StorageError>> {
        self.does(Broken::Write, format!("write {}", changes.len()), move |records| {
            for change in &*changes {
                match change {
                    Change::Put(Stored { name, text }) => drop(records.insert(name.clone(), text.clone())),
                    Change::Remove(name) => drop(records.remove(name)),
                }
            }
            Ok(())
        })
    }

    fn list(&self, prefix: &str) -> LocalBoxFuture<Result<Vec<Stored>, StorageError>> {
        let prefix = prefix.to_owned();
        self.does(Broken::List, format!("list {prefix}"), move |records| {
            let listed = records.iter().filter(|(name, _)| name.starts_with(&prefix));
            Ok(listed.map(|(name, text)| Stored { name: name.clone(), text: text.clone() }).collect())
        })
    }

    fn clear(&self, prefix: &str) -> LocalBoxFuture<Result<(), StorageError>> {
        let prefix = prefix.to_owned();
        self.does(Broken::Clear, format!("clear {prefix}"), move |records| {
            records.retain(|name, _| !name.starts_with(&prefix));
            Ok(())
        })
    }
}

/// What was told of a storage's faults.
#[derive(Clone, Default)]
pub struct Faults(Rc<RefCell<Vec<StorageFault>>>);

impl Faults {
    pub fn take(&self) -> Vec<StorageFault> {
        self.0.take()
    }
}

/// A page, opened by somebody, on this disk.
pub struct Page {
    pub stage: Stage,
    pub faults: Faults,
}

impl std::ops::Deref for Page {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

/// Opens a page, so many seconds after the first that ever was.
pub fn page(disk: &Disk, name: &str, seconds: u64) -> Page {
    page_with(disk, name, seconds, |how| how)
}

pub fn page_with(disk: &Disk, name: &str, seconds: u64, change: impl FnOnce(Persist) -> Persist) -> Page {
    // No two draw the same numbers.
    let seed = disk.0.pages.replace(disk.0.pages.get() + 1);
    let stage = stage_with_seed(1 + seed * 7_919);
    // It was slow in another page's time.
    disk.0.slow.take();
    stage.seconds(seconds);
    let faults = Faults::default();
    let told = faults.clone();
    if !name.is_empty() {
        stage.client.name_scope(ScopeName::new(name));
    }
    let how =
        Persist::new(disk.clone(), "build 1").on_fault(move |fault| told.0.borrow_mut().push(fault.clone()));
    stage.client.persist(change(how));
    Page { stage, faults }
}

/// Writes, and lets that be stored.
pub fn store(page: &Page, id: u32, data: u32) {
    page.client.set_data(&number(id), data);
    page.world.run();
}

/// What a page finds of this number without asking the server, in a moment.
pub fn finds(page: &Page, id: u32) -> Option<u32> {
    let before = page.server.requests();
    let viewer = page.watch(number(id));
    page.millis(999);
    let found = viewer.observer.state().data().map(|data| **data);
    assert_eq!(page.server.requests() - before, usize::from(found.is_none()));
    page.client.cancel(&number(id));
    found
}
