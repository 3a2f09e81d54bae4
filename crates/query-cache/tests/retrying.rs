//! What is tried again, when, and what waits for the world.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{BUSY, Fault, MISSING, Number, one, shows, stage, stage_with_seed};
use query_cache::{ErrorClass, Query as _, QueryError, QueryState, seconds};

fn twice() -> Number {
    Number(1, |defaults| defaults.retry(2))
}

#[test]
fn two_retries_are_three_attempts_with_growing_waits() {
    for seed in 0..200 {
        let stage = stage_with_seed(seed);
        stage.server.fail(3);
        let viewer = stage.watch(twice());
        stage.seconds(1);
        let QueryState::Pending { retry: Some(retry), paused: false } = viewer.observer.state() else {
            panic!("{:?}", viewer.observer.state());
        };
        assert_eq!((retry.attempt, retry.attempts, &*retry.error), (1, 3, &BUSY));
        assert_eq!(retry.at, stage.client.now().after(retry.wait));

        stage.seconds(10);
        assert_eq!(stage.server.requests(), 3);
        assert!(matches!(
            viewer.observer.state(),
            QueryState::Failed { error: QueryError::Fetch(error) } if *error == BUSY
        ));
        let times = stage.server.times();
        // A second of it is the attempt itself.
        let waits = [times[1].since(times[0]) - seconds(1), times[2].since(times[1]) - seconds(1)];
        assert!(waits[0] <= seconds(1) && waits[1] <= seconds(2), "{waits:?}");
        stage.seconds(600);
        assert_eq!(stage.server.requests(), 3, "no more after the verdict");
    }
}

#[test]
fn waits_differ_from_one_client_to_the_next() {
    let wait = |seed| {
        let stage = stage_with_seed(seed);
        stage.server.fail(1);
        let viewer = stage.watch(one());
        stage.seconds(1);
        viewer.observer.state().retry().unwrap().wait
    };
    let waits: std::collections::BTreeSet<Duration> = (0..50).map(wait).collect();
    assert!(waits.len() > 40, "{waits:?}");
    assert!(waits.first().unwrap() < &Duration::from_millis(200));
    assert!(waits.last().unwrap() > &Duration::from_millis(800));
}

#[test]
fn the_failed_attempt_is_told_until_the_answer_is_there() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let wait = viewer.observer.state().retry().unwrap().wait;
    stage.world.advance(wait);
    let state = viewer.observer.state();
    assert!(!state.retry().unwrap().waiting, "the second attempt is under way");
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
    assert!(viewer.observer.state().retry().is_none());
}

#[test]
fn three_retries_unless_said_otherwise() {
    let stage = stage();
    stage.server.fail(9);
    let viewer = stage.watch(one());
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (4, "failed".to_owned()));
}

#[test]
fn what_will_not_change_is_not_tried_again() {
    for fault in [MISSING, Fault(ErrorClass::Unauthorized)] {
        let stage = stage();
        stage.server.say([Err(fault)]);
        let viewer = stage.watch(one());
        stage.seconds(60);
        assert_eq!((stage.server.requests(), shows(&viewer)), (1, "failed".to_owned()));
    }
}

#[test]
fn the_server_says_how_long_to_wait() {
    let stage = stage();
    stage.server.say([Err(Fault(ErrorClass::Retryable { after: Some(seconds(90)) }))]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!(viewer.observer.state().retry().unwrap().wait, seconds(90));
    stage.seconds(89);
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 2);
}

#[test]
fn a_wait_without_end_is_safe() {
    let stage = stage();
    stage.server.say([Err(Fault(ErrorClass::Retryable { after: Some(Duration::MAX) }))]);
    let query = Number(1, |defaults| defaults.stale_after(Duration::MAX).gc_after(Duration::MAX));
    let viewer = stage.watch(query);
    stage.seconds(100_000);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "pending, attempt 1 of 4 failed".to_owned()));
}

#[test]
fn refetching_does_not_wait_for_the_retry_and_counts_anew() {
    let stage = stage();
    stage.server.say([Err(Fault(ErrorClass::Retryable { after: Some(seconds(90)) }))]);
    let viewer = stage.watch(twice());
    stage.seconds(1);
    viewer.observer.refetch();
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "pending".to_owned()));
    stage.seconds(200);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}

