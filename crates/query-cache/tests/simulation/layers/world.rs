//! What the server, the patches and the program know together, and what has to be in the cache.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    FetchContext, Layer, ManualEnvironment, Query, QueryClient, QueryKey, QueryOptions, WeakQueryClient,
    minutes, query_key,
};

use crate::rng::Rng;
use crate::small::Seen;

/// The first is somebody's, the second everybody's.
pub const KEYS: usize = 2;
pub const PUBLIC: usize = 1;

/// Not the same if a patch is applied twice, or in another order.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub says: u64,
    pub patches: Vec<u64>,
}

pub fn patched(note: &Note, id: u64) -> Note {
    Note { says: note.says, patches: [&*note.patches, &[id]].concat() }
}

/// What has to be in the cache of one key.
#[derive(Default)]
pub struct Model {
    pub base: Option<Note>,
    /// Live patches, lowest first, and when each was said to wait for an answer.
    pub layers: Vec<(u64, Option<u64>)>,
    /// Those there were before the answer that lands now.
    pub before: Option<Vec<(u64, Option<u64>)>>,
    /// What was sent for before this is older than what was written.
    pub written: u64,
}

impl Model {
    pub fn seen(&self) -> Option<Note> {
        let base = self.base.clone()?;
        Some(self.layers.iter().fold(base, |note, (id, _)| patched(&note, *id)))
    }

    pub fn take_off(&mut self, id: u64) -> bool {
        self.before.iter_mut().for_each(|layers| layers.retain(|(layer, _)| *layer != id));
        let before = self.layers.len();
        self.layers.retain(|(layer, _)| *layer != id);
        self.layers.len() < before
    }
}

pub struct Held {
    pub key: usize,
    pub id: u64,
    pub layer: Layer,
}

pub struct World {
    pub environment: ManualEnvironment,
    pub client: RefCell<WeakQueryClient>,
    pub clock: Cell<u64>,
    pub rng: RefCell<Rng>,
    pub server: RefCell<[Note; KEYS]>,
    pub models: RefCell<[Model; KEYS]>,
    pub layers: RefCell<Vec<Held>>,
    pub fails: Cell<usize>,
    pub held: Cell<bool>,
    pub seen: Seen,
}

impl World {
    pub fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    pub fn saw(&self, if_so: bool, what: &'static str) {
        if if_so {
            self.seen.saw(what);
        }
    }

    pub fn model<T>(&self, key: usize, act: impl FnOnce(&mut Model) -> T) -> T {
        act(&mut self.models.borrow_mut()[key])
    }

    fn answered(&self, key: usize, began: u64, note: &Note) {
        self.model(key, |model| {
            if began < model.written {
                return self.seen.saw("an answer is older than what was written");
            }
            model.before = Some(model.layers.clone());
            let before = model.layers.len();
            model.base = Some(note.clone());
            model.layers.retain(|(_, waits)| waits.is_none_or(|since| began < since));
            self.saw(before > 0, "an answer lands below a patch");
            self.saw(model.layers.len() < before, "an answer takes a patch off that waited for it");
            let waits = model.layers.iter().any(|(_, waits)| waits.is_some());
            self.saw(waits, "an answer leaves a patch that waits for a later one");
        });
    }

    pub fn write(&self, key: usize, client: &QueryClient, note: Note) {
        client.set_data(&Notes(key), note.clone());
        self.model(key, |model| {
            model.base = Some(note);
            model.written = self.tick();
            self.saw(!model.layers.is_empty(), "a write below a patch");
        });
    }

    pub fn roll_back(&self, place: usize) {
        let held = self.take(place, None);
        let Some(Held { key, id, layer }) = held else { return };
        layer.roll_back();
        self.model(key, |model| {
            let below = model.layers.last().is_some_and(|(last, _)| *last != id);
            self.saw(model.take_off(id) && below, "a patch is taken off from below another");
        });
    }

    pub fn take(&self, place: usize, of: Option<usize>) -> Option<Held> {
        let mut layers = self.layers.borrow_mut();
        let fits = layers.iter().enumerate().filter(|(_, held)| of.is_none_or(|key| held.key == key));
        let places: Vec<_> = fits.map(|(place, _)| place).collect();
        let place = *places.get(place % places.len().max(1))?;
        Some(layers.remove(place))
    }

    /// A patch's code calls the client.
    pub fn meddle(&self, key: usize, writes: bool) {
        let Some(client) = self.client.borrow().upgrade().filter(|_| !self.held.get()) else { return };
        self.seen.saw("a patch meddles");
        if writes {
            // An answer that lands now is older than that, and takes no patch off.
            self.model(key, |model| {
                if let Some(before) = model.before.take() {
                    model.layers = before;
                }
            });
            let note = Note { says: self.tick(), patches: Vec::new() };
            return self.write(key, &client, note);
        }
        if let Some(Held { id, layer, .. }) = self.take(0, Some(key)) {
            drop(layer);
            self.model(key, |model| model.take_off(id));
        }
    }
}

pub struct Notes(pub usize);

impl Query for Notes {
    type Data = Note;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["note", self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        let defaults = defaults.public(self.0 == PUBLIC).retry(1).gc_after(minutes(120));
        defaults.stale_after(Duration::from_secs(if self.0 == PUBLIC { 0 } else { 20 }))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<Note, String> {
        let world = cx.get::<Rc<World>>()?;
        let began = world.tick();
        let before = world.server.borrow()[self.0].clone();
        let (wait, early, fails) = {
            let mut rng = world.rng.borrow_mut();
            let fails = world.fails.get() > 0 && rng.one_in(world.fails.get());
            (rng.of(&[1, 10, 300, 1_000]), rng.one_in(2), fails)
        };
        world.environment.sleep(Duration::from_millis(wait)).await;
        if fails {
            return Err("busy".to_owned());
        }
        let note = if early { before } else { world.server.borrow()[self.0].clone() };
        world.answered(self.0, began, &note);
        Ok(note)
    }
}
