//! Layers: patches laid, taken off and committed among answers, writes, resets and ends of a scope. What is seen is
//! always what lies below with all live patches over it, in the order in which they came; in the end it is what the
//! server has.

mod world;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{ManualEnvironment, QueryClient, QueryObserver, Then};

use self::world::{Held, KEYS, Note, Notes, PUBLIC, World, patched};
use crate::rng::Rng;
use crate::small::{Seen, Simulation, rule, simulate};

#[derive(Clone, Debug)]
enum Step {
    Watch(usize, usize),
    Unwatch(usize, usize),
    Patch(usize),
    /// One that takes another off, or writes, when it is first applied.
    Meddle(usize, bool),
    RollBack(usize),
    Commit(usize),
    CommitWhenFetched(usize),
    Write(usize),
    Update(usize),
    /// The server has other data from now on.
    Change(usize),
    Invalidate(usize, Then),
    Refetch(usize),
    Cancel(usize),
    Reset(usize),
    Remove(usize),
    /// One request in so many fails; 0: none does.
    Fails(usize),
    Online(bool),
    Hold,
    Restore,
    EndScope,
    Pass(u64),
}

struct Viewer {
    observer: QueryObserver<Notes>,
    told: Rc<Cell<bool>>,
    shown: RefCell<Option<Rc<Note>>>,
}

struct Run {
    world: Rc<World>,
    client: QueryClient,
    viewers: [[Option<Viewer>; 2]; KEYS],
}

impl Run {
    fn new(seed: u64, seen: &Seen) -> Run {
        let environment = ManualEnvironment::new(seed);
        let client = QueryClient::new(environment.clone());
        let world = Rc::new(World {
            environment,
            client: RefCell::new(client.downgrade()),
            clock: Cell::new(1),
            rng: RefCell::new(Rng::new(seed ^ 0x1a7e5)),
            server: RefCell::new([(); KEYS].map(|()| Note { says: 0, patches: Vec::new() })),
            models: RefCell::default(),
            layers: RefCell::default(),
            fails: Cell::default(),
            held: Cell::default(),
            seen: seen.clone(),
        });
        client.provide(world.clone());
        Run { world, client, viewers: Default::default() }
    }

    fn act(&mut self, step: &Step) {
        let (world, client) = (self.world.clone(), self.client.clone());
        world.models.borrow_mut().iter_mut().for_each(|model| model.before = None);
        match *step {
            Step::Watch(key, place) => {
                let told = Rc::new(Cell::new(true));
                let flag = told.clone();
                let observer = client.observe(Notes(key), move || flag.set(true));
                self.viewers[key][place] = Some(Viewer { observer, told, shown: RefCell::default() });
            }
            Step::Unwatch(key, place) => self.viewers[key][place] = None,
            Step::Patch(key) => self.patch(key, |_| {}),
            Step::Meddle(key, writes) => {
                let (world, done) = (Rc::downgrade(&world), Cell::new(false));
                self.patch(key, move |key| {
                    if let Some(world) = world.upgrade().filter(|_| !done.replace(true)) {
                        world.meddle(key, writes);
                    }
                });
            }
            Step::RollBack(place) => world.roll_back(place),
            Step::Commit(place) => self.commit(place, false),
            Step::CommitWhenFetched(place) => self.commit(place, true),
            Step::Write(key) => {
                let note = world.server.borrow()[key].clone();
                world.write(key, &client, Note { says: world.tick(), ..note });
            }
            Step::Update(key) if key == PUBLIC || !world.held.get() => {
                let says = world.tick();
                let update = |note: Option<&Note>| Some(Note { says, ..note?.clone() });
                let updated = client.update(&Notes(key), update);
                world.model(key, |model| {
                    rule(updated == model.base.is_some(), "an update says whether there was data", &updated);
                    if let Some(base) = &mut model.base {
                        base.says = says;
                        model.written = world.tick();
                    }
                });
            }
            Step::Update(_) => {}
            Step::Change(key) => world.server.borrow_mut()[key].says = world.tick(),
            Step::Invalidate(key, then) => client.invalidate_then(&Notes(key), then),
            Step::Refetch(key) => client.refetch(&Notes(key)),
            Step::Cancel(key) => client.cancel(&Notes(key)),
            Step::Reset(key) if key == PUBLIC || !world.held.get() => {
                client.reset(&Notes(key));
                world.model(key, |model| {
                    model.base = None;
                    world.saw(!model.layers.is_empty(), "a reset below a patch");
                });
            }
            Step::Remove(key) if key == PUBLIC || !world.held.get() => {
                client.remove(&Notes(key));
                let watched = self.viewers[key].iter().any(Option::is_some);
                world.model(key, |model| {
                    model.base = None;
                    world.saw(!watched && !model.layers.is_empty(), "a removal takes a patch along");
                    model.layers.retain(|_| watched);
                });
            }
            Step::Reset(_) | Step::Remove(_) => {}
            Step::Fails(in_so_many) => world.fails.set(in_so_many),
            Step::Online(online) => client.set_online(online),
            Step::Hold => {
                world.held.set(true);
                client.hold_scope();
            }
            Step::Restore => {
                world.held.set(false);
                client.restore_scope();
            }
            Step::EndScope => {
                world.held.set(false);
                client.end_scope();
                world.server.borrow_mut()[0] = Note { says: world.tick(), patches: Vec::new() };
                for key in 0..KEYS {
                    world.model(key, |model| {
                        world.saw(!model.layers.is_empty(), "a patch outlives its scope");
                        model.layers.clear();
                        model.base.take_if(|_| key != PUBLIC);
                    });
                }
            }
            Step::Pass(millis) => world.environment.advance(Duration::from_millis(millis)),
        }
    }

