//! Faults that query caches are known for, each with where it was reported. None of them is here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../common/mod.rs"]
mod common;

mod a_call_that_waits;
mod a_write_during_a_fetch;
mod an_invalidation_during_a_fetch;
mod invalidating_twice;
mod the_end_of_a_scope;

use common::Number;
use query_cache::minutes;

/// Number 1, fresh for five minutes.
fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(minutes(5)))
}
