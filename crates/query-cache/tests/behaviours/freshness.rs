//! What is stale, and what that is a reason for.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{FetchStatus, Query, Refetch, StaleTime, Timestamp, minutes, seconds};

use crate::common::{BUSY, MISSING, Number, Stage, one, shows, stage};
use crate::{disabled, fresh, two};

fn look_away_and_back(stage: &Stage) {
    stage.client.set_focused(false);
    stage.client.set_focused(true);
}

#[test]
fn who_is_disabled_sees_nothing_stale() {
    let stage = stage();
    stage.client.set_data(&one(), 7);
    let viewer = stage.watch(disabled());
    stage.client.invalidate(&one());
    stage.seconds(60);
    assert!(!viewer.observer.is_stale());
    assert_eq!(stage.client.count(query_cache::QueryFilter::all().stale()), 0);
    let enabled = stage.watch(Number(1, |defaults| defaults.refetch_on_mount(Refetch::No)));
    assert!(enabled.observer.is_stale() && !viewer.observer.is_stale());
}

#[test]
fn how_long_data_is_fresh_may_depend_on_anything() {
    let stage = stage();
    let fresh_for = Rc::new(Cell::new(minutes(5)));
    let asked = || {
        let fresh_for = fresh_for.clone();
        one().with_options(move |options| options.stale_after(fresh_for.get()))
    };
    let viewer = stage.watch(asked());
    stage.seconds(61);
    let _second = stage.watch(asked());
    assert_eq!((stage.server.requests(), viewer.observer.is_stale()), (1, false));
    fresh_for.set(seconds(30));
    let _third = stage.watch(asked());
    assert_eq!((stage.server.requests(), viewer.observer.is_stale()), (2, true), "one entry, one stale time");
}

#[test]
fn static_data_is_fetched_again_by_nothing_that_happens() {
    fn fixed() -> Number {
        Number(1, |defaults| {
            let always = Refetch::Always;
            let watched = defaults.refetch_on_mount(always).refetch_on_focus(always);
            watched.refetch_on_reconnect(always).stale(StaleTime::Static)
        })
    }
    let stage = stage();
    stage.server.say([Ok(1), Err(MISSING)]);
    let viewer = stage.watch(fixed());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("1, not refreshed".to_owned(), false));
    look_away_and_back(&stage);
    stage.client.set_online(false);
    stage.client.set_online(true);
    stage.client.invalidate(&fixed());
    stage.client.refetch(&fixed());
    let _second = stage.watch(fixed());
    stage.world.advance(minutes(60));
    assert_eq!((stage.server.requests(), viewer.observer.is_stale()), (2, false));
}

#[test]
fn data_that_could_not_be_refreshed_is_fetched_when_the_page_is_seen_again() {
    let stage = stage();
    stage.server.say([Ok(1), Err(MISSING)]);
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    look_away_and_back(&stage);
    assert_eq!((stage.server.requests(), viewer.observer.is_stale()), (1, false));
    viewer.observer.refetch();
    stage.seconds(1);
    assert!(viewer.observer.is_stale());
    look_away_and_back(&stage);
    assert_eq!(stage.server.requests(), 3);
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("3".to_owned(), false));
}

#[test]
fn a_failure_without_data_is_left_alone_by_who_comes_later_if_asked() {
    fn once() -> Number {
        Number(1, |defaults| defaults.retry_on_mount(false).retry(0))
    }
    let stage = stage();
    stage.server.say([Err(BUSY), Err(BUSY)]);
    let first = stage.watch(once());
    stage.seconds(1);
    let second = stage.watch(once());
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&second)), (1, "failed".to_owned()));
    let third = stage.watch(Number(1, |defaults| defaults.retry(0)));
    assert_eq!((stage.server.requests(), shows(&third)), (2, "pending".to_owned()), "each for itself");
    stage.seconds(1);
    first.observer.refetch();
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&second)), (3, "3".to_owned()));
}

