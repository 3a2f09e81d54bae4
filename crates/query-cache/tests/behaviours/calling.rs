//! Asking for data without watching it.

use std::cell::Cell;
use std::rc::Rc;

use query_cache::{ErrorClass, Query, QueryFilter, Refetch, StaleTime, minutes, query, query_key, seconds};

use crate::common::{BUSY, Fault, MISSING, Number, one, shows, stage};
use crate::{disabled, fresh, two};

fn fixed() -> Number {
    Number(1, |defaults| defaults.stale(StaleTime::Static))
}

#[test]
fn whoever_refetches_and_waits_is_told_the_error() {
    let stage = stage();
    stage.server.say([Ok(1), Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let call = stage.spawn(viewer.observer.refetch_and_wait());
    assert_eq!(stage.server.requests(), 2, "begun in the call");
    stage.seconds(1);
    let error = call.take().unwrap().unwrap_err();
    assert_eq!(error.fetch().map(|error| (**error).clone()), Some(MISSING));
    assert_eq!(shows(&viewer), "1, not refreshed");
}

#[test]
fn whoever_takes_any_data_gets_it_at_once_while_newer_is_fetched() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    viewer.observer.refetch();
    let call = stage.spawn(stage.client.query(fixed()));
    stage.world.run();
    assert_eq!((call.word(), viewer.observer.is_fetching()), ("1".to_owned(), true));
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}

#[test]
fn a_call_is_answered_from_the_cache_while_that_is_fresh_and_by_a_fetch_when_not() {
    let stage = stage();
    stage.client.set_data(&one(), 70);
    let call = |query: Number| stage.spawn(stage.client.query(query));
    let from_cache = call(fresh());
    stage.world.run();
    assert_eq!((from_cache.word(), stage.server.requests()), ("70".to_owned(), 0));
    stage.seconds(10);
    let by_its_own_time = call(Number(1, |defaults| defaults.stale_after(seconds(10))));
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    assert_eq!(by_its_own_time.word(), "1");
    let stale_at_once = call(one());
    stage.seconds(1);
    assert_eq!((stale_at_once.word(), stage.server.requests()), ("2".to_owned(), 2));
}

#[test]
fn a_call_that_takes_any_data_takes_the_invalidated_too() {
    let stage = stage();
    stage.client.set_data(&one(), 70);
    stage.client.invalidate(&one());
    let any = stage.spawn(stage.client.query(fixed()));
    stage.world.run();
    assert_eq!((any.word(), stage.server.requests()), ("70".to_owned(), 0));
    let fresh_only = stage.spawn(stage.client.query(fresh()));
    stage.seconds(1);
    assert_eq!((fresh_only.word(), stage.server.requests()), ("1".to_owned(), 1));
}

#[test]
fn a_call_retries_as_its_query_does_and_tells_the_error_at_the_end() {
    let stage = stage();
    stage.server.fail(9);
    let twice = stage.spawn(stage.client.query(Number(1, |defaults| defaults.retry(1))));
    stage.seconds(60);
    let error = twice.take().unwrap().unwrap_err();
    assert_eq!(error.fetch().map(|error| (**error).clone()), Some(BUSY));
    assert_eq!(stage.server.requests(), 2);
    let once = stage.spawn(stage.client.query(Number(2, |defaults| defaults.retry(0))));
    stage.seconds(1);
    assert_eq!((once.word(), stage.server.requests()), ("failed".to_owned(), 3));
}

#[test]
fn a_call_fetches_what_those_who_watch_are_disabled_for() {
    let stage = stage();
    let viewer = stage.watch(disabled());
    let call = stage.spawn(stage.client.query(disabled()));
    stage.seconds(1);
    assert_eq!((call.word(), shows(&viewer), stage.server.requests()), ("1".to_owned(), "1".to_owned(), 1));
}

#[test]
fn data_that_says_no_or_nothing_is_data_all_the_same() {
    let stage = stage();
    let fetches = Rc::new(Cell::new(0));
    let asked = |key| {
        let fetches = fetches.clone();
        let fetch = async move |_: query_cache::FetchContext| {
            fetches.set(fetches.get() + 1);
            Ok::<_, String>(0_u32)
        };
        query(key, fetch).with_options(|options| options.stale(StaleTime::Static))
    };
    stage.client.set_data(&asked(query_key!["zero"]), 0);
    let held = stage.spawn(stage.client.query(asked(query_key!["zero"])));
    stage.seconds(1);
    assert_eq!((held.word(), fetches.get()), ("0".to_owned(), 0));
    let fetched = stage.spawn(stage.client.query(asked(query_key!["other"])));
    stage.seconds(1);
    assert_eq!((fetched.word(), fetches.get()), ("0".to_owned(), 1));
}

#[test]
fn any_data_now_and_newer_data_later_is_a_call_and_a_prefetch() {
    let stage = stage();
    stage.client.set_data(&one(), 70);
    let call = stage.spawn(stage.client.query(fixed()));
    stage.client.prefetch(one());
    stage.world.run();
    assert_eq!((call.word(), stage.server.requests()), ("70".to_owned(), 1));
    stage.seconds(1);
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&1));
    stage.client.prefetch(fresh());
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 1, "it is fresh now");
}

