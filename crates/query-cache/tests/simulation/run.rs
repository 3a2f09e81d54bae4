//! One program, from the first step to the last drop.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use query_cache::{QueryFilter, Status, minutes, seconds};

use super::calls::{wake_in, wakers_alive};
use super::coverage::{Coverage, Kinds};
use super::keys::{KEPT, KEYS, Look, name_of};
use super::program::{Act, Program, SLOTS};
use super::value::Fault;
use super::views::Observing;
use super::world::{Violation, World};

pub struct Outcome {
    /// What was broken, and in which step: one more than there are, at the end.
    pub violation: Option<(usize, Violation)>,
    pub coverage: Coverage,
    pub trace: Vec<String>,
}

thread_local! {
    /// Panics of this thread are expected, and told by whoever catches them.
    pub static QUIET: Cell<bool> = const { Cell::new(false) };
}

pub fn run(program: &Program, traced: bool) -> Outcome {
    let world = World::new(program.seed, traced);
    wake_in(&world);
    let step = Cell::new(0);
    QUIET.set(true);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        for (number, next) in program.steps.iter().enumerate() {
            step.set(number + 1);
            world.begin(next);
            world.note(|| format!("{}.", number + 1));
            world.act(&next.act);
            let ran = next.act.runs();
            if ran {
                world.turn.set(Kinds::default());
            }
            world.end_step();
            world.check(ran);
            if world.violation().is_some() {
                return;
            }
        }
        step.set(program.steps.len() + 1);
        if program.abrupt { drop_all(&world) } else { wind_up(&world) }
    }));
    QUIET.set(false);
    let panicked = ended.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Violation { rule: "no panic", text: text.unwrap_or_default() }
    });
    let panics = panicked.is_some();
    let mut coverage = world.coverage.take();
    coverage.programs = 1;
    let violation = panicked.or_else(|| world.violation()).map(|violation| (step.get(), violation));
    let trace = world.trace.as_ref().map(|trace| trace.take()).unwrap_or_default();
    world.quiet.set(true);
    if panics || violation.is_some() {
        // In which state it is nobody knows.
        std::mem::forget(world);
    }
    Outcome { violation, coverage, trace }
}

/// The world is well again, and time passes: what is asked for settles. Then all let go, and nothing is left.
fn wind_up(world: &Rc<World>) {
    let Some(client) = world.client() else { return };
    world.server.heal();
    for act in [Act::Restore, Act::Online, Act::Focus] {
        world.act(&act);
    }
    world.each_view(|slot, view| {
        // One with an interval is never done.
        let look = Look { interval: false, ..view.look.get() };
        let key = view.key.get();
        if matches!(view.observing, Observing::Whole(_)) {
            world.follow(slot, key, look);
        } else {
            world.mount(slot, key, look);
        }
    });
    world.env.advance(seconds(120));
    world.run();
    world.check(true);
    for (slot, view) in world.views.borrow().iter().enumerate() {
        let Some(Observing::Whole(observer)) = view.as_ref().map(|view| &view.observing) else { continue };
        let key = view.as_ref().map_or(0, |view| view.key.get());
        let enabled = view.as_ref().is_some_and(|view| view.look.get().enabled);
        let pending = observer.snapshot().details::<Fault>().status == Status::Pending;
        let called_off = world.facts(key, |facts| facts.is_called_off);
        if (enabled && pending && !called_off) || observer.snapshot().is_fetching() {
            world.breaks("what is asked for settles", || {
                format!("observer {slot} of {} still shows {:?}", name_of(key), observer.snapshot())
            });
        }
    }
    for call in world.calls.borrow().iter() {
        world.breaks("what is asked for settles", || format!("a call for {}", name_of(call.key)));
    }
    (0..SLOTS).for_each(|slot| world.unmount(slot));
    world.run();
    if client.observer_count() != 0 {
        world.breaks("guards return to zero", || client.observer_count().to_string());
    }
    let live: usize = (0..KEYS).map(|key| world.server.live(key)).sum();
    if live != 0 {
        world.breaks("what nobody wants is not fetched", || format!("{live} requests"));
    }
    world.env.advance(minutes(10));
    world.run();
    // What is kept for ever is still there, and nothing else.
    let kept = usize::from(client.snapshot(&world.item(KEPT, Look::PLAIN)).is_some());
    if client.query_count() != kept {
        let left = client.find(QueryFilter::all());
        world.breaks("entries return to zero", || format!("{left:?}"));
    }
    client.clear();
    world.run();
    let left = (client.query_count(), world.env.task_count(), world.env.alarm_at());
    if left != (0, 0, None) {
        world.breaks("entries, tasks and timers return to zero", || format!("{left:?}"));
    }
    drop(client);
    world.ears.take();
    nothing_leaks(world);
    drop_all(world);
}

/// No value, error, query, listener or source outlives the entries.
fn nothing_leaks(world: &World) {
    let alive = world.ledger.alive();
    if !alive.is_empty() || wakers_alive() != 0 {
        world.breaks("nothing leaks", || format!("{alive}{} wakers", wakers_alive()));
    }
}

/// The client goes with all that is in it, whatever is under way.
fn drop_all(world: &World) {
    (0..SLOTS).for_each(|slot| world.unmount(slot));
    while !world.calls.borrow().is_empty() {
        world.let_go(0);
    }
    world.ears.take();
    let handles = world.handles.take();
    drop(handles);
    let sources = world.sources.take();
    world.drop_client();
    drop(sources);
    let live: usize = (0..KEYS).map(|key| world.server.live(key)).sum();
    if live != 0 {
        world.breaks("a client that is dropped drops its fetches", || live.to_string());
    }
    world.server.heal();
    world.env.run();
    world.env.advance(minutes(10));
    nothing_leaks(world);
    let left = (world.env.task_count(), world.env.alarm_at());
    if left != (0, None) {
        world.breaks("a client that is dropped leaves nothing behind", || format!("{left:?}"));
    }
}