    fn patch(&self, key: usize, meddle: impl Fn(usize) + 'static) {
        let world = &self.world;
        let id = world.tick();
        let layer = self.client.patch(&Notes(key), move |note: &Note| {
            meddle(key);
            patched(note, id)
        });
        world.model(key, |model| model.layers.push((id, None)));
        world.layers.borrow_mut().push(Held { key, id, layer });
    }

    /// The server has it from now on.
    fn commit(&self, place: usize, when_fetched: bool) {
        let world = &self.world;
        let Some(Held { key, id, layer }) = world.take(place, None) else { return };
        let lives = world.model(key, |model| model.layers.iter().any(|(layer, _)| *layer == id));
        if lives {
            world.server.borrow_mut()[key].patches.push(id);
        }
        let since = world.tick();
        let without = world.model(key, |model| model.base.is_none());
        if when_fetched {
            layer.commit_when_fetched()
        } else {
            layer.commit()
        }
        world.model(key, |model| {
            if when_fetched || without {
                world.saw(lives && !when_fetched, "a commit before there is data");
                let waits = model.layers.iter_mut().find(|(layer, _)| *layer == id);
                waits.into_iter().for_each(|(_, waits)| *waits = Some(since));
            } else if model.take_off(id) {
                world.saw(!model.layers.is_empty(), "a commit beside another patch");
                model.base = model.base.as_ref().map(|base| patched(base, id));
                model.written = world.tick();
            }
        });
    }

    fn check(&self) {
        for key in 0..KEYS {
            let hidden = self.world.held.get() && key != PUBLIC;
            let want = self.world.model(key, |model| (model.seen(), model.base.clone()));
            let (seen, base) = if hidden { (None, None) } else { want };
            let query = Notes(key);
            let found = self.client.get_data(&query);
            rule(
                found.as_deref() == seen.as_ref(),
                "all patches are seen over what is below",
                &(found, &seen),
            );
            let found = self.client.committed_data(&query);
            rule(found.as_deref() == base.as_ref(), "what is below is as it was put there", &(found, &base));
            for viewer in self.viewers[key].iter().flatten() {
                let state = viewer.observer.state();
                let found = state.data();
                rule(found.map(|data| &**data) == seen.as_ref(), "who watches sees it, too", &(found, &seen));
            }
        }
    }

