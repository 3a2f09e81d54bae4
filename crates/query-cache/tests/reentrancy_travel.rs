//! What data goes through on its way to JSON, the storage and other tabs is user code, which may call the client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::disk::{Broken, Disk};
use query_cache::{
    Change, Channel, LocalBoxFuture, Locks, ManualEnvironment, Persist, Query, QueryClient, QueryFilter,
    ScopeName, Storage, StorageError, Stored, Tabs, WeakQueryClient, minutes, query, query_key, seconds,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

type Act = fn(&Stage);
type Listener = Rc<dyn Fn(&str)>;

/// Calls the client once: when it was asked so many times.
#[derive(Clone)]
struct Stage(Rc<Inner>);

struct Inner {
    world: ManualEnvironment,
    client: RefCell<Option<QueryClient>>,
    weak: WeakQueryClient,
    fuse: Cell<Option<u32>>,
    act: Act,
    went_off: Cell<bool>,
    disk: Disk,
    listener: RefCell<Option<Listener>>,
    said: RefCell<Vec<String>>,
    grants: Cell<bool>,
}

thread_local! {
    /// Where data finds it, which knows of nobody.
    static HERE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

fn go_off() {
    let stage = HERE.with(|here| here.borrow().clone());
    if let Some(stage) = stage {
        stage.ask();
    }
}

impl Stage {
    fn ask(&self) {
        match self.0.fuse.get() {
            Some(0) => {
                self.0.fuse.set(None);
                self.0.went_off.set(true);
                (self.0.act)(self);
            }
            left => self.0.fuse.set(left.map(|left| left - 1)),
        }
    }

    fn client(&self) -> Option<QueryClient> {
        self.0.weak.upgrade()
    }

    fn persist(&self) {
        if let Some(client) = self.client() {
            let on_fault = self.clone();
            client.persist(Persist::new(self.clone(), "build").on_fault(move |_| on_fault.ask()));
        }
    }

    fn share(&self) {
        if let Some(client) = self.client() {
            client.share_with_tabs(Tabs::new(self.clone(), self.clone(), "build"));
        }
    }
}

/// Data whose every part is user code.
#[derive(Debug)]
struct Data(u32);

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        go_off();
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        go_off();
        u32::deserialize(deserializer).map(Data)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        go_off();
    }
}

fn data(id: u32, public: bool) -> impl Query<Data = Data, Error = String> {
    let world = HERE.with(|here| here.borrow().clone()).unwrap().0.world.clone();
    let fetched = query(query_key!["data", id], async move |_| {
        world.sleep(seconds(1)).await;
        Ok::<_, String>(Data(1))
    });
    fetched.with_options(move |options| options.dehydrated().stale_after(minutes(1)).public(public))
}

impl Storage for Stage {
    fn get(&self, name: &str) -> LocalBoxFuture<Result<Option<String>, StorageError>> {
        self.ask();
        self.0.disk.get(name)
    }
    fn write(&self, changes: Rc<[Change]>) -> LocalBoxFuture<Result<(), StorageError>> {
        self.ask();
        self.0.disk.write(changes)
    }
    fn list(&self, prefix: &str) -> LocalBoxFuture<Result<Vec<Stored>, StorageError>> {
        self.ask();
        self.0.disk.list(prefix)
    }
    fn clear(&self, prefix: &str) -> LocalBoxFuture<Result<(), StorageError>> {
        self.ask();
        self.0.disk.clear(prefix)
    }
}

impl Channel for Stage {
    fn post(&self, message: &str) {
        self.0.said.borrow_mut().push(message.to_owned());
        self.ask();
    }
    fn listen(&self, listener: Listener) {
        self.ask();
        self.0.listener.replace(Some(listener));
    }
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        go_off();
    }
}

impl Locks for Stage {
    fn lock(&self, _: &str) -> LocalBoxFuture<Option<Box<dyn Any>>> {
        self.ask();
        match self.0.grants.get() {
            true => Box::pin(async { Some(Box::new(Guard) as Box<dyn Any>) }),
            false => Box::pin(async { None }),
        }
    }
}

