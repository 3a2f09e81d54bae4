//! Calling off, and letting go.

use std::cell::Cell;
use std::rc::Rc;

use query_cache::{
    FetchContext, FetchStatus, Query, QueryError, QueryState, Status, minutes, query, query_key, seconds,
};

use crate::common::{MISSING, Number, one, shows, stage, stage_with_seed};
use crate::{fresh, two};

#[test]
fn a_call_that_waits_keeps_the_fetch_whose_observers_leave() {
    let stage = stage();
    stage.client.set_data(&one(), 70);
    let viewer = stage.watch(Number(1, |defaults| defaults.stale_after(minutes(5))));
    let refetched = stage.spawn(viewer.observer.refetch_and_wait());
    stage.millis(500);
    drop(viewer);
    stage.millis(500);
    assert_eq!((refetched.word(), stage.server.aborted()), ("1".to_owned(), 0));
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&1));
}

#[test]
fn when_nobody_is_left_the_fetch_is_dropped_and_all_is_as_it_was() {
    let stage = stage();
    stage.client.set_data(&fresh(), 70);
    let viewer = stage.watch(fresh());
    let call = viewer.observer.refetch_and_wait();
    stage.millis(500);
    drop(viewer);
    stage.world.run();
    assert_eq!(stage.server.aborted(), 0);
    drop(call);
    stage.world.run();
    assert_eq!((stage.server.aborted(), stage.world.task_count()), (1, 0));
    let snapshot = stage.client.snapshot(&fresh()).unwrap();
    assert_eq!((snapshot.is_fetching(), snapshot.is_stale()), (false, false));
    stage.seconds(60);
    assert_eq!(stage.client.get_data(&fresh()).as_deref(), Some(&70));
}

#[test]
fn a_fetch_that_is_to_finish_finishes_unwatched() {
    let stage = stage();
    stage.server.fail(1);
    drop(stage.watch(Number(1, |defaults| defaults.finishes_unwatched(true))));
    drop(stage.watch(two()));
    stage.world.run();
    assert_eq!(stage.server.aborted(), 1, "the other one");
    stage.seconds(60);
    assert_eq!(stage.server.asked_for(), [1, 2, 1], "retries belong to it");
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&3));
}

#[test]
fn what_a_fetch_owns_is_dropped_with_it() {
    struct Request(Rc<Cell<Option<bool>>>, bool);
    impl Drop for Request {
        fn drop(&mut self) {
            self.0.set(Some(self.1));
        }
    }
    let stage = stage();
    let ended = Rc::new(Cell::new(None));
    let watch = || {
        let (ended, world) = (ended.clone(), stage.world.clone());
        stage.watch(query(query_key!["guarded"], async move |_: FetchContext| {
            let mut request = Request(ended.clone(), false);
            world.sleep(seconds(1)).await;
            request.1 = true;
            Ok::<_, String>(5)
        }))
    };
    let viewer = watch();
    stage.millis(500);
    assert_eq!(ended.take(), None);
    drop(viewer);
    stage.world.run();
    assert_eq!(ended.take(), Some(false), "dropped in the middle");
    let _again = watch();
    stage.seconds(1);
    assert_eq!(ended.take(), Some(true), "ran to its end");
}

#[test]
fn what_was_called_off_can_be_fetched_again() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.cancel(&one());
    assert_eq!((shows(&viewer), stage.server.aborted()), ("idle".to_owned(), 1));
    viewer.observer.refetch();
    assert_eq!(shows(&viewer), "pending");
    stage.seconds(1);
    assert_eq!((shows(&viewer), stage.server.requests()), ("2".to_owned(), 2));
}

