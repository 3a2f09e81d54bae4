//! Mutations: programs of calls, pauses, ends of scopes and reloads, made of a seed each. What the server is sent
//! and what the callbacks are told is checked as it happens, and in the end that all has come to an end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    Classify, Environment, ErrorClass, ManualEnvironment, MissingContext, Mutation, MutationContext,
    MutationError, MutationFilter, MutationOptions, QueryClient, QueryKey, SavedMutation, minutes, query_key,
};
use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::{seeds, tell};

/// How many programs are run of as many as there are for queries: one in this.
const FEWER: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// In this line, or none, with so many retries.
    Mutate(Option<u8>, u32),
    Cancel(usize),
    Online(bool),
    Focused(bool),
    Hold,
    Restore,
    EndScope,
    /// The page goes, with all that is in its memory, and comes again.
    Reload,
    Pass(u64),
}

fn program(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let length = 10 + rng.below(40);
    let step = |_| match rng.below(24) {
        0..=8 => Step::Mutate(rng.of(&[None, Some(0), Some(0), Some(1)]), rng.of(&[0, 0, 1, 2])),
        9 => Step::Cancel(rng.below(4)),
        10 | 11 => Step::Online(false),
        12..=14 => Step::Online(true),
        15 => Step::Focused(false),
        16 => Step::Focused(true),
        17 => Step::Hold,
        18 => Step::Restore,
        19 => Step::EndScope,
        20 => Step::Reload,
        _ => Step::Pass(rng.of(&[0, 1, 100, 250, 1_000, 12_000])),
    };
    (0..length).map(step).collect()
}

#[derive(Clone, Serialize, Deserialize)]
struct Given {
    number: usize,
    line: Option<u8>,
}

#[derive(Clone, Debug, PartialEq)]
struct Fault(ErrorClass);

impl Classify for Fault {
    fn class(&self) -> ErrorClass {
        self.0
    }
}

impl From<MissingContext> for Fault {
    fn from(missing: MissingContext) -> Self {
        Fault(missing.class())
    }
}

/// What is known of a call, from outside.
#[derive(Default)]
struct Call {
    line: Option<u8>,
    scope: u32,
    retry: u32,
    key: String,
    /// Requests under way.
    live: u32,
    /// Since the page was loaded.
    sent: u32,
    begun: u32,
    ended: u32,
    settled: u32,
    /// Nothing more of it is to be sent.
    gone: bool,
}

/// What the server, the callbacks and the program know together.
struct World {
    environment: RefCell<ManualEnvironment>,
    calls: RefCell<Vec<Call>>,
    /// Counts reloads: what runs in a page that is gone is not the next one's.
    page: Cell<u32>,
    scope: Cell<u32>,
    online: Cell<bool>,
    focused: Cell<bool>,
    held: Cell<bool>,
    rng: RefCell<Rng>,
    broken: RefCell<Option<(&'static str, String)>>,
}

impl World {
    fn breaks(&self, rule: &'static str, text: impl FnOnce() -> String) {
        let mut broken = self.broken.borrow_mut();
        if broken.is_none() {
            *broken = Some((rule, text()));
        }
    }

    /// A request arrives.
    fn sent(&self, number: usize, cx: &MutationContext) {
        let mut calls = self.calls.borrow_mut();
        let key = cx.idempotency_key().to_string();
        if calls.iter().enumerate().any(|(other, call)| other != number && call.key == key) {
            self.breaks("each call has its own idempotency key", || format!("call {number}"));
        }
        let line = calls[number].line;
        let scope = calls[number].scope;
        let earlier = line.and_then(|line| {
            calls[..number]
                .iter()
                .position(|call| call.line == Some(line) && call.scope == scope && !call.gone)
        });
        if let Some(earlier) = earlier {
            self.breaks("a line is first in, first out", || {
                format!("{number} is sent before {earlier} is over")
            });
        }
        let call = &mut calls[number];
        if call.key.is_empty() {
            call.key = key.clone();
        }
        call.live += 1;
        call.sent += 1;
        if call.key != key {
            self.breaks("an idempotency key survives retries and reloads", || format!("call {number}"));
        }
        if call.live > 1 {
            self.breaks("a call is sent once at a time", || format!("call {number}, {} requests", call.live));
        }
        if call.gone {
            self.breaks("what is over is not sent", || format!("call {number}"));
        }
        if self.held.get() || !self.online.get() {
            self.breaks("nothing is sent while offline or held", || format!("call {number}"));
        }
        if call.scope != self.scope.get() {
            self.breaks("nothing is sent for a scope that has ended", || format!("call {number}"));
        }
    }

    /// A callback runs.
    fn told(&self, number: usize, what: fn(&mut Call) -> &mut u32) {
        let mut calls = self.calls.borrow_mut();
        let call = &mut calls[number];
        *what(call) += 1;
        if *what(call) > 1 {
            self.breaks("each callback runs once", || format!("call {number}"));
        }
        if self.held.get() || call.scope != self.scope.get() {
            self.breaks("no callback runs in a held scope or in another", || format!("call {number}"));
        }
    }
}

struct Post(Rc<World>, u32);

impl Mutation for Post {
    type Variables = Given;
    type Data = usize;
    type Error = Fault;

