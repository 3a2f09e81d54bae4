//! When data is fetched again, and which of two answers is the newer one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::rc::Rc;
use std::time::Duration;

use common::{MISSING, Number, one, shows, stage};
use query_cache::{AnyQuery, QueryFilter, StaleTime, minutes};

fn five_minutes() -> Number {
    Number(1, |defaults| defaults.stale_after(minutes(5)))
}

#[test]
fn fresh_data_is_not_fetched_again() {
    let stage = stage();
    let _keep = stage.watch(five_minutes());
    stage.seconds(1);
    stage.world.advance(minutes(5) - Duration::from_millis(1));
    let second = stage.watch(five_minutes());
    assert_eq!((stage.server.requests(), shows(&second)), (1, "1".to_owned()));

    stage.world.advance(Duration::from_millis(1));
    let third = stage.watch(five_minutes());
    assert_eq!((stage.server.requests(), shows(&third)), (2, "1".to_owned()), "stale data is shown");
    stage.seconds(1);
    assert_eq!(shows(&third), "2");
}

/// Nothing rings when data turns stale that nobody has asked about, so nothing has happened in the cache since.
#[test]
fn whoever_looks_late_sees_that_the_data_is_stale() {
    let stage = stage();
    let client = &stage.client;
    let observer = client.observe_any(&AnyQuery::new(five_minutes()), Rc::new(|| {}));
    let selection = client.observe_select(five_minutes(), |data| *data, || {});
    stage.seconds(1);
    assert!(!observer.show().is_stale() && !selection.snapshot().is_stale());
    stage.world.advance(minutes(5));
    assert!(observer.show().is_stale());
    assert!(selection.snapshot().is_stale());
}

#[test]
fn data_is_stale_at_once_unless_said_otherwise() {
    let stage = stage();
    let _keep = stage.watch(one());
    stage.seconds(1);
    let _second = stage.watch(one());
    assert_eq!(stage.server.requests(), 2);
}

#[test]
fn coming_back_refreshes_what_is_watched_and_stale() {
    let stage = stage();
    let _fresh = stage.watch(five_minutes());
    let _stale = stage.watch(Number(2, |defaults| defaults));
    drop(stage.watch(Number(3, |defaults| defaults)));
    stage.seconds(1);
    for set in [query_cache::QueryClient::set_focused, query_cache::QueryClient::set_online] {
        set(&stage.client, true);
        assert_eq!(stage.server.requests(), 3, "it was there all along");
    }
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    assert_eq!(stage.server.asked_for(), [1, 2, 3, 2]);
    stage.seconds(1);
    stage.client.set_online(false);
    stage.client.set_online(true);
    assert_eq!(stage.server.asked_for(), [1, 2, 3, 2, 2]);
}

#[test]
fn two_invalidations_in_one_turn_make_one_fetch() {
    let stage = stage();
    let viewer = stage.watch(five_minutes());
    stage.seconds(1);
    stage.client.invalidate(&five_minutes());
    stage.client.invalidate(&five_minutes());
    stage.client.invalidate(QueryFilter::all());
    stage.world.run();
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
    stage.seconds(60);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (2, 0));
}

#[test]
fn a_fetch_begun_before_an_invalidation_cannot_clear_it() {
    // The first data is let through, since something is better than nothing, and then replaced.
    let stage = stage();
    let viewer = stage.watch(five_minutes());
    stage.client.invalidate(&five_minutes());
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "1".to_owned()));
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));

    // A refresh gives way.
    viewer.observer.refetch();
    stage.client.invalidate(&five_minutes());
    stage.world.run();
    assert_eq!((stage.server.requests(), stage.server.aborted()), (4, 1));
    stage.seconds(1);
    assert_eq!(shows(&viewer), "4");
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 4);
}

#[test]
fn an_invalidation_that_nobody_watches_waits_for_somebody_who_does() {
    let stage = stage();
    drop(stage.watch(five_minutes()));
    stage.client.set_data(&five_minutes(), 70);
    stage.client.invalidate(&five_minutes());
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 1);
    let viewer = stage.watch(five_minutes());
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "70".to_owned()));
}

#[test]
fn an_invalidated_fetch_that_fails_is_tried_once_more_and_not_for_ever() {
    let stage = stage();
    stage.server.say([Err(MISSING), Err(MISSING), Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.client.invalidate(&one());
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "failed".to_owned()));
}

#[test]
fn an_attempt_still_to_be_sent_answers_an_invalidation() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(five_minutes());
    stage.seconds(1);
    stage.client.invalidate(&five_minutes());
    stage.world.run();
    assert_eq!(stage.server.requests(), 1, "the wait goes on");
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}

#[test]
fn static_data_is_never_stale() {
    let stage = stage();
    let fixed = || Number(1, |defaults| defaults.stale(StaleTime::Static));
    let _viewer = stage.watch(fixed());
    stage.seconds(1);
    stage.client.invalidate(&fixed());
    stage.world.advance(minutes(60));
    let _second = stage.watch(fixed());
    assert_eq!(stage.server.requests(), 1);

    let when_told = || Number(2, |defaults| defaults.stale(StaleTime::WhenInvalidated));
    let _third = stage.watch(when_told());
    stage.world.advance(minutes(60));
    let _fourth = stage.watch(when_told());
    assert_eq!(stage.server.requests(), 2);
    stage.client.invalidate(&when_told());
    stage.world.run();
    assert_eq!(stage.server.requests(), 3);
}

#[test]
fn an_answer_cannot_overwrite_a_newer_write() {
    let stage = stage();
    let viewer = stage.watch(five_minutes());
    stage.world.advance(Duration::from_millis(500));
    stage.client.set_data(&five_minutes(), 70);
    stage.world.run();
    assert_eq!(shows(&viewer), "70");
    stage.seconds(10);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "70".to_owned()));
    assert!(!viewer.observer.is_fetching());

    // Nor does a failure count that is older than the write.
    stage.server.fail(1);
    viewer.observer.refetch();
    stage.client.set_data(&five_minutes(), 71);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "71".to_owned()));
}

#[test]
fn a_write_ends_the_wait_for_a_retry() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(five_minutes());
    stage.seconds(1);
    stage.client.set_data(&five_minutes(), 70);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "70".to_owned()));
}

#[test]
fn many_writes_in_one_turn_are_one_notice() {
    let stage = stage();
    let viewer = stage.watch(five_minutes());
    stage.seconds(1);
    viewer.told();
    for data in 0..100 {
        stage.client.set_data(&five_minutes(), data);
    }
    assert_eq!(viewer.told(), 0, "never inside of the call");
    stage.world.run();
    assert_eq!((viewer.told(), shows(&viewer)), (1, "99".to_owned()));
}

#[test]
fn what_is_removed_is_forgotten_and_fetched_for_those_who_watch() {
    let stage = stage();
    let viewer = stage.watch(five_minutes());
    stage.client.set_data(&Number(2, |defaults| defaults), 2);
    stage.seconds(1);
    stage.client.remove(&five_minutes());
    stage.client.remove(&Number(2, |defaults| defaults));
    assert_eq!((shows(&viewer), stage.client.query_count()), ("pending".to_owned(), 1));
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}
