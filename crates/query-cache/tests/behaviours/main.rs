//! What TanStack Query's test suites say of a query cache, said of this one: `BEHAVIOURS.md` has the list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../common/mod.rs"]
mod common;

mod calling;
mod cancelling;
mod combined;
mod events;
mod freshness;
mod hydration;
mod hydration_and_calls;
mod infinite;
mod infinite_calls;
mod intervals;
mod keeping;
mod keys;
mod mutating;
mod mutation_lines;
mod mutations_kept;
mod mutations_offline;
mod network;
mod options;
mod placeholders;
mod reading;
mod refetching;
mod resetting;
mod retrying;
mod select;
mod states;
mod stored;
mod streams;
mod table;
mod telling;
mod watching;
mod writing;

use common::Number;
use query_cache::minutes;

/// Number 1, fresh for five minutes.
fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(minutes(5)))
}

/// Number 2, with the default options.
fn two() -> Number {
    Number(2, |defaults| defaults)
}

/// Number 1, for somebody who is disabled.
fn disabled() -> Number {
    Number(1, |defaults| defaults.enabled(false))
}