    fn name(&self) -> &'static str {
        "post"
    }
    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        defaults.retry(self.1)
    }
    fn line(&self, given: &Given) -> Option<QueryKey> {
        given.line.map(|line| query_key!["line", line])
    }
    async fn mutate(&self, given: &Given, cx: MutationContext) -> Result<usize, Fault> {
        struct Request<'a>(&'a World, usize, u32);
        impl Drop for Request<'_> {
            fn drop(&mut self) {
                if self.0.page.get() == self.2 {
                    self.0.calls.borrow_mut()[self.1].live -= 1;
                }
            }
        }
        let world = &self.0;
        world.sent(given.number, &cx);
        let _request = Request(world, given.number, world.page.get());
        let (latency, answer) = {
            let mut rng = world.rng.borrow_mut();
            (rng.of(&[0, 0, 50, 200, 900]), rng.below(10))
        };
        if latency > 0 {
            let environment = world.environment.borrow().clone();
            environment.sleep(Duration::from_millis(latency)).await;
        }
        match answer {
            _ if !world.online.get() => Err(Fault(ErrorClass::Offline)),
            0 => Err(Fault(ErrorClass::Permanent)),
            1..=3 => Err(Fault(ErrorClass::RETRYABLE)),
            _ => Ok(given.number),
        }
    }
    async fn on_mutate(&self, given: &Given, _: MutationContext) {
        self.0.told(given.number, |call| &mut call.begun);
    }
    async fn on_success(&self, _: &usize, given: &Given, _: MutationContext) {
        self.0.told(given.number, |call| &mut call.ended);
    }
    async fn on_error(&self, _: &Fault, given: &Given, _: MutationContext) {
        self.0.told(given.number, |call| &mut call.ended);
    }
    async fn on_settled(&self, _: Result<&usize, &MutationError<Fault>>, given: &Given, _: MutationContext) {
        let world = &self.0;
        world.told(given.number, |call| &mut call.settled);
        let slow = world.rng.borrow_mut().one_in(4);
        if slow {
            let environment = world.environment.borrow().clone();
            environment.sleep(Duration::from_millis(30)).await;
        }
        world.calls.borrow_mut()[given.number].gone = true;
    }
}

struct Run {
    world: Rc<World>,
    client: QueryClient,
    elapsed: Duration,
    /// How many futures have not come to anything.
    waiting: Rc<Cell<usize>>,
}

