//! Calls of mutations, kept until they are over, and taken over from pages that are gone.
//!
//! Each is one record, `APP/c/SCOPE/BUILD/PAGE/NAME`: when it was made, and what it is. A page that is open holds
//! the lock `APP/calls/PAGE` for as long as it has some, so that no other makes its calls.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::index::{self, CALLS};
use super::{Change, Persistence, StorageFault, Stored};
use crate::client::{QueryClient, WeakQueryClient};
use crate::environment::Timestamp;
use crate::hydrate::{Keeper, Kept};

/// Where the guard of this page's lock will be.
type Place = Rc<RefCell<Option<Box<dyn Any>>>>;

/// The calls of one page.
pub(super) struct Calls {
    /// A number drawn for it.
    page: String,
    /// What is to be written, by its name on the storage; `None`: it is over.
    changed: RefCell<BTreeMap<String, Option<String>>>,
    /// The names of this page's that are on the storage, or will be.
    kept: RefCell<BTreeSet<String>>,
    /// This page's lock, while there are some.
    place: RefCell<Option<Place>>,
    /// Locks of pages that are gone, until their calls have been written as this page's.
    taken_over: RefCell<Vec<Box<dyn Any>>>,
    /// The prefixes of pages that may still be open.
    waits_for: RefCell<BTreeSet<String>>,
}

impl Calls {
    pub fn new(page: u64) -> Self {
        Calls {
            page: format!("{page:016x}"),
            changed: RefCell::default(),
            kept: RefCell::default(),
            place: RefCell::default(),
            taken_over: RefCell::default(),
            waits_for: RefCell::default(),
        }
    }

    /// Nothing is to be written.
    pub fn are_as_kept(&self) -> bool {
        self.changed.borrow().is_empty()
    }

    /// What is to be written, and the locks that are held until it has been.
    pub fn take_changes(&self) -> (Vec<Change>, Vec<Box<dyn Any>>) {
        let changes = self.changed.take().into_iter().map(|(name, text)| match text {
            Some(text) => Change::Put(Stored { name, text }),
            None => Change::Remove(name),
        });
        (changes.collect(), self.taken_over.take())
    }

    /// What was to be written has been. Who has nothing there any more needs no lock.
    pub fn written(&self) {
        if self.kept.borrow().is_empty() && self.are_as_kept() {
            drop(self.place.take());
        }
    }

    /// The scope has ended.
    pub fn forget(&self) {
        drop((self.changed.take(), self.kept.take(), self.waits_for.take()));
        drop((self.taken_over.take(), self.place.take()));
    }
}

/// A call that was found on the storage.
struct Found {
    record: String,
    at: Timestamp,
    json: Value,
}

impl Found {
    fn of(record: Stored) -> Result<Self, String> {
        let read = serde_json::from_str::<(u64, Value)>(&record.text);
        read.map(|(at, json)| Found { record: record.name.clone(), at: Timestamp::from_millis(at), json })
            .map_err(|_| record.name)
    }

    /// Its own name, the last part of the record's.
    fn name(&self) -> &str {
        self.record.rsplit('/').next().unwrap_or_default()
    }
}

/// Up to whose it is: `APP/c/SCOPE/BUILD/PAGE/`.
fn page_of(record: &str) -> Option<&str> {
    let end = record.rfind('/')?;
    record.get(..=end)
}