/// The server is not there: nobody listens, or it is cut off while the device is online.
#[test]
fn refetching_while_the_server_refuses_sends_one_attempt_each_and_leaves_no_old_alarm() {
    for fault in [Fault(ErrorClass::Offline), BUSY] {
        let stage = stage();
        stage.server.set_latency(Duration::ZERO);
        stage.server.say(std::iter::repeat_n(Err(fault), 6));
        let viewer = stage.watch(twice());
        for requests in 1..=3 {
            stage.world.run();
            assert_eq!(stage.server.requests(), requests);
            assert_eq!(shows(&viewer), "pending, attempt 1 of 3 failed", "each counts anew");
            viewer.observer.refetch();
            assert_eq!((stage.server.requests(), shows(&viewer)), (requests + 1, "pending".to_owned()));
        }
        // The fourth request is under way; two retries follow it, and none for the fetches before.
        stage.seconds(600);
        assert_eq!((stage.server.requests(), shows(&viewer)), (6, "failed".to_owned()));
        viewer.observer.refetch();
        stage.seconds(1);
        assert_eq!(shows(&viewer), "7", "the server is back");
    }
}

#[test]
fn refetching_in_a_wait_while_offline_is_sent_when_the_network_is_back() {
    let stage = stage();
    stage.server.say([Err(Fault(ErrorClass::Retryable { after: Some(seconds(90)) }))]);
    let viewer = stage.watch(twice());
    stage.seconds(1);
    stage.client.set_online(false);
    viewer.observer.refetch();
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "paused".to_owned()));
    stage.seconds(200);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "paused".to_owned()), "the old alarm is over");
    stage.client.set_online(true);
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}

#[test]
fn a_button_on_the_failed_state_shows_pending_again() {
    let stage = stage();
    stage.server.say([Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!(shows(&viewer), "failed");
    viewer.told();
    viewer.observer.refetch();
    assert_eq!(shows(&viewer), "pending");
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.told()), ("2".to_owned(), 2));
}

#[test]
fn a_refresh_that_fails_keeps_the_data() {
    let stage = stage();
    stage.server.say([Ok(7), Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "7, not refreshed");
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "3");
}

#[test]
fn offline_nothing_is_sent_until_the_network_is_back() {
    let stage = stage();
    stage.client.set_online(false);
    let viewer = stage.watch(one());
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (0, "paused".to_owned()));
    assert!(!viewer.observer.is_fetching());
    stage.client.set_online(true);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "pending".to_owned()));
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()));
}

#[test]
fn retries_wait_for_the_network_and_for_somebody_to_look() {
    type Set = fn(&query_cache::QueryClient, bool);
    let worlds: [Set; 2] = [query_cache::QueryClient::set_online, query_cache::QueryClient::set_focused];
    for set in worlds {
        let stage = stage();
        stage.server.fail(1);
        let viewer = stage.watch(one());
        stage.seconds(1);
        set(&stage.client, false);
        stage.seconds(60);
        let state = viewer.observer.state();
        assert!(matches!(state, QueryState::Pending { paused: true, retry: Some(_) }), "{state:?}");
        assert_eq!(stage.server.requests(), 1);
        set(&stage.client, true);
        assert_eq!(stage.server.requests(), 2);
        stage.seconds(1);
        assert_eq!(shows(&viewer), "2");
    }
}

#[test]
fn an_offline_error_pauses_when_the_client_knows_and_is_retried_when_it_does_not() {
    let offline = Fault(ErrorClass::Offline);
    let known = stage();
    known.server.say([Err(offline.clone())]);
    let viewer = known.watch(Number(1, |defaults| defaults.retry(0)));
    known.client.set_online(false);
    known.seconds(60);
    assert_eq!(shows(&viewer), "paused", "the attempt does not count");
    known.client.set_online(true);
    known.seconds(1);
    assert_eq!(shows(&viewer), "2");

    let unknown = stage();
    unknown.server.say([Err(offline.clone()), Err(offline.clone()), Err(offline)]);
    let viewer = unknown.watch(twice());
    unknown.seconds(60);
    assert_eq!((unknown.server.requests(), shows(&viewer)), (3, "failed".to_owned()));
}

#[test]
fn what_a_fetch_needs_and_nobody_provided_is_said() {
    use query_cache::{FetchContext, ManualEnvironment, QueryClient, query, query_key};
    let world = ManualEnvironment::new(1);
    let client = QueryClient::new(world.clone());
    let fetch = async |cx: FetchContext| Ok::<_, String>(cx.get::<common::Server>()?.requests());
    let viewer = client.observe(query(query_key![], fetch).with_options(|defaults| defaults.retry(0)), || {});
    world.run();
    let error = viewer.state().error().unwrap().to_string();
    assert!(error.contains("Server") && error.contains("client.provide"), "{error}");
}
