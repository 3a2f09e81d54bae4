//! One tab, and the server that all of them ask.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    FetchContext, ManualEnvironment, Query, QueryClient, QueryKey, QueryObserver, QueryOptions, ScopeName,
    Tabs, minutes, query_key,
};
use serde::{Deserialize, Serialize};

use super::between::{Between, Place};
use crate::small::Seen;

/// Somebody's; everybody's; somebody's, which does not opt in.
pub const KEYS: usize = 3;
pub const OWN: usize = 0;
pub const PUBLIC: usize = 1;
pub const ALONE: usize = 2;

pub type Name = Option<&'static str>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub person: String,
    pub build: String,
    pub tab: u32,
    pub says: u64,
    /// When it was asked for, or written.
    pub began: u64,
    /// It was written in a held tab, so it was told later.
    pub held: bool,
}

/// A request under way: of which tab, and for whom.
struct Request {
    tab: u32,
    began: u64,
    group: (String, String, usize),
}

pub struct Server {
    pub between: Rc<Between>,
    pub clock: Cell<u64>,
    pub says: RefCell<[u64; KEYS]>,
    pub fails: Cell<usize>,
    /// Some tab has gone from one scope to another.
    pub moved: Cell<bool>,
    requests: RefCell<Vec<Request>>,
    /// The first promise that is broken where nothing must panic.
    pub broken: RefCell<Option<String>>,
    pub seen: Seen,
}

impl Server {
    pub fn new(between: &Rc<Between>, seen: &Seen) -> Rc<Server> {
        Rc::new(Server {
            between: between.clone(),
            clock: Cell::new(1),
            says: RefCell::new([1; KEYS]),
            fails: Cell::default(),
            moved: Cell::default(),
            requests: RefCell::default(),
            broken: RefCell::default(),
            seen: seen.clone(),
        })
    }

    pub fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    pub fn is_asked_by(&self, tab: u32) -> bool {
        self.requests.borrow().iter().any(|request| request.tab == tab)
    }

    fn begin(self: &Rc<Self>, tab: u32, began: u64, group: (String, String, usize)) -> UnderWay {
        let other =
            self.requests.borrow().iter().find(|request| request.group == group).map(|other| other.tab);
        if let Some(other) = other {
            self.broken.borrow_mut().get_or_insert(format!("tabs {other} and {tab}: {group:?}"));
        }
        self.requests.borrow_mut().push(Request { tab, began, group });
        UnderWay(self.clone(), began)
    }
}

struct UnderWay(Rc<Server>, u64);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.requests.borrow_mut().retain(|request| request.began != self.1);
    }
}

/// Who fetches.
pub struct Here {
    pub server: Rc<Server>,
    pub environment: ManualEnvironment,
    pub number: u32,
    pub build: &'static str,
    /// Whose it was when it was opened, and whether that has changed.
    pub name: Name,
    pub moved: Cell<bool>,
}

impl Here {
    fn stays(&self, client: &QueryClient) -> bool {
        !self.moved.get() && person_of(client) == self.name.unwrap_or("nobody")
    }

    /// What is written, or read from the server, now.
    pub fn note(&self, key: usize, person: &str, began: u64) -> Note {
        let person = if key == PUBLIC { "" } else { person };
        let says = self.server.says.borrow()[key];
        let (person, build) = (person.to_owned(), self.build.to_owned());
        Note { person, build, tab: self.number, says, began, held: false }
    }
}

pub fn person_of(client: &QueryClient) -> String {
    client.scope_name().map_or_else(|| "nobody".to_owned(), |name| name.as_str().to_owned())
}

pub struct Notes(pub usize);

impl Query for Notes {
    type Data = Note;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["note", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        let defaults = if self.0 == ALONE { defaults } else { defaults.dehydrated() };
        let defaults = defaults.public(self.0 == PUBLIC).retry(0).gc_after(minutes(300));
        defaults.stale_after(Duration::from_secs(if self.0 == PUBLIC { 0 } else { 20 }))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<Note, String> {
        let here = cx.get::<Rc<Here>>()?;
        let Some(client) = cx.client() else { return Err("gone".to_owned()) };
        let (person, began) = (person_of(&client), here.server.tick());
        let whose = match self.0 {
            // What waits when the scope changes waits on where it is, for those of the scope before.
            PUBLIC if here.stays(&client) => person.clone(),
            OWN if person != "nobody" => person.clone(),
            _ => format!("{person} in {}", here.number),
        };
        drop(client);
        let _under_way = here.server.begin(here.number, began, (here.build.to_owned(), whose, self.0));
        let before = here.note(self.0, &person, began);
        let between = here.server.between.clone();
        let (wait, early, fails) = {
            let mut rng = between.rng.borrow_mut();
            let fails = here.server.fails.get();
            (rng.of(&[5, 20, 35, 300, 800]), rng.one_in(2), fails > 0 && rng.one_in(fails))
        };
        between.expect(wait);
        here.environment.sleep(Duration::from_millis(wait)).await;
        match fails {
            true => Err("busy".to_owned()),
            false => Ok(if early { before } else { here.note(self.0, &person, began) }),
        }
    }
}

pub struct Tab {
    pub here: Rc<Here>,
    pub client: QueryClient,
    /// Whose it was when it was last looked at.
    pub name: Name,
    /// Counts the scopes, and so tells one from the next of the same name.
    pub scopes: u32,
    pub hidden: bool,
    pub viewers: [Option<QueryObserver<Notes>>; KEYS],
    /// The newest that was shown since it was last forgotten.
    pub newest: [u64; KEYS],
}

impl Tab {
    pub fn open(number: u32, server: &Rc<Server>, build: &'static str, name: Name) -> Tab {
        let between = server.between.clone();
        let environment = ManualEnvironment::new(u64::from(number) * 7_919 + 13);
        environment.advance(Duration::from_millis(between.now.get()));
        let client = QueryClient::new(environment.clone());
        let here = Rc::new(Here {
            server: server.clone(),
            environment: environment.clone(),
            number,
            build,
            name,
            moved: Cell::new(false),
        });
        client.provide(here.clone());
        if let Some(name) = name {
            client.name_scope(ScopeName::new(name));
        }
        let place = || Place { between: between.clone(), environment: environment.clone(), tab: number };
        client.share_with_tabs(Tabs::new(place(), place(), build));
        let (viewers, newest) = (Default::default(), [0; KEYS]);
        Tab { here, client, name, scopes: 0, hidden: false, viewers, newest }
    }

    pub fn watch(&mut self, key: usize) {
        self.viewers[key] = Some(self.client.observe(Notes(key), || {}));
    }

    /// As a browser does it: it says no more, what it does is over, and its locks are free.
    pub fn close(self) {
        let (between, number) = (self.here.server.between.clone(), self.here.number);
        between.silence(number);
        drop(self);
        between.release(number);
    }

    /// Its scope has ended, here or elsewhere.
    pub fn left(&mut self) {
        self.here.moved.set(true);
        self.here.server.moved.set(true);
        self.name = None;
        self.scopes += 1;
        self.hidden = false;
        self.newest[OWN] = 0;
        self.newest[ALONE] = 0;
    }
}
