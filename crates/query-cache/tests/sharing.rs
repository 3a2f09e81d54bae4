//! One fetch for all who ask; interest is what keeps it alive.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Number, one, shows, stage};
use query_cache::{QueryState, minutes, query, query_key};

#[test]
fn three_observers_one_of_them_late_share_one_fetch() {
    let stage = stage();
    let first = stage.watch(one());
    let second = stage.watch(one());
    stage.world.advance(Duration::from_millis(200));
    let third = stage.watch(one());
    assert_eq!(stage.server.requests(), 1);
    for viewer in [&first, &second, &third] {
        assert_eq!(shows(viewer), "pending");
    }

    stage.seconds(1);
    assert_eq!(stage.server.requests(), 1);
    let data = first.observer.state().data().cloned().unwrap();
    for viewer in [&first, &second, &third] {
        assert_eq!(viewer.told(), 1, "one answer, one notice");
        assert!(std::rc::Rc::ptr_eq(viewer.observer.state().data().unwrap(), &data));
    }
}

#[test]
fn another_key_is_another_fetch() {
    let stage = stage();
    let one = stage.watch(one());
    let two = stage.watch(Number(2, |defaults| defaults));
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 2]);
    assert_eq!((shows(&one), shows(&two)), ("1".to_owned(), "2".to_owned()));
}

#[test]
fn a_fetch_starts_in_the_call_that_asks_and_does_not_settle_in_it() {
    let stage = stage();
    let viewer = stage.watch(one());
    assert_eq!(stage.server.requests(), 1, "before any task ran");
    drop(viewer);

    let at_once = stage.watch(query(query_key!["at once"], async |_| Ok::<_, String>(5)));
    assert_eq!(shows(&at_once), "pending");
    stage.world.run();
    assert_eq!(shows(&at_once), "5");
}

#[test]
fn the_last_one_to_let_go_cancels_and_nobody_else() {
    let stage = stage();
    let first = stage.watch(one());
    let second = stage.watch(one());
    drop(first);
    stage.world.run();
    assert_eq!(stage.server.aborted(), 0);
    drop(second);
    stage.world.run();
    assert_eq!((stage.server.aborted(), stage.world.task_count()), (1, 0), "dropped in the same turn");

    stage.seconds(5);
    assert_eq!(stage.client.get_data(&one()), None, "no answer arrives");
}

#[test]
fn mounting_again_fetches_again() {
    let stage = stage();
    drop(stage.watch(one()));
    stage.world.run();
    let again = stage.watch(one());
    assert_eq!((stage.server.requests(), stage.server.aborted()), (2, 1));
    stage.seconds(1);
    assert_eq!(shows(&again), "2");
}

#[test]
fn what_is_let_go_and_wanted_again_in_one_turn_goes_on() {
    let stage = stage();
    let left = stage.watch(one());
    let right = stage.watch(Number(2, |defaults| defaults));
    // Two components change places.
    left.observer.follow(Number(2, |defaults| defaults));
    right.observer.follow(one());
    // One is replaced by another.
    drop(right);
    let third = stage.watch(one());
    stage.seconds(1);
    assert_eq!((stage.server.asked_for(), stage.server.aborted()), (vec![1, 2], 0));
    assert_eq!((shows(&left), shows(&third)), ("2".to_owned(), "1".to_owned()));
}

#[test]
fn letting_go_while_waiting_to_retry_ends_the_retries() {
    let stage = stage();
    stage.server.fail(9);
    let viewer = stage.watch(one());
    stage.world.advance(Duration::from_millis(1000));
    assert_eq!(shows(&viewer), "pending, attempt 1 of 4 failed");
    drop(viewer);
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 1);
}

#[test]
fn refetching_joins_an_attempt_that_is_under_way() {
    let stage = stage();
    let viewer = stage.watch(one());
    viewer.observer.refetch();
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()));

    viewer.observer.refetch();
    stage.client.refetch(&one());
    assert_eq!(stage.server.requests(), 2);
    assert_eq!(shows(&viewer), "1", "data is shown while it is refreshed");
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
}

#[test]
fn who_does_not_ask_is_not_told_that_a_refresh_begins() {
    let stage = stage();
    let quiet = stage.watch(one());
    let curious = stage.watch(one());
    assert!(curious.observer.is_fetching());
    stage.seconds(1);
    quiet.told();
    curious.told();

    quiet.observer.refetch();
    stage.world.run();
    assert_eq!((quiet.told(), curious.told()), (0, 1));
    assert!(curious.observer.is_fetching());
    stage.seconds(1);
    assert_eq!((quiet.told(), curious.told()), (1, 1));
    assert!(!curious.observer.is_fetching());
}

#[test]
fn what_nobody_watches_is_kept_for_a_while_and_then_forgotten() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    drop(viewer);
    stage.world.advance(minutes(4));
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&1));
    let again = stage.watch(one());
    assert_eq!(shows(&again), "1", "stale data is shown at once");
    stage.world.advance(minutes(30));
    drop(again);
    assert_eq!(stage.client.query_count(), 1);
    stage.world.advance(minutes(5));
    assert_eq!((stage.client.query_count(), stage.client.observer_count()), (0, 0));
    assert_eq!((stage.world.task_count(), stage.world.alarm_at()), (0, None));
}

#[test]
fn two_types_on_one_key_are_two_entries() {
    let stage = stage();
    let text = stage.watch(query(query_key!["same"], async |_| Ok::<_, String>("text")));
    let number = stage.watch(query(query_key!["same"], async |_| Ok::<_, String>(7)));
    stage.world.run();
    assert!(matches!(text.observer.state(), QueryState::Ready { data, .. } if *data == "text"));
    assert!(matches!(number.observer.state(), QueryState::Ready { data, .. } if *data == 7));
    assert_eq!(stage.client.query_count(), 2);
}

#[test]
fn the_client_gone_no_fetch_survives_it() {
    let stage = stage();
    let fetch_forgets = stage.client.downgrade();
    stage.client.set_data(&one(), 9);
    drop(stage.client);
    assert!(fetch_forgets.upgrade().is_none());
}