/// The page's own part of that.
fn number_of(prefix: &str) -> &str {
    prefix.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Keeps calls on the storage.
pub(super) struct CallKeeper(pub Rc<Persistence>);

impl Keeper for CallKeeper {
    fn serve(&self, client: &QueryClient) {
        self.0.serve(client);
    }

    fn keep(&self, client: &QueryClient, call: Kept) {
        self.0.keep(client, &call);
        self.0.write_soon(client);
    }

    fn done(&self, client: &QueryClient, name: &str) {
        if let Some(record) = self.0.record(client, name) {
            self.0.calls.kept.borrow_mut().remove(&record);
            self.0.calls.changed.borrow_mut().insert(record, None);
            self.0.write_soon(client);
        }
    }
}

impl Persistence {
    /// The name of this page's record of a call.
    fn record(&self, client: &QueryClient, name: &str) -> Option<String> {
        let scope = client.scope_name()?;
        let page = format!("{}/{}/", index::part(&self.how.build), self.calls.page);
        Some(self.calls_of(scope.as_str()) + &page + &index::part(name))
    }

    fn calls_of(&self, scope: &str) -> String {
        format!("{}{}/", index::prefix(&self.how.app, CALLS), index::scope_part(Some(scope)))
    }

    fn keep(&self, client: &QueryClient, call: &Kept) {
        let Some(record) = self.record(client, &call.name) else { return };
        let Ok(text) = serde_json::to_string(&(call.at.as_millis(), &call.json)) else { return };
        self.take_place(client);
        self.calls.kept.borrow_mut().insert(record.clone());
        self.calls.changed.borrow_mut().insert(record, Some(text));
    }

    fn lock_name(&self, page: &str) -> String {
        format!("{}/calls/{page}", self.how.app)
    }

    /// This page is open, and makes its calls itself.
    fn take_place(&self, client: &QueryClient) {
        if self.calls.place.borrow().is_some() {
            return;
        }
        let Some(locks) = client.locks() else { return };
        let place = Place::default();
        self.calls.place.replace(Some(place.clone()));
        let lock = locks.lock(&self.lock_name(&self.calls.page));
        let place = Rc::downgrade(&place);
        client.begin_task(Box::pin(async move {
            let guard = lock.await;
            if let Some(place) = place.upgrade() {
                place.replace(guard);
            }
        }));
    }

    /// Keeps what there is, and looks for what pages that are gone have left, once all that it takes is there.
    pub(super) fn serve(self: &Rc<Self>, client: &QueryClient) {
        let here = client.in_this_scope();
        let (Some(caller), Some(scope)) = (here.caller(), here.scope_name()) else { return };
        if !self.loaded.get() || self.off.get() {
            return;
        }
        // It may have had another name until now.
        let ours = self.calls_of(scope.as_str());
        let kept = self.calls.kept.take();
        let (kept, elsewhere): (BTreeSet<_>, BTreeSet<_>) =
            kept.into_iter().partition(|record| record.starts_with(&ours));
        self.calls.kept.replace(kept);
        self.calls.changed.borrow_mut().extend(elsewhere.into_iter().map(|record| (record, None)));
        for call in caller.unfinished(&here) {
            self.keep(&here, &call);
        }
        self.write_soon(&here);
        let listed = self.how.storage.list(&ours);
        let (this, weak) = (self.clone(), here.downgrade());
        here.begin_task(Box::pin(async move {
            let listed = listed.await;
            let Some(here) = weak.upgrade().filter(|client| !client.is_over()) else { return };
            match listed {
                Ok(records) => this.sort_out(&here, records),
                Err(error) => this.fault(StorageFault::Broken(error.to_string().into())),
            }
        }));
    }

    /// What others have left. With locks it is taken page by page, when the page is gone.
    fn sort_out(self: &Rc<Self>, here: &QueryClient, mut records: Vec<Stored>) {
        records.retain(|record| page_of(&record.name).map(number_of) != Some(&*self.calls.page));
        let Some(locks) = here.locks() else { return self.take_over(here, records, None) };
        let mut pages: Vec<(Timestamp, String)> = Vec::new();
        for record in records {
            let Some(prefix) = page_of(&record.name).map(str::to_owned) else { continue };
            let at = Found::of(record).map_or(Timestamp::MAX, |found| found.at);
            match pages.iter_mut().find(|(_, held)| *held == prefix) {
                Some((oldest, _)) => *oldest = at.min(*oldest),
                None => pages.push((at, prefix)),
            }
        }
        pages.sort();
        for (_, prefix) in pages {
            if !self.calls.waits_for.borrow_mut().insert(prefix.clone()) {
                continue;
            }
            let lock = locks.lock(&self.lock_name(number_of(&prefix)));
            let (this, weak) = (self.clone(), here.downgrade());
            here.begin_task(Box::pin(async move {
                let guard = lock.await;
                this.inherit(&weak, &prefix, guard).await;
            }));
        }
    }

    /// A page is gone. What it has left may have been taken by another meanwhile.
    async fn inherit(self: &Rc<Self>, weak: &WeakQueryClient, prefix: &str, guard: Option<Box<dyn Any>>) {
        let is_open = || weak.upgrade().is_some_and(|client| !client.is_over());
        if !is_open() || self.off.get() {
            return;
        }
        let listed = self.how.storage.list(prefix).await;
        let Some(here) = weak.upgrade().filter(|client| !client.is_over()) else { return };
        self.calls.waits_for.borrow_mut().remove(prefix);
        match listed {
            Ok(records) => self.take_over(&here, records, guard),
            Err(error) => self.fault(StorageFault::Broken(error.to_string().into())),
        }
    }

    /// Makes these calls this page's. Those that are too old, or cannot be read, are dropped.
    fn take_over(self: &Rc<Self>, here: &QueryClient, records: Vec<Stored>, guard: Option<Box<dyn Any>>) {
        let (Some(caller), now) = (here.caller(), here.now()) else { return };
        let mut gone = Vec::new();
        let mut found = Vec::new();
        for record in records {
            match Found::of(record) {
                Ok(call) if now.past(call.at) <= self.how.max_age => found.push(call),
                Ok(call) => gone.push(call.record),
                Err(record) => gone.push(record),
            }
        }
        found.sort_by(|a, b| (a.at, &a.record).cmp(&(b.at, &b.record)));
        caller.go_on(here, found.iter().map(|call| call.json.clone()).collect());
        if here.is_over() {
            return; // And with it all of this was purged.
        }
        for call in caller.unfinished(here) {
            if found.iter().any(|found| found.name() == index::part(&call.name)) {
                self.keep(here, &call);
            }
        }
        gone.extend(found.into_iter().map(|call| call.record));
        self.calls.changed.borrow_mut().extend(gone.into_iter().map(|record| (record, None)));
        self.calls.taken_over.borrow_mut().extend(guard);
        self.write_soon(here);
    }
}
