//! Everything there is in one run: the cache, the server, those who watch and wait, and what is known.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use query_cache::{Listening, ManualEnvironment, QueryClient, SourceContext};

use super::calls::PendingCall;
use super::coverage::{Coverage, Kind, Kinds};
use super::keys::{KEYS, PUBLIC};
use super::model::{Facts, Model};
use super::program::{Act, SLOTS, Step};
use super::rng::Rng;
use super::server::Server;
use super::value::{Fault, Ledger, Live, Value};
use super::views::View;

/// From where user code calls the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Drop,
    Compare,
    Judge,
    Options,
    Begin,
    Listener,
    EventListener,
    Predicate,
    Update,
    Source,
    Fetch,
    Waker,
}

impl Place {
    pub const ALL: &[Place] = &[
        Place::Drop,
        Place::Compare,
        Place::Judge,
        Place::Options,
        Place::Begin,
        Place::Listener,
        Place::EventListener,
        Place::Predicate,
        Place::Update,
        Place::Source,
        Place::Fetch,
        Place::Waker,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Place::Drop => "a drop",
            Place::Compare => "a comparison",
            Place::Judge => "an error's class",
            Place::Options => "options",
            Place::Begin => "initial data",
            Place::Listener => "a listener",
            Place::EventListener => "an event listener",
            Place::Predicate => "a predicate",
            Place::Update => "an update",
            Place::Source => "a source",
            Place::Fetch => "a fetch",
            Place::Waker => "a waker",
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Violation {
    pub rule: &'static str,
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub online: bool,
    pub focused: bool,
    pub held: bool,
    /// When each of them last became what it is.
    pub since: [u64; 3],
}

/// Which of [`Weather`].
#[derive(Clone, Copy)]
pub enum Sky {
    Online,
    Focused,
    Held,
}

pub struct World {
    pub env: ManualEnvironment,
    client: RefCell<Option<QueryClient>>,
    pub ledger: Rc<Ledger>,
    me: Weak<World>,
    rng: RefCell<Rng>,
    clock: Cell<u64>,
    pub step_began: Cell<u64>,
    pub weather: Cell<Weather>,
    pub scope: Cell<u32>,
    /// How often user code may still call the client in this step.
    pub sparks: Cell<u32>,
    /// User code keeps still while invariants are checked.
    pub quiet: Cell<bool>,
    depth: Cell<usize>,
    pub batching: Cell<bool>,
    pub model: RefCell<Model>,
    pub server: Server,
    pub views: RefCell<[Option<Rc<View>>; SLOTS]>,
    pub calls: RefCell<Vec<Rc<PendingCall>>>,
    pub handles: RefCell<Vec<(QueryClient, u32)>>,
    pub ears: RefCell<Vec<Listening>>,
    /// Every source ever opened, and the scope it was opened in.
    pub sources: RefCell<Vec<(SourceContext<Value, Fault>, u32)>>,
    pub step: Cell<Kind>,
    pub turn: Cell<Kinds>,
    pub coverage: RefCell<Coverage>,
    violation: RefCell<Option<Violation>>,
    pub trace: Option<RefCell<Vec<String>>>,
}

impl World {
    pub fn new(seed: u64, traced: bool) -> Rc<Self> {
        let env = ManualEnvironment::new(seed);
        let client = QueryClient::new(env.clone());
        let weather = Weather { online: true, focused: true, held: false, since: [0; 3] };
        Rc::new_cyclic(|me| World {
            env,
            client: RefCell::new(Some(client)),
            ledger: Rc::default(),
            me: me.clone(),
            rng: RefCell::new(Rng::new(!seed)),
            clock: Cell::new(0),
            step_began: Cell::new(0),
            weather: Cell::new(weather),
            scope: Cell::new(0),
            sparks: Cell::new(0),
            quiet: Cell::new(false),
            depth: Cell::new(0),
            batching: Cell::new(false),
            model: RefCell::default(),
            server: Server::default(),
            views: RefCell::default(),
            calls: RefCell::default(),
            handles: RefCell::default(),
            ears: RefCell::default(),
            sources: RefCell::default(),
            step: Cell::new(Kind::Run),
            turn: Cell::default(),
            coverage: RefCell::default(),
            violation: RefCell::default(),
            trace: traced.then(RefCell::default),
        })
    }

    pub fn me(&self) -> Weak<World> {
        self.me.clone()
    }

    pub fn client(&self) -> Option<QueryClient> {
        self.client.borrow().clone()
    }

    pub fn drop_client(&self) {
        let client = self.client.borrow_mut().take();
        drop(client);
    }

    pub fn live(&self, what: &'static str) -> Live {
        Live::new(&self.ledger, what)
    }

    /// The next moment.
    pub fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    pub fn draw<R>(&self, draw: impl FnOnce(&mut Rng) -> R) -> R {
        draw(&mut self.rng.borrow_mut())
    }

    pub fn facts<R>(&self, key: usize, with: impl FnOnce(&mut Facts) -> R) -> R {
        with(&mut self.model.borrow_mut().0[key])
    }

    pub fn is_hidden(&self, key: usize) -> bool {
        self.weather.get().held && key != PUBLIC
    }

    pub fn set_weather(&self, sky: Sky, now: bool) {
        let mut weather = self.weather.get();
        let is = match sky {
            Sky::Online => &mut weather.online,
            Sky::Focused => &mut weather.focused,
            Sky::Held => &mut weather.held,
        };
        if std::mem::replace(is, now) != now {
            weather.since[sky as usize] = self.tick();
        }
        self.weather.set(weather);
    }

    /// What it is now it has been for as long as the step lasts.
    pub fn is_steady(&self, sky: Sky) -> bool {
        self.weather.get().since[sky as usize] < self.step_began.get()
    }

    /// The first promise that was not kept counts: later ones may follow from it.
    pub fn breaks(&self, rule: &'static str, text: impl FnOnce() -> String) {
        if self.violation.borrow().is_none() {
            let text = text();
            self.note(|| format!("!! {rule}: {text}"));
            self.violation.replace(Some(Violation { rule, text }));
        }
    }

    pub fn violation(&self) -> Option<Violation> {
        self.violation.borrow().clone()
    }

    pub fn note(&self, text: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let line = format!("{}{}", "  ".repeat(self.depth.get()), text());
            trace.borrow_mut().push(line);
        }
    }

    pub fn begin(&self, step: &Step) {
        let kind = step.act.kind();
        self.step_began.set(self.tick());
        self.sparks.set(step.sparks);
        self.rng.replace(Rng::new(step.seed));
        self.step.set(kind);
        self.server.begun.set(0);
        let mut meets = self.turn.get();
        (0..KEYS).for_each(|key| self.server.join_kinds(key, kind, &mut meets));
        self.coverage.borrow_mut().step(kind, meets);
        let mut turn = self.turn.get();
        turn.add(kind);
        self.turn.set(turn);
    }

    pub fn end_step(&self) {
        self.sparks.set(0);
    }

    pub fn is_in_user_code(&self) -> bool {
        self.depth.get() > 0
    }

    fn spark(&self, place: Place) {
        let Some(left) = self.sparks.get().checked_sub(1).filter(|_| !self.quiet.get()) else { return };
        // Some places are passed so often that the others would never have a turn.
        let seldom = if place == Place::Options { 4 } else { 2 };
        if !self.draw(|rng| rng.one_in(seldom)) {
            return;
        }
        self.sparks.set(left);
        self.coverage.borrow_mut().place(place);
        let act = self.draw(|rng| {
            let (key, slot) = (rng.below(KEYS), rng.below(SLOTS));
            Act::of_a_moment(rng, key, slot)
        });
        self.depth.set(self.depth.get() + 1);
        self.note(|| format!("from {}:", place.name()));
        self.act(&act);
        self.depth.set(self.depth.get() - 1);
    }
}

/// User code runs here: it may call the client.
pub fn spark(world: &Weak<World>, place: Place) {
    if !std::thread::panicking()
        && let Some(world) = world.upgrade()
    {
        world.spark(place);
    }
}
