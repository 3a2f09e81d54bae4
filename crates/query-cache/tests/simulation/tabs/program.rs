//! What happens to tabs, made of a seed.

use query_cache::Then;

use super::tab::{ALONE, Name, OWN, PUBLIC};
use crate::rng::Rng;

/// As many tabs may be open at a time.
pub const TABS: usize = 4;

/// Most are of a tab, by its place, and a key.
#[derive(Clone, Debug)]
pub enum Step {
    Open(usize, &'static str, Name),
    Close(usize),
    Watch(usize, usize),
    Unwatch(usize, usize),
    Prefetch(usize, usize),
    Write(usize, usize),
    /// One key, or all.
    Invalidate(usize, Option<usize>, Then),
    Refetch(usize, usize),
    Cancel(usize, usize),
    Reset(usize, usize),
    Remove(usize, usize),
    /// The server has other data from now on.
    Change(usize),
    /// One request in so many fails; 0: none does.
    Fails(usize),
    Online(usize, bool),
    Focus(usize, bool),
    Hold(usize),
    Restore(usize),
    EndScope(usize),
    Enter(usize, Name),
    Pass(u64),
}

pub fn program(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let build = |rng: &mut Rng| if rng.one_in(8) { "0" } else { "1" };
    let name = |rng: &mut Rng| {
        rng.of(&[
            Some("ada"),
            Some("ada"),
            Some("ada"),
            Some("ada"),
            Some("ada"),
            Some("ada"),
            Some("grace"),
            None,
        ])
    };
    let mut steps = Vec::new();
    for place in 0..2 + rng.below(TABS - 1) {
        steps.push(Step::Open(place, build(&mut rng), name(&mut rng)));
        steps.push(Step::Watch(place, OWN));
        steps.push(Step::Watch(place, rng.of(&[OWN, PUBLIC])));
    }
    for _ in 0..10 + rng.below(50) {
        let (tab, key) = (rng.below(TABS), rng.of(&[OWN, OWN, OWN, PUBLIC, PUBLIC, ALONE]));
        steps.push(match rng.below(48) {
            0 => Step::Open(tab, build(&mut rng), name(&mut rng)),
            1 if rng.one_in(2) => Step::Close(tab),
            1..=6 => Step::Watch(tab, key),
            7 => Step::Unwatch(tab, key),
            8 => Step::Prefetch(tab, key),
            9..=13 => Step::Write(tab, key),
            14..=18 => {
                let then = rng.of(&[Then::FetchActive, Then::FetchActive, Then::Nothing, Then::FetchAll]);
                Step::Invalidate(tab, rng.of(&[None, Some(key), Some(key)]), then)
            }
            19..=22 => Step::Refetch(tab, key),
            23 => Step::Cancel(tab, key),
            24 => rng.of(&[Step::Reset(tab, key), Step::Remove(tab, key)]),
            25 | 26 => Step::Change(key),
            27 => Step::Fails(rng.of(&[0, 2, 5])),
            28 => Step::Online(tab, rng.one_in(2)),
            29 => Step::Focus(tab, rng.one_in(2)),
            30 => rng.of(&[Step::Hold(tab), Step::Restore(tab), Step::Restore(tab)]),
            31 if rng.one_in(2) => Step::EndScope(tab),
            31 => Step::Enter(tab, name(&mut rng)),
            _ => Step::Pass(rng.of(&[1, 3, 10, 10, 30, 30, 100, 300, 1_000])),
        });
    }
    steps
}
