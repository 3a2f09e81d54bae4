//! Fetching again and again.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{FetchCause, FetchContext, Query, query, query_key, seconds};

use crate::common::{Number, one, stage};
use crate::fresh;

fn every_ten() -> Number {
    Number(1, |defaults| defaults.interval(seconds(10)))
}

#[test]
fn an_interval_fetches_again_until_its_observer_leaves() {
    let stage = stage();
    let viewer = stage.watch(every_ten());
    let other = stage.watch(fresh());
    // A second for the answer, ten of rest.
    stage.seconds(10);
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(22);
    assert_eq!(stage.server.requests(), 4);
    drop(viewer);
    stage.seconds(600);
    assert_eq!(stage.server.requests(), 4);
    drop(other);
    stage.seconds(600);
    assert_eq!((stage.client.query_count(), stage.world.alarm_at()), (0, None));
}

#[test]
fn an_interval_begins_with_its_observer_where_there_is_data_already() {
    let stage = stage();
    stage.client.set_data(&one(), 70);
    stage.seconds(5);
    let fresh_every_ten = || Number(1, |defaults| fresh().1(defaults).interval(seconds(10)));
    let viewer = stage.watch(fresh_every_ten());
    stage.seconds(9);
    assert_eq!(stage.server.requests(), 0);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    // One that turns to it begins then, too.
    stage.seconds(5);
    let turns = stage.watch(Number(2, |defaults| fresh().1(defaults)));
    drop(viewer);
    turns.observer.follow(fresh_every_ten());
    stage.seconds(9);
    assert_eq!(stage.server.asked_for(), [1, 2]);
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 2, 1]);
}

#[test]
fn an_interval_of_nothing_or_of_the_disabled_is_none() {
    let stage = stage();
    let _off = stage.watch(Number(1, |defaults| defaults.interval(Duration::ZERO)));
    let _disabled = stage.watch(Number(2, |defaults| defaults.interval(seconds(1)).enabled(false)));
    stage.seconds(600);
    assert_eq!(stage.server.asked_for(), [1]);
}

#[test]
fn an_interval_may_depend_on_the_data_and_counts_from_when_it_is_changed() {
    let stage = stage();
    let every = Rc::new(Cell::new(seconds(10)));
    let asked = || {
        let every = every.clone();
        one().with_options(move |options| options.interval(every.get()))
    };
    let viewer = stage.watch(asked());
    stage.seconds(1);
    every.set(seconds(3));
    stage.seconds(5);
    viewer.observer.follow(asked());
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(2);
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 2);
    every.set(Duration::ZERO);
    viewer.observer.follow(asked());
    stage.seconds(600);
    assert_eq!(stage.server.requests(), 2);
}

#[test]
fn a_hidden_page_is_fetched_for_only_if_that_is_asked_for() {
    let stage = stage();
    let _seen = stage.watch(every_ten());
    let _always =
        stage.watch(Number(2, |defaults| defaults.interval(seconds(10)).interval_in_background(true)));
    stage.seconds(1);
    stage.client.set_focused(false);
    stage.seconds(22);
    assert_eq!(stage.server.asked_for(), [1, 2, 2, 2]);
}

#[test]
fn a_fetch_can_tell_what_caused_it() {
    let stage = stage();
    let causes = Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = causes.clone();
    let fails = Rc::new(Cell::new(false));
    let failing = fails.clone();
    let fetch = async move |cx: FetchContext| {
        seen.borrow_mut().push((cx.cause(), cx.attempt()));
        if failing.get() { Err("fails".to_owned()) } else { Ok(1) }
    };
    let polled = query(query_key!["polled"], fetch).with_options(|options| options.interval(seconds(10)));
    let viewer = stage.watch(polled);
    stage.seconds(15);
    fails.set(true);
    stage.seconds(5);
    viewer.observer.refetch();
    use FetchCause::{Asked, Interval};
    let asked_instead_of_a_retry = [(Asked, 1), (Interval, 1), (Interval, 1), (Asked, 1)];
    assert_eq!(*causes.borrow(), asked_instead_of_a_retry);
}

#[test]
fn an_interval_counts_from_the_last_answer_or_write_whoever_asked() {
    let stage = stage();
    let viewer = stage.watch(every_ten());
    stage.seconds(9);
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(9);
    stage.client.set_data(&one(), 70);
    stage.seconds(9);
    stage.client.set_error(&one(), crate::common::BUSY);
    stage.seconds(9);
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 3);
}

#[test]
fn an_interval_in_a_held_scope_begins_anew() {
    let stage = stage();
    let viewer = stage.watch(every_ten());
    stage.seconds(1);
    stage.client.hold_scope();
    stage.seconds(25);
    stage.client.restore_scope();
    assert_eq!((stage.server.requests(), viewer.observer.is_fetching()), (1, false));
    stage.seconds(10);
    assert_eq!(stage.server.requests(), 2);
}