#[test]
fn initial_data_is_in_the_cache_and_as_fresh_as_its_time_says() {
    fn with(
        initial: fn() -> Option<(u32, Timestamp)>,
    ) -> impl Query<Data = u32, Error = crate::common::Fault> {
        fresh().with_options(move |options| options.initial_data_of(initial))
    }
    let now = stage();
    let viewer = now.watch(fresh().with_options(|options| options.initial_data(|| Some(7))));
    assert_eq!((shows(&viewer), now.server.requests()), ("7".to_owned(), 0));
    assert_eq!(now.client.get_data(&fresh()).as_deref(), Some(&7));
    let details = viewer.observer.details();
    assert_eq!((details.updated_at, details.data_updates), (Some(now.client.now()), 0));
    assert_eq!(details.fetch_status, FetchStatus::Idle);

    let old = stage();
    let viewer = old.watch(with(|| Some((7, Timestamp::from_millis(0)))));
    assert_eq!((shows(&viewer), old.server.requests()), ("7".to_owned(), 1), "shown, and fetched");
    assert_eq!(viewer.observer.details().updated_at, Some(Timestamp::from_millis(0)));

    let none = stage();
    let viewer = none.watch(with(|| None));
    assert_eq!((shows(&viewer), none.server.requests()), ("pending".to_owned(), 1));
}

#[test]
fn initial_data_that_comes_late_fills_what_is_empty_and_nothing_else() {
    let stage = stage();
    stage.server.set_latency(minutes(1));
    let viewer = stage.watch(fresh());
    let with = || fresh().with_options(|options| options.initial_data(|| Some(7)));
    let _second = stage.watch(with());
    assert_eq!(shows(&viewer), "7");
    stage.world.run();
    assert_eq!(viewer.told(), 1);
    stage.client.set_data(&two(), 8);
    let third = stage.watch(two().with_options(|options| options.initial_data(|| Some(7))));
    assert_eq!(shows(&third), "8");
    assert_eq!(stage.client.get_data(&fresh()).as_deref(), Some(&7));
}

#[test]
fn data_that_was_there_does_not_count_as_fetched_since() {
    let stage = stage();
    stage.client.prefetch(fresh());
    stage.seconds(1);
    let viewer = stage.watch(fresh());
    assert_eq!(
        (shows(&viewer), viewer.observer.snapshot().is_fetched_since_mount()),
        ("1".to_owned(), false)
    );
    viewer.observer.refetch();
    stage.seconds(1);
    assert!(viewer.observer.snapshot().is_fetched_since_mount());
    viewer.observer.follow(two());
    assert!(!viewer.observer.snapshot().is_fetched_since_mount());
}

#[test]
fn data_turns_stale_at_the_very_moment_and_that_is_told() {
    let stage = stage();
    let asks = stage.watch(fresh());
    let does_not = stage.watch(fresh());
    stage.seconds(1);
    assert!(!asks.observer.is_stale());
    asks.told();
    does_not.told();
    stage.world.advance(minutes(5) - Duration::from_millis(1));
    assert_eq!((asks.told(), asks.observer.is_stale()), (0, false));
    stage.millis(1);
    stage.world.run();
    assert_eq!((asks.told(), asks.observer.is_stale()), (1, true));
    stage.world.advance(minutes(60));
    assert_eq!((asks.told(), does_not.told(), stage.server.requests()), (0, 0, 1));
}

#[test]
fn who_asked_whether_it_is_stale_is_told_so_of_what_it_turns_to() {
    let stage = stage();
    stage.client.set_data(&fresh(), 1);
    let viewer = stage.watch(two());
    stage.seconds(1);
    assert!(viewer.observer.is_stale());
    viewer.observer.follow(fresh());
    stage.world.run();
    assert!(!viewer.observer.is_stale());
    viewer.told();
    stage.world.advance(minutes(5) - seconds(2));
    assert_eq!(viewer.told(), 0);
    stage.seconds(1);
    stage.world.run();
    assert_eq!((viewer.told(), viewer.observer.is_stale()), (1, true));
}

#[test]
fn that_data_turned_stale_is_told_once_each_time_whatever_else_rings() {
    let stage = stage();
    // A hidden page keeps ringing for its interval, and fetches nothing.
    let viewer = stage.watch(Number(1, |defaults| fresh().1(defaults).interval(minutes(1))));
    stage.seconds(1);
    assert!(!viewer.observer.is_stale());
    viewer.told();
    stage.client.set_focused(false);
    for _ in 0..2 {
        stage.world.advance(minutes(5) - seconds(1));
        stage.world.run();
        assert_eq!(viewer.told(), 0);
        stage.seconds(1);
        stage.world.run();
        assert_eq!(viewer.told(), 1);
        stage.world.advance(minutes(10));
        assert_eq!(viewer.told(), 0);
        stage.client.set_data(&fresh(), 70);
        stage.world.run();
        assert_eq!((viewer.told(), viewer.observer.is_stale()), (1, false));
    }
    assert_eq!(stage.server.requests(), 1);
}