const ACTS: [(&str, Act); 10] = [
    ("invalidates", |stage| {
        stage.client().into_iter().for_each(|client| client.invalidate(QueryFilter::all()))
    }),
    ("ends the scope", |stage| stage.client().into_iter().for_each(|client| client.end_scope())),
    ("clears", |stage| stage.client().into_iter().for_each(|client| client.clear())),
    ("holds and restores", |stage| {
        if let Some(client) = stage.client() {
            client.hold_scope();
            client.restore_scope();
        }
    }),
    ("names the scope", |stage| {
        stage.client().into_iter().for_each(|client| client.name_scope(ScopeName::new("grace")));
    }),
    ("persists again", Stage::persist),
    ("shares again", Stage::share),
    ("dehydrates and hydrates", |stage| {
        if let Some(client) = stage.client() {
            let json = client.dehydrate(QueryFilter::all()).json;
            let _ = client.hydrate(&json);
        }
    }),
    ("writes and keeps confidential", |stage| {
        if let Some(client) = stage.client() {
            client.set_data(&data(1, false), Data(7));
            client.keep_confidential(query_key!["data", 2]);
        }
    }),
    ("lets go of the client", |stage| drop(stage.0.client.take())),
];

/// Does all there is to do, with the call at this point.
fn run(act: Act, fuse: u32, broken: Broken, grants: bool) -> bool {
    let world = ManualEnvironment::new(u64::from(fuse));
    let client = QueryClient::new(world.clone());
    let stage = Stage(Rc::new(Inner {
        world: world.clone(),
        weak: client.downgrade(),
        client: RefCell::new(Some(client.clone())),
        fuse: Cell::new(Some(fuse)),
        act,
        went_off: Cell::new(false),
        disk: Disk::default(),
        listener: RefCell::default(),
        said: RefCell::default(),
        grants: Cell::new(grants),
    }));
    HERE.with(|here| here.replace(Some(stage.clone())));
    stage.0.disk.breaks(broken);
    client.name_scope(ScopeName::new("ada"));
    drop(client);
    stage.persist();
    stage.share();
    let mut held = Vec::new();
    for round in 0..2 {
        let Some(client) = stage.client() else { break };
        let watched = [data(1, false), data(2, true)].map(|query| client.observe(query, || {}));
        client.set_data(&data(3, false), Data(3));
        drop(client);
        world.advance(seconds(3));
        // Another tab says all this, too.
        let said: Vec<String> = stage.0.said.take();
        for message in said.iter().map(|said| said.replace(r#""tab":"#, r#""tab":1"#)) {
            let listener = stage.0.listener.borrow().clone();
            if let Some(listener) = listener {
                listener(&message);
            }
        }
        let Some(client) = stage.client() else { break };
        let json = client.dehydrate(QueryFilter::all().matching(|_| {
            go_off();
            true
        }));
        client.invalidate(QueryFilter::all().matching(|_| {
            go_off();
            true
        }));
        client.remove(QueryFilter::exact(query_key!["data", 3]).matching(|_| {
            go_off();
            true
        }));
        let _ = client.hydrate(&json.json);
        client.get_data(&data(3, false));
        drop(client);
        world.advance(minutes(8));
        if round == 0 {
            held.extend(watched);
        }
    }
    if let Some(client) = stage.client() {
        client.end_scope();
        world.advance(seconds(1));
    }
    drop(held);
    drop(stage.0.client.take());
    world.advance(seconds(1));
    HERE.with(|here| here.replace(None));
    stage.0.went_off.get()
}

#[test]
fn user_code_may_call_the_client_from_anywhere_on_the_way() {
    for (what, act) in ACTS {
        for (broken, grants) in [(Broken::Nothing, true), (Broken::Nothing, false), (Broken::Write, true)] {
            let mut points = 0;
            while run(act, points, broken, grants) {
                points += 1;
                assert!(points < 2_000, "{what}: it never ends");
            }
            assert!(points > 20, "{what}: {points}");
        }
    }
}
