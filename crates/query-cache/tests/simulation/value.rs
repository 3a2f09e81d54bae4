//! The only data and the only errors there are: they know where they come from, and they call the client
//! when they are dropped, compared or classed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use query_cache::{Classify, ErrorClass};

use super::keys::PUBLIC;
use super::world::{Place, World, spark};

/// Whose a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Everybody,
    Scope(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By the server.
    Fetched,
    /// By a write or a source.
    Written,
    /// By an update, from what was there.
    Updated,
    /// Initial data.
    Begun,
    /// A placeholder.
    StandIn,
}

/// How many things of each kind are alive.
#[derive(Default)]
pub struct Ledger(RefCell<BTreeMap<&'static str, i64>>);

impl Ledger {
    pub fn alive(&self) -> String {
        let counts = self.0.borrow();
        let alive = counts.iter().filter(|(_, count)| **count != 0);
        alive.map(|(what, count)| format!("{count} × {what} ")).collect()
    }

    pub fn count(&self, what: &'static str) -> i64 {
        self.0.borrow().get(what).copied().unwrap_or(0)
    }
}

/// Counted for as long as it lives.
pub struct Live(Rc<Ledger>, &'static str);

impl Live {
    pub fn new(ledger: &Rc<Ledger>, what: &'static str) -> Self {
        *ledger.0.borrow_mut().entry(what).or_default() += 1;
        Live(ledger.clone(), what)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        *self.0.0.borrow_mut().entry(self.1).or_default() -= 1;
    }
}

pub struct Value {
    pub id: u64,
    pub key: usize,
    pub owner: Owner,
    pub origin: Origin,
    /// When it was written, or when the fetch that brought it began.
    pub born: u64,
    /// When the newest fetch began whose answer was found to be equal to it.
    pub confirmed: Cell<u64>,
    /// What the server had, or the number of the write.
    pub content: u64,
    world: Weak<World>,
    _live: Live,
}

impl World {
    /// A value made now, by whoever is here now.
    pub fn value(&self, key: usize, origin: Origin) -> Value {
        self.value_of(key, self.owner(key), origin, self.tick())
    }

    pub fn value_of(&self, key: usize, owner: Owner, origin: Origin, born: u64) -> Value {
        let id = self.tick();
        let content = if origin == Origin::Fetched { self.server.content(key) } else { 1_000_000 + id };
        let (confirmed, live) = (Cell::new(born), self.live("value"));
        Value { id, key, owner, origin, born, confirmed, content, world: self.me(), _live: live }
    }

    pub fn owner(&self, key: usize) -> Owner {
        if key == PUBLIC { Owner::Everybody } else { Owner::Scope(self.scope.get()) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        spark(&self.world, Place::Drop);
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        let equal = self.content == other.content && self.key == other.key;
        if equal {
            let newest = self.confirmed.get().max(other.confirmed.get());
            self.confirmed.set(newest);
        }
        spark(&self.world, Place::Compare);
        equal
    }
}

/// What the server says instead of an answer.
pub struct Fault {
    pub id: u64,
    pub owner: Owner,
    pub class: ErrorClass,
    /// The query's own judgement.
    pub hopeless: bool,
    world: Weak<World>,
    _live: Live,
}

impl World {
    pub fn fault(&self, owner: Owner, class: ErrorClass, hopeless: bool) -> Fault {
        Fault { id: self.tick(), owner, class, hopeless, world: self.me(), _live: self.live("error") }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        spark(&self.world, Place::Drop);
    }
}

impl Classify for Fault {
    fn class(&self) -> ErrorClass {
        spark(&self.world, Place::Judge);
        self.class
    }
}

/// What a select makes of a value.
pub struct Picked {
    pub content: u64,
    pub owner: Owner,
    world: Weak<World>,
    _live: Live,
}

impl Picked {
    pub fn of(value: &Value) -> Self {
        let live = value._live.0.clone();
        Picked {
            content: value.content / 2,
            owner: value.owner,
            world: value.world.clone(),
            _live: Live::new(&live, "picked"),
        }
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        spark(&self.world, Place::Drop);
    }
}

impl PartialEq for Picked {
    fn eq(&self, other: &Self) -> bool {
        spark(&self.world, Place::Compare);
        self.content == other.content && self.owner == other.owner
    }
}