    /// At the end of a turn.
    fn check_told(&self) {
        for viewer in self.viewers.iter().flatten().flatten() {
            let now = viewer.observer.state().data().cloned();
            let told = viewer.told.replace(false);
            let before = viewer.shown.replace(now.clone());
            rule(told || before == now, "who watches is told", &(before, now));
        }
    }

    fn end(&mut self) {
        for step in [Step::Fails(0), Step::Online(true), Step::Restore] {
            self.act(&step);
        }
        for turn in 0.. {
            if self.world.layers.borrow().is_empty() {
                break;
            }
            self.act(&if turn % 2 == 0 { Step::RollBack(0) } else { Step::CommitWhenFetched(0) });
            self.check();
        }
        for key in 0..KEYS {
            self.act(&Step::Watch(key, 0));
            self.act(&Step::Invalidate(key, Then::FetchActive));
        }
        self.act(&Step::Pass(60_000));
        self.check();
        for key in 0..KEYS {
            let left = self.world.model(key, |model| model.layers.clone());
            rule(left.is_empty(), "a patch goes with the answer it waited for", &left);
            let (found, server) =
                (self.client.get_data(&Notes(key)), self.world.server.borrow()[key].clone());
            rule(found.as_deref() == Some(&server), "in the end it is what the server has", &(found, server));
        }
        self.viewers = Default::default();
        self.act(&Step::Pass(3 * 3_600_000));
        let left =
            (self.client.observer_count(), self.client.query_count(), self.world.environment.task_count());
        rule(left == (0, 0, 0), "nothing is left of what nobody wants", &left);
    }
}

struct Layers;

impl Simulation for Layers {
    const OF: &'static str = "layers";
    const MOST: u64 = 2_000;
    const MUST: &'static [&'static str] = &[
        "a commit before there is data",
        "a commit beside another patch",
        "a patch is taken off from below another",
        "a patch meddles",
        "a patch outlives its scope",
        "a removal takes a patch along",
        "a reset below a patch",
        "a write below a patch",
        "an answer is older than what was written",
        "an answer lands below a patch",
        "an answer leaves a patch that waits for a later one",
        "an answer takes a patch off that waited for it",
    ];
    type Step = Step;

    fn program(seed: u64) -> Vec<Step> {
        let mut rng = Rng::new(seed);
        let length = 20 + rng.below(50);
        let step = |_| {
            let key = rng.below(KEYS);
            match rng.below(40) {
                0..=2 => Step::Watch(key, rng.below(2)),
                3 => Step::Unwatch(key, rng.below(2)),
                4..=9 => Step::Patch(key),
                10 => Step::Meddle(key, rng.one_in(2)),
                11..=14 => Step::RollBack(rng.below(4)),
                15..=17 => Step::Commit(rng.below(4)),
                18..=20 => Step::CommitWhenFetched(rng.below(4)),
                21 => Step::Write(key),
                22 => Step::Update(key),
                23 => Step::Change(key),
                24 | 25 => Step::Invalidate(key, rng.of(&[Then::FetchActive, Then::Nothing, Then::FetchAll])),
                26 | 27 => Step::Refetch(key),
                28 => Step::Cancel(key),
                29 => rng.of(&[Step::Reset(key), Step::Remove(key)]),
                30 => Step::Fails(rng.of(&[0, 2, 5])),
                31 => Step::Online(rng.one_in(2)),
                32 => rng.of(&[Step::Hold, Step::Restore, Step::Restore, Step::EndScope]),
                _ => Step::Pass(rng.of(&[0, 0, 1, 200, 500, 2_000])),
            }
        };
        (0..length).map(step).collect()
    }

    fn run(seed: u64, steps: &[Step], seen: &Seen) {
        let mut run = Run::new(seed, seen);
        for step in steps {
            run.act(step);
            run.check();
            if matches!(step, Step::Pass(_)) {
                run.check_told();
            }
        }
        run.end();
    }
}

#[test]
fn no_program_of_layers_breaks_a_promise() {
    simulate::<Layers>();
}
