//! One client of several, and what has to be in it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    Environment, FetchContext, Happening, Listening, ManualEnvironment, Query, QueryClient, QueryKey,
    QueryObserver, QueryOptions, ScopeName, minutes, query_key,
};
use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::small::Seen;

/// Somebody's; everybody's; somebody's, which client 2 keeps to itself; somebody's, which client 0 does not share.
pub const KEYS: usize = 4;
pub const PUBLIC: usize = 1;
const SECRET: usize = 2;
const ELSEWHERE: usize = 3;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub person: u32,
    pub says: u64,
}

/// What all clients ask, and how fast time passes for all of them.
pub struct Server {
    pub clock: Cell<u64>,
    pub elapsed: Cell<Duration>,
    pub says: RefCell<[u64; KEYS]>,
    pub fails: Cell<usize>,
    pub rng: RefCell<Rng>,
    pub people: Cell<u32>,
    pub seen: Seen,
}

impl Server {
    pub fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }
}

/// What is to be found of one key.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Somebody has asked for it; else it is JSON.
    pub awake: bool,
    pub data: Option<Data>,
    pub outdated: bool,
}

#[derive(Clone, Debug)]
pub struct Data {
    /// `None`: it will not decode.
    pub note: Option<Note>,
    pub at: u64,
}

#[derive(Default)]
pub struct Model {
    pub held: [Option<Held>; KEYS],
    /// What was sent for before these is older than what was written, or does not know of an invalidation.
    pub written: [u64; KEYS],
    pub invalidated: [u64; KEYS],
    pub not_decoded: usize,
    /// The newest that was shown since it was last forgotten.
    pub newest: [u64; KEYS],
}

pub struct Viewer {
    pub observer: QueryObserver<Notes>,
    pub told: Rc<Cell<bool>>,
    pub shown: RefCell<Option<Rc<Note>>>,
}

pub struct Peer {
    pub number: usize,
    pub environment: ManualEnvironment,
    pub client: QueryClient,
    pub server: Rc<Server>,
    pub name: Option<&'static str>,
    pub hidden: bool,
    pub known: Rc<Known>,
    pub viewers: [Option<Viewer>; KEYS],
    pub not_decoded: Rc<Cell<usize>>,
    _listening: Listening,
}

/// What the fetches of a client know.
pub struct Known {
    server: Rc<Server>,
    environment: ManualEnvironment,
    pub person: Cell<u32>,
    pub model: RefCell<Model>,
}

pub struct Notes {
    pub peer: usize,
    pub key: usize,
}

impl Notes {
    pub fn opts_in(&self) -> bool {
        (self.peer, self.key) != (0, ELSEWHERE)
    }

    pub fn is_secret(&self) -> bool {
        (self.peer, self.key) == (2, SECRET)
    }
}

impl Query for Notes {
    type Data = Note;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["note", self.key]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        let defaults = if self.opts_in() { defaults.dehydrated() } else { defaults };
        let defaults = defaults.public(self.key == PUBLIC).retry(0).gc_after(minutes(300));
        defaults.stale_after(Duration::from_secs(if self.key == PUBLIC { 0 } else { 20 }))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<Note, String> {
        let known = cx.get::<Rc<Known>>()?;
        let server = known.server.clone();
        let began = server.tick();
        let (wait, fails) = {
            let mut rng = server.rng.borrow_mut();
            let fails = server.fails.get() > 0 && rng.one_in(server.fails.get());
            (rng.of(&[1, 10, 300, 1_000]), fails)
        };
        known.environment.sleep(Duration::from_millis(wait)).await;
        let note = (!fails).then(|| known.note(self.key));
        known.answered(self.key, began, note.clone());
        note.ok_or_else(|| "busy".to_owned())
    }
}

impl Known {
    /// What the server says now.
    pub fn note(&self, key: usize) -> Note {
        let person = if key == PUBLIC { 0 } else { self.person.get() };
        Note { person, says: self.server.says.borrow()[key] }
    }

    pub fn now(&self) -> u64 {
        self.environment.now().as_millis()
    }

    fn answered(&self, key: usize, began: u64, note: Option<Note>) {
        let mut model = self.model.borrow_mut();
        let (written, invalidated) = (model.written[key], model.invalidated[key]);
        let Some(held) = model.held[key].as_mut().filter(|_| began > written) else { return };
        match note {
            Some(note) => {
                held.data = Some(Data { note: Some(note), at: self.now() });
                held.outdated = invalidated > began;
            }
            None => held.outdated = true,
        }
    }
}

impl Peer {
    pub fn new(number: usize, server: &Rc<Server>, skew: Duration, name: Option<&'static str>) -> Peer {
        let environment = ManualEnvironment::new(number as u64);
        environment.advance(skew + server.elapsed.get());
        let client = QueryClient::new(environment.clone());
        let not_decoded = Rc::<Cell<usize>>::default();
        let count = not_decoded.clone();
        let listening = client.listen(move |event| {
            if let Happening::NotDecoded { .. } = event.happening {
                count.set(count.get() + 1);
            }
        });
        let known = Rc::new(Known {
            server: server.clone(),
            environment: environment.clone(),
            person: Cell::default(),
            model: RefCell::default(),
        });
        client.provide(known.clone());
        if number == 2 {
            client.keep_confidential(query_key!["note", SECRET]);
        }
        let mut peer = Peer {
            number,
            environment,
            client,
            server: server.clone(),
            name: None,
            hidden: false,
            known,
            viewers: Default::default(),
            not_decoded,
            _listening: listening,
        };
        peer.enter(name);
        peer
    }

    /// A scope ends, and another begins: of somebody known by name, or of somebody new.
    pub fn enter(&mut self, name: Option<&'static str>) {
        // What is still to be told would go with the scope.
        self.environment.run();
        self.client.end_scope();
        self.name = name;
        self.hidden = false;
        let nobody = 100 + self.server.people.replace(self.server.people.get() + 1);
        let person = name.map_or(nobody, |name| u32::from(name == "ada") + 1);
        self.known.person.set(person);
        if let Some(name) = name {
            self.client.name_scope(ScopeName::new(name));
        }
        for key in (0..KEYS).filter(|key| *key != PUBLIC) {
            self.forget(key);
        }
    }

    pub fn query(&self, key: usize) -> Notes {
        Notes { peer: self.number, key }
    }

    /// Whether it can be seen now.
    pub fn sees(&self, key: usize) -> bool {
        key == PUBLIC || !self.hidden
    }

    pub fn model<T>(&self, act: impl FnOnce(&mut Model) -> T) -> T {
        act(&mut self.known.model.borrow_mut())
    }

    /// It was removed: what somebody watches begins anew.
    pub fn forget(&self, key: usize) {
        let watched = self.viewers[key].is_some();
        self.model(|model| {
            model.held[key] = watched.then(|| Held { awake: true, ..Held::default() });
            model.newest[key] = 0;
        });
    }

    /// Somebody asks for it: what is JSON is decoded, or goes.
    pub fn wake(&self, key: usize) {
        let opts_in = self.query(key).opts_in();
        self.model(|model| {
            let Some(held) = model.held[key].as_mut().filter(|held| !held.awake) else { return };
            held.awake = true;
            let Some(data) = &held.data else { return model.held[key] = None };
            if data.note.is_none() || !opts_in {
                self.server.seen.saw("JSON that does not decode");
                model.held[key] = None;
                model.not_decoded += 1;
            }
        });
    }
}
