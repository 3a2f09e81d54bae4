//! Three tabs, messages that take their time, and whatever people do: in the end all show the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::lab::Lab;
use common::{Number, shows};
use query_cache::{Then, minutes};

/// A number that travels, and does not turn stale of itself.
fn number() -> Number {
    Number(1, |defaults| defaults.dehydrated().stale_after(minutes(50)).retry(0))
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % end
    }
}

fn run(seed: u64) {
    let mut dice = Dice(seed);
    let lab = Lab::new();
    lab.set_latency(dice.below(40).into());
    let tabs = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
    let tabs = tabs.each_ref();
    for tab in tabs {
        // No two answers are the same.
        tab.server.say((0..300).map(|answer| Ok(100_000 * (tab.number + 1) + answer)));
        tab.server.set_latency(Duration::from_millis((100 + dice.below(300)).into()));
    }
    let viewers = tabs.map(|tab| tab.watch(number()));
    lab.millis(&tabs, 1_000);
    let mut done = Vec::new();
    for step in 0..12 {
        let at = usize::try_from(dice.below(3)).unwrap();
        let client = &tabs[at].client;
        let what = dice.below(5);
        match what {
            0 => client.set_data(&number(), 1_000 + step),
            1 => client.invalidate(&number()),
            2 => viewers[at].observer.refetch(),
            3 => client.invalidate_then(&number(), Then::Nothing),
            _ => client.cancel(&number()),
        }
        let wait = [0, 1, 3, 10, 30, 60, 200][usize::try_from(dice.below(7)).unwrap()];
        done.push((at, ["writes", "invalidates", "refetches", "outdates", "cancels"][what as usize], wait));
        lab.millis(&tabs, wait);
    }
    lab.millis(&tabs, 5_000);
    let ends = viewers.each_ref().map(|viewer| {
        let observer = &viewer.observer;
        (shows(viewer), observer.details().invalidated, observer.is_fetching())
    });
    assert!(ends[0] == ends[1] && ends[1] == ends[2] && !ends[0].2, "seed {seed}: {ends:?} after {done:?}");
}

#[test]
fn whatever_is_done_in_three_tabs_they_show_the_same_in_the_end() {
    (0..700).for_each(run);
}
