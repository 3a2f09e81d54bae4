//! What the smaller simulations have in common: a program of steps is made of a seed and run, and one that breaks a
//! promise is told, as short as it gets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;

use crate::run::QUIET;
use crate::{keep_panics_quiet, seeds, tell};

/// One part of the cache, simulated on its own.
pub trait Simulation {
    /// What its programs are of.
    const OF: &'static str;
    /// As many seeds as these are run, whatever the range.
    const MOST: u64;
    /// What has to happen in so many programs.
    const MUST: &'static [&'static str];
    type Step: Clone + fmt::Debug;

    fn program(seed: u64) -> Vec<Self::Step>;

    /// Runs it, and [`breaks`] what is broken.
    fn run(seed: u64, steps: &[Self::Step], seen: &Seen);
}

/// How often what happened.
#[derive(Clone, Default)]
pub struct Seen(Rc<RefCell<BTreeMap<&'static str, u64>>>);

impl Seen {
    pub fn saw(&self, what: &'static str) {
        *self.0.borrow_mut().entry(what).or_default() += 1;
    }

    fn missing(&self, must: &[&'static str]) -> Vec<&'static str> {
        let seen = self.0.borrow();
        must.iter().filter(|what| !seen.contains_key(*what)).copied().collect()
    }
}

/// A promise that is broken.
struct Broken {
    rule: &'static str,
    text: String,
}

/// A promise is broken: this is the end of the run.
pub fn breaks(rule: &'static str, text: impl fmt::Display) -> ! {
    panic_any(Broken { rule, text: text.to_string() })
}

/// Unless it holds, a promise is broken.
pub fn rule(holds: bool, rule: &'static str, found: &dyn fmt::Debug) {
    if !holds {
        breaks(rule, format_args!("{found:?}"));
    }
}

fn violation<S: Simulation>(seed: u64, steps: &[S::Step], seen: &Seen) -> Option<Broken> {
    QUIET.set(true);
    let ended = catch_unwind(AssertUnwindSafe(|| S::run(seed, steps, seen)));
    QUIET.set(false);
    let panic = ended.err()?;
    Some(match panic.downcast::<Broken>() {
        Ok(broken) => *broken,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Broken { rule: "no panic", text: text.unwrap_or_default() }
        }
    })
}

/// Leaves out what can be left out, many steps at a time and then one by one.
fn shrunk<S: Simulation>(seed: u64, rule: &str) -> (Vec<S::Step>, Option<Broken>) {
    let mut steps = S::program(seed);
    let mut last = None;
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let (mut at, before) = (0, steps.len());
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            match violation::<S>(seed, &fewer, &Seen::default()).filter(|broken| broken.rule == rule) {
                Some(broken) => (steps, last) = (fewer, Some(broken)),
                None => at += size,
            }
        }
        // Once more where that helped: one step less may make another needless.
        if size > 1 || steps.len() == before {
            size /= 2;
        }
    }
    (steps, last)
}

/// Runs the seeds; fails with the first that breaks something, or if what has to happen never did.
pub fn simulate<S: Simulation>() {
    keep_panics_quiet();
    let seeds = seeds();
    let end = seeds.end.min(seeds.start.saturating_add(S::MOST));
    let seen = Seen::default();
    for seed in seeds.start..end {
        let Some(first) = violation::<S>(seed, &S::program(seed), &seen) else { continue };
        let (steps, last) = shrunk::<S>(seed, first.rule);
        let Broken { rule, text } = last.unwrap_or(first);
        let mut told = format!(
            "seed {seed} breaks: {rule} ({text})\n\nThe program of {}, as short as it gets:\n",
            S::OF
        );
        for step in &steps {
            let _ = writeln!(told, "  {step:?}");
        }
        tell(&told);
        panic!("{}", told.lines().next().unwrap_or_default());
    }
    let programs = end.saturating_sub(seeds.start);
    if std::env::var_os("QUERY_CACHE_BRIEF").is_none() {
        tell(&format!("{programs} programs of {}: {:#?}", S::OF, seen.0.borrow()));
    }
    let missing = seen.missing(S::MUST);
    assert!(programs < S::MOST || missing.is_empty(), "never occurred: {}", missing.join("; "));
}