#[test]
fn a_refetch_can_be_waited_for_with_its_failures() {
    let stage = stage();
    let viewers = [stage.watch(fresh()), stage.watch(two())];
    stage.seconds(1);
    stage.server.say([Ok(10), Err(MISSING)]);
    stage.client.refetch(QueryFilter::all());
    let settled = stage.spawn(stage.client.settled(QueryFilter::all()));
    stage.millis(999);
    assert!(settled.take().is_none());
    stage.millis(1);
    let failures = settled.take().unwrap();
    assert_eq!((failures.len(), stage.server.requests()), (1, 4));
    assert!(failures[0].1.fetch().is_some_and(|error| error.downcast_ref() == Some(&MISSING)));
    assert_eq!(viewers.iter().filter(|viewer| viewer.observer.state().error().is_some()).count(), 1);
}

#[test]
fn an_invalidation_can_be_waited_for_and_is_still_one_fetch() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    let idle = stage.watch(Number(2, |defaults| defaults.refetch_on_mount(Refetch::No).enabled(false)));
    stage.seconds(1);
    stage.client.invalidate(QueryFilter::all());
    let settled = stage.spawn(stage.client.settled(QueryFilter::all()));
    stage.seconds(1);
    assert_eq!(settled.take().map(|failures| failures.len()), Some(0));
    assert_eq!(
        (stage.server.requests(), shows(&viewer), shows(&idle)),
        (2, "2".to_owned(), "idle".to_owned())
    );

    let nothing = stage.spawn(stage.client.settled(QueryFilter::all()));
    stage.world.run();
    assert_eq!(nothing.take().map(|failures| failures.len()), Some(0), "nothing is under way");

    // Waiting is interest, and ends with the scope.
    viewer.observer.refetch();
    let kept = stage.spawn(stage.client.settled(&fresh()));
    drop(viewer);
    stage.millis(500);
    assert_eq!(stage.server.aborted(), 0);
    stage.client.end_scope();
    stage.world.run();
    assert_eq!((kept.take().map(|failures| failures.len()), stage.server.aborted()), (Some(1), 1));
}

#[test]
fn a_calls_options_are_its_own_where_others_watch() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let call = stage.spawn(stage.client.query(Number(1, |defaults| defaults.gc_after(seconds(1)))));
    stage.seconds(1);
    assert_eq!(
        (call.word(), viewer.observer.is_stale()),
        ("2".to_owned(), false),
        "fresh by the watcher's time"
    );
    drop(viewer);
    stage.seconds(60);
    assert_eq!(stage.client.query_count(), 1, "and kept for as long as the watcher says");
    let alone = stage.spawn(stage.client.query(Number(1, |defaults| defaults.gc_after(seconds(1)))));
    stage.seconds(2);
    assert_eq!((alone.word(), stage.client.query_count()), ("3".to_owned(), 0), "nobody else has a say");
}

#[test]
fn whoever_refetches_and_waits_does_not_wait_for_a_retry() {
    let stage = stage();
    stage.server.say([Err(Fault(ErrorClass::Retryable { after: Some(minutes(10)) }))]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let call = stage.spawn(viewer.observer.refetch_and_wait());
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(1);
    assert_eq!(call.word(), "2");
}

#[test]
fn what_is_due_for_nobody_is_not_waited_for() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.invalidate(&fresh());
    drop(viewer);
    let settled = stage.spawn(stage.client.settled(QueryFilter::all()));
    stage.world.run();
    assert_eq!((settled.take().map(|failures| failures.len()), stage.server.requests()), (Some(0), 1));
}