impl Run {
    fn new(seed: u64) -> Run {
        let environment = ManualEnvironment::new(seed);
        let client = QueryClient::new(environment.clone());
        let world = World {
            environment: RefCell::new(environment),
            calls: RefCell::default(),
            page: Cell::default(),
            scope: Cell::default(),
            online: Cell::new(true),
            focused: Cell::new(true),
            held: Cell::default(),
            rng: RefCell::new(Rng::new(seed ^ 0x5eed)),
            broken: RefCell::default(),
        };
        let run = Run { world: Rc::new(world), client, elapsed: Duration::ZERO, waiting: Rc::default() };
        run.client.register_mutation(Post(run.world.clone(), 1));
        run
    }

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        let environment = self.world.environment.borrow().clone();
        environment.advance(time);
    }

    fn act(&mut self, step: &Step) {
        let world = self.world.clone();
        match step {
            Step::Mutate(line, retry) => {
                let number = world.calls.borrow().len();
                let scope = world.scope.get();
                let call = Call { line: *line, scope, retry: *retry, ..Call::default() };
                world.calls.borrow_mut().push(call);
                let given = Given { number, line: *line };
                let future = self.client.mutate(Post(world.clone(), *retry), given);
                self.waiting.set(self.waiting.get() + 1);
                let waiting = self.waiting.clone();
                let environment = world.environment.borrow().clone();
                environment.spawn(Box::pin(async move {
                    let _ = future.await;
                    waiting.set(waiting.get() - 1);
                }));
            }
            Step::Cancel(place) => {
                let pending = self.client.find_mutations(MutationFilter::all().pending());
                if let Some(info) = pending.get(*place) {
                    let number = info.variables::<Given>().unwrap().number;
                    // Told before, for it may be over within the call; not where it has its answer.
                    let ended = world.calls.borrow()[number].ended;
                    if ended == 0 && self.client.cancel_mutations(info.id()) == 1 {
                        let call = &mut world.calls.borrow_mut()[number];
                        if call.live > 0 {
                            world.breaks("what is called off is dropped in the call", || {
                                format!("call {number}")
                            });
                        }
                    }
                }
            }
            Step::Online(online) => {
                world.online.set(*online);
                self.client.set_online(*online);
            }
            Step::Focused(focused) => {
                world.focused.set(*focused);
                self.client.set_focused(*focused);
            }
            Step::Hold => {
                world.held.set(true);
                self.client.hold_scope();
            }
            Step::Restore => {
                world.held.set(false);
                self.client.restore_scope();
            }
            Step::EndScope => {
                world.held.set(false);
                world.scope.set(world.scope.get() + 1);
                self.client.end_scope();
                let live = world.calls.borrow().iter().position(|call| call.live > 0);
                if let Some(live) = live {
                    world.breaks("the end of a scope drops what is under way", || format!("call {live}"));
                }
            }
            Step::Reload => self.reload(),
            Step::Pass(millis) => self.pass(Duration::from_millis(*millis)),
        }
    }

    fn reload(&mut self) {
        let world = self.world.clone();
        let saved: Vec<SavedMutation> = self.client.unfinished_mutations().saved;
        world.page.set(world.page.get() + 1);
        world.held.set(false);
        world.focused.set(true);
        self.waiting = Rc::default();
        let numbers: Vec<usize> = saved.iter().map(number_of).collect();
        for (number, call) in world.calls.borrow_mut().iter_mut().enumerate() {
            call.live = 0;
            call.gone |= !numbers.contains(&number);
            if !call.gone {
                (call.begun, call.ended, call.settled) = (0, 0, 0);
            }
        }
        let environment = ManualEnvironment::new(u64::from(world.page.get()));
        environment.advance(self.elapsed);
        self.client = QueryClient::new(environment.clone());
        world.environment.replace(environment);
        self.client.register_mutation(Post(world.clone(), 1));
        self.client.set_online(world.online.get());
        for saved in &saved {
            let resumed = self.client.resume_mutation(saved);
            // What two parts of an app both find in storage is still one call.
            let twice = world.rng.borrow_mut().one_in(3);
            let again = twice.then(|| self.client.resume_mutation(saved));
            if resumed.is_err() || again.is_some_and(|again| again.is_err()) {
                world.breaks("what was written down can be resumed", || format!("{saved:?}"));
            }
        }
    }

    /// All that stood in the way goes, and time passes.
    fn end(&mut self) {
        for step in [Step::Restore, Step::Online(true), Step::Focused(true)] {
            self.act(&step);
        }
        self.pass(minutes(20));
        let scope = self.world.scope.get();
        let calls = self.world.calls.borrow();
        let pending = calls.iter().position(|call| call.scope == scope && !call.gone);
        if let Some(number) = pending {
            self.world.breaks("everything comes to an end", || format!("call {number} does not"));
        }
        if self.waiting.get() > 0 {
            self.world.breaks("every future comes to something", || format!("{} do not", self.waiting.get()));
        }
        let too_often = calls.iter().position(|call| {
            let retries = call.retry.max(1);
            call.gone && call.sent > 8 * (retries + 1)
        });
        if let Some(number) = too_often {
            self.world.breaks("no more attempts than were asked for", || format!("call {number}"));
        }
        if self.client.count_mutations(MutationFilter::all()) > 0 {
            self.world.breaks("what is over is forgotten", String::new);
        }
    }
}

fn number_of(saved: &SavedMutation) -> usize {
    usize::try_from(saved.variables["number"].as_u64().unwrap()).unwrap()
}

/// The first promise that is broken.
fn violation(seed: u64, steps: &[Step]) -> Option<(&'static str, String)> {
    let mut run = Run::new(seed);
    for step in steps {
        run.act(step);
        if let Some(broken) = run.world.broken.take() {
            return Some(broken);
        }
    }
    run.end();
    run.world.broken.take()
}

struct Told<'a>(&'a [Step]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| writeln!(f, "  {step:?}"))
    }
}

/// Leaves out what can be left out.
fn shrunk(seed: u64, rule: &str) -> Vec<Step> {
    let mut steps = program(seed);
    let mut place = 0;
    while place < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(place);
        if violation(seed, &fewer).is_some_and(|(found, _)| found == rule) {
            steps = fewer;
        } else {
            place += 1;
        }
    }
    steps
}

#[test]
fn no_program_of_mutations_breaks_a_promise() {
    let seeds = seeds();
    let end = seeds.start + (seeds.end - seeds.start).div_ceil(FEWER);
    let mut steps: HashMap<&str, usize> = HashMap::new();
    for seed in seeds.start..end {
        let program = program(seed);
        if let Some((rule, text)) = violation(seed, &program) {
            let steps = shrunk(seed, rule);
            let mut told =
                format!("seed {seed} breaks: {rule} ({text})\n\nThe program, as short as it gets:\n");
            let _ = write!(told, "{}", Told(&steps));
            tell(&told);
            panic!("{}", told.lines().next().unwrap_or_default());
        }
        for step in &program {
            let name = match step {
                Step::Reload => "reloads",
                Step::EndScope => "ends of a scope",
                Step::Mutate(..) => "calls",
                _ => continue,
            };
            *steps.entry(name).or_default() += 1;
        }
    }
    if std::env::var_os("QUERY_CACHE_BRIEF").is_none() {
        tell(&format!("{} programs of mutations: {steps:?}", end - seeds.start));
    }
}