#[test]
fn calling_off_what_is_over_does_nothing() {
    let stage = stage();
    stage.server.say([Ok(7), Err(MISSING)]);
    let ready = stage.watch(Number(1, |defaults| defaults.interval(seconds(10))));
    let failed = stage.watch(two());
    stage.seconds(1);
    ready.told();
    failed.told();
    ready.observer.details();
    failed.observer.details();
    let log = stage.log();
    stage.seconds(9);
    stage.client.cancel(&one());
    stage.client.cancel_as_failed(&two());
    assert_eq!((shows(&ready), shows(&failed)), ("7".to_owned(), "failed".to_owned()));
    assert!(matches!(failed.observer.state(), QueryState::Failed { error: QueryError::Fetch(_) }));
    stage.millis(999);
    assert_eq!((log.take(), ready.told(), failed.told()), (vec![], 0, 0));
    stage.millis(1);
    assert_eq!(stage.server.requests(), 3, "the interval did not begin anew");

    drop(failed);
    stage.world.advance(minutes(4));
    stage.client.cancel(&two());
    stage.world.advance(minutes(1));
    assert!(stage.client.snapshot(&two()).is_none(), "nor did the time it is kept");
}

#[test]
fn who_waits_rides_along_with_the_fetch_that_replaces_another() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let call = stage.spawn(viewer.observer.refetch_and_wait());
    stage.millis(500);
    stage.client.invalidate(&fresh());
    stage.millis(500);
    assert_eq!((call.word(), stage.server.aborted(), stage.server.requests()), ("waits".to_owned(), 1, 3));
    stage.millis(500);
    assert_eq!((call.word(), shows(&viewer)), ("3".to_owned(), "3".to_owned()));
}

#[test]
fn calling_off_puts_everything_back() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let before = viewer.observer.details();
    let call = stage.spawn(viewer.observer.refetch_and_wait());
    stage.millis(500);
    stage.client.cancel(&fresh());
    stage.world.run();
    let after = viewer.observer.details();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!((call.word(), shows(&viewer), stage.server.aborted()), ("1".to_owned(), "1".to_owned(), 1));
}

#[test]
fn calling_off_as_a_failure_is_shown_as_one() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let call = stage.spawn(viewer.observer.refetch_and_wait());
    stage.client.cancel_as_failed(&fresh());
    stage.world.run();
    let state = viewer.observer.state();
    assert!(
        matches!(state, QueryState::Ready { refresh_error: Some(QueryError::Cancelled), .. }),
        "{state:?}"
    );
    let details = viewer.observer.details();
    assert_eq!((details.status, details.fetch_status), (Status::Error, FetchStatus::Idle));
    assert_eq!((call.word(), viewer.observer.is_stale()), ("cancelled".to_owned(), true));
    assert_eq!(stage.server.aborted(), 1);
}

#[test]
fn calling_off_a_first_fetch_tells_who_waits() {
    let stage = stage();
    let call = stage.spawn(stage.client.query(one()));
    stage.client.prefetch(two());
    stage.millis(500);
    stage.client.cancel(query_cache::QueryFilter::all());
    stage.world.run();
    assert_eq!((call.word(), stage.server.aborted()), ("cancelled".to_owned(), 2));
    assert!(matches!(stage.client.get_state(&one()), Some(QueryState::Idle)));
}

/// Answers at once, with how often it was asked.
fn at_once() -> impl Query<Data = u32, Error = String> {
    thread_local!(static ASKED: Cell<u32> = const { Cell::new(0) });
    ASKED.set(0);
    query(query_key!["at once"], async |_| {
        ASKED.set(ASKED.get() + 1);
        Ok(ASKED.get())
    })
}

#[test]
fn an_answer_that_was_there_when_it_was_called_off_never_arrives() {
    for seed in 0..50 {
        let stage = stage_with_seed(seed);
        let viewer = stage.watch(at_once());
        stage.client.cancel(query_cache::QueryFilter::all());
        viewer.observer.refetch();
        stage.seconds(1);
        let updates = viewer.observer.details().data_updates;
        assert_eq!((shows(&viewer), updates), ("2".to_owned(), 1), "seed {seed}");
    }
}

#[test]
fn what_is_answered_is_no_longer_due() {
    for seed in 0..50 {
        let stage = stage_with_seed(seed);
        let viewer = stage.watch(at_once().with_options(|options| options.stale_after(minutes(5))));
        stage.world.run();
        stage.client.invalidate(query_cache::QueryFilter::all());
        viewer.observer.refetch();
        stage.seconds(1);
        assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("2".to_owned(), false), "seed {seed}");
    }
}
