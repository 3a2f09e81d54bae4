//! What the simulation found, each in as few steps as it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{BUSY, MISSING, Number, one, shows, stage};
use query_cache::seconds;

fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(seconds(60)).backoff(seconds(10), seconds(10)))
}

#[test]
fn an_error_pushed_during_the_first_fetch_does_not_cost_its_answer() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.set_error(&one(), MISSING);
    assert_eq!(shows(&viewer), "failed");
    stage.seconds(1);
    assert_eq!(shows(&viewer), "1");
}

#[test]
fn an_error_pushed_during_a_fetch_outlives_that_fetch() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.set_error(&one(), MISSING);
    stage.client.cancel(&one());
    assert_eq!(shows(&viewer), "failed");
}

#[test]
fn a_write_during_a_fetch_leaves_an_invalidation_to_be_answered() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.invalidate(&fresh());
    stage.world.run();
    assert_eq!(stage.server.requests(), 2);
    stage.client.set_data(&fresh(), 70);
    stage.seconds(1);
    assert_eq!(
        (shows(&viewer), stage.server.requests()),
        ("70".to_owned(), 3),
        "the second says nothing new"
    );
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("3".to_owned(), false));
    stage.seconds(10);
    assert_eq!(stage.server.requests(), 3);
}

#[test]
fn a_write_while_a_fetch_is_paused_or_waits_leaves_an_invalidation_to_be_answered() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.set_online(false);
    stage.client.invalidate(&fresh());
    stage.world.run();
    stage.client.set_data(&fresh(), 70);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");

    stage.server.say([Err(BUSY)]);
    stage.client.invalidate(&fresh());
    stage.seconds(1);
    stage.client.set_data(&fresh(), 71);
    stage.seconds(12);
    assert_eq!((shows(&viewer), stage.server.requests()), ("4".to_owned(), 4));
}

#[test]
fn a_write_while_a_first_fetch_waits_needs_no_other_attempt() {
    let stage = stage();
    stage.client.set_online(false);
    let viewer = stage.watch(fresh());
    stage.client.set_data(&fresh(), 70);
    stage.client.set_online(true);
    stage.seconds(5);
    assert_eq!((shows(&viewer), stage.server.requests()), ("70".to_owned(), 0));
}
