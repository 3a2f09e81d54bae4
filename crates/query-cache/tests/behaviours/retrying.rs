//! Trying again.

use query_cache::{QueryClient, minutes, seconds};

use crate::common::{BUSY, Number, one, shows, stage};
use crate::{fresh, two};

/// Number 1, with long waits before its retries: up to ten minutes.
fn patient() -> Number {
    Number(1, |defaults| defaults.backoff(minutes(10), minutes(10)))
}

#[test]
fn retries_end_when_the_last_one_leaves() {
    let stage = stage();
    stage.server.fail(9);
    let first = stage.watch(one());
    let second = stage.watch(one());
    stage.seconds(1);
    drop(first);
    stage.seconds(3);
    let before = stage.server.requests();
    assert!(before > 1, "the other still waits for it");
    drop(second);
    stage.seconds(600);
    assert_eq!((stage.server.requests(), stage.world.task_count()), (before, 0));
}

#[test]
fn a_retry_that_waits_for_the_world_goes_on_when_it_is_back_and_all_who_wait_get_the_answer() {
    let worlds: [fn(&QueryClient, bool); 2] = [QueryClient::set_online, QueryClient::set_focused];
    for set in worlds {
        let stage = stage();
        stage.server.fail(1);
        let viewer = stage.watch(one());
        let first = stage.spawn(stage.client.query(one()));
        let second = stage.spawn(viewer.observer.refetch_and_wait());
        stage.seconds(1);
        set(&stage.client, false);
        stage.seconds(60);
        assert_eq!(stage.server.requests(), 1);
        let third = stage.spawn(stage.client.query(one()));
        stage.seconds(60);
        for call in [&first, &second, &third] {
            assert_eq!(call.word(), "waits");
        }
        set(&stage.client, true);
        stage.seconds(1);
        assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
        for call in [&first, &second, &third] {
            assert_eq!(call.word(), "2");
        }
    }
}

#[test]
fn calling_off_ends_the_retries() {
    let stage = stage();
    stage.server.fail(9);
    let viewer = stage.watch(one());
    let call = stage.spawn(stage.client.query(one()));
    stage.seconds(1);
    stage.client.cancel(&one());
    stage.world.run();
    assert_eq!((shows(&viewer), call.word()), ("idle".to_owned(), "cancelled".to_owned()));
    stage.seconds(600);
    assert_eq!((stage.server.requests(), viewer.observer.details().failures), (1, 0));
}

#[test]
fn a_client_can_be_told_never_to_retry() {
    let stage = stage();
    stage.client.set_default_options(|defaults| defaults.retry(0));
    stage.server.fail(2);
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!(shows(&viewer), "failed");
    let asks_for_it = stage.watch(Number(2, |defaults| defaults.retry(1)));
    stage.seconds(60);
    assert_eq!((stage.server.asked_for(), shows(&asks_for_it)), (vec![1, 2, 2], "3".to_owned()));
}

#[test]
fn who_comes_back_within_the_turn_finds_the_retries_going_on() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(patient());
    stage.seconds(1);
    let retry = viewer.observer.state().retry().cloned().unwrap();
    assert!(retry.wait > seconds(2));
    drop(viewer);
    let again = stage.watch(patient());
    assert_eq!(shows(&again), "pending, attempt 1 of 4 failed");
    stage.world.advance(retry.wait);
    assert_eq!((stage.server.requests(), stage.client.now()), (2, retry.at));
    stage.seconds(1);
    assert_eq!(shows(&again), "2");
}

#[test]
fn who_comes_back_later_begins_anew() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(patient());
    stage.seconds(1);
    drop(viewer);
    stage.world.run();
    let again = stage.watch(patient());
    assert_eq!((stage.server.requests(), shows(&again)), (2, "pending".to_owned()));
    stage.seconds(1);
    assert_eq!((shows(&again), again.observer.details().failures), ("2".to_owned(), 0));
}

#[test]
fn a_failure_that_the_query_does_not_think_worth_it_is_not_tried_again() {
    use query_cache::Query;
    let stage = stage();
    stage.server.fail(2);
    let never = one().with_options(|options| options.retry_if(|error| *error != BUSY));
    let viewer = stage.watch(never);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "failed".to_owned()));
    let _others = (stage.watch(two()), stage.watch(fresh()));
    stage.seconds(60);
    assert_eq!(stage.server.asked_for(), [1, 2, 1, 2], "the entry's options are the latest");
}
