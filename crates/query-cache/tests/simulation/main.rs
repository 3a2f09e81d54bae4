//! The simulation: programs of many steps, made of a seed each, run against a server, a clock and user code
//! that calls the client wherever user code runs. After each step everything that the cache promises is
//! checked. A program that breaks a promise is printed, as short as it gets.
//!
//! ```sh
//! QUERY_CACHE_SEEDS=17..18 cargo test -p query-cache --test simulation
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acts;
mod calls;
mod coverage;
mod hydration;
mod invariants;
mod keys;
mod layers;
mod model;
mod mutations;
mod pages;
mod program;
mod rng;
mod run;
mod server;
mod shrink;
mod small;
mod tabs;
mod value;
mod views;
mod world;

use std::io::Write;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use coverage::Coverage;
use program::Program;

/// Which seeds are run, unless `QUERY_CACHE_SEEDS=from..to` says otherwise.
const SEEDS: Range<u64> = 0..10_000;
/// With fewer seeds than this, some pairs of steps may not occur.
const ENOUGH: u64 = 5_000;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("QUERY_CACHE_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("QUERY_CACHE_SEEDS=from..to");
    from.trim().parse().expect("a number")..to.trim().parse().expect("a number")
}

/// Also where the test passes: what is printed by `println` would not be seen.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Panics of a simulated run are caught, counted and told once, for the shrunk program.
fn keep_panics_quiet() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !run::QUIET.get() {
            before(info);
        }
    }));
}

/// Runs the seeds on all processors; the smallest that fails.
fn run_all(seeds: Range<u64>) -> (Coverage, Option<u64>) {
    let next = AtomicU64::new(seeds.start);
    let end = AtomicU64::new(seeds.end);
    let coverage = Mutex::new(Coverage::default());
    let work = || {
        let mut own = Coverage::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end.load(Ordering::Relaxed) {
                break;
            }
            let outcome = run::run(&Program::of_seed(seed), false);
            own.merge(&outcome.coverage);
            if outcome.violation.is_some() {
                end.fetch_min(seed, Ordering::Relaxed);
            }
        }
        coverage.lock().unwrap().merge(&own);
    };
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        (0..processors).for_each(|_| drop(scope.spawn(work)));
    });
    let end = end.into_inner();
    (coverage.into_inner().unwrap(), (end < seeds.end).then_some(end))
}

/// What there is to say about a seed that fails.
fn explain(seed: u64) -> String {
    let program = Program::of_seed(seed);
    let (at, first) = run::run(&program, false).violation.expect("it failed before");
    let cut = program.steps.len().min(at);
    let cut = Program { steps: program.steps[..cut].to_vec(), ..program };
    let same = |program: &Program| {
        run::run(program, false).violation.is_some_and(|(_, found)| found.rule == first.rule)
    };
    let shrunk = if same(&cut) { shrink::shrink(&cut, same) } else { cut };
    let outcome = run::run(&shrunk, true);
    let (rule, text) = outcome.violation.map_or((first.rule, first.text), |(_, last)| (last.rule, last.text));
    format!(
        "seed {seed} breaks: {rule} ({text})\n\nThe program, as short as it gets:\n{shrunk}\n\nWhat happened:\n  {}\n\n\
         To run it alone: QUERY_CACHE_SEEDS={seed}..{} cargo test -p query-cache --test simulation",
        outcome.trace.join("\n  "),
        seed + 1,
    )
}

#[test]
fn no_program_breaks_a_promise() {
    keep_panics_quiet();
    let seeds = seeds();
    let (coverage, failed) = run_all(seeds.clone());
    if let Some(seed) = failed {
        let told = explain(seed);
        tell(&told);
        panic!("{}", told.lines().next().unwrap_or_default());
    }
    // Whoever runs it for a verdict alone says so.
    if std::env::var_os("QUERY_CACHE_BRIEF").is_none() {
        tell(&coverage.report());
    }
    let missing = coverage.missing();
    assert!(coverage.programs < ENOUGH || missing.is_empty(), "never occurred: {}", missing.join("; "));
}

#[test]
fn a_seed_is_one_run() {
    for seed in [3, 40_000] {
        let program = Program::of_seed(seed);
        assert!(program.steps.len() >= 60);
        let traces = [(); 2].map(|()| run::run(&program, true).trace);
        assert!(traces[0].len() > 60);
        assert_eq!(traces[0], traces[1]);
    }
}
