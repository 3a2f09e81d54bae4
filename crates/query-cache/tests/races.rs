//! Races that query caches for Rust have lost, gathered from their changelogs, their issues and their code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::{Fault, MISSING, Number, one, shows, stage, stage_with_seed};
use query_cache::{
    Environment, ErrorClass, GcTime, Listening, Query, QueryClient, QueryFilter, QueryObserver, QueryState,
    SelectObserver, SourceContext, StaleTime, minutes, seconds,
};

fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(minutes(5)))
}

fn two() -> Number {
    Number(2, |defaults| defaults)
}

#[test]
fn what_is_invalidated_or_cleared_while_it_is_fetched_is_not_kept_as_fresh() {
    let stage = stage();
    stage.client.prefetch(fresh());
    stage.client.prefetch(two());
    stage.millis(500);
    stage.client.invalidate(&fresh());
    stage.client.remove(&two());
    stage.seconds(10);
    assert!(stage.client.snapshot(&fresh()).unwrap().is_stale());
    assert!(stage.client.snapshot(&two()).is_none());

    let viewer = stage.watch(Number(3, |defaults| defaults.stale_after(minutes(5))));
    stage.millis(500);
    stage.client.clear();
    stage.millis(600);
    assert_eq!(shows(&viewer), "pending", "the first answer is nobody's");
    stage.millis(500);
    assert_eq!((shows(&viewer), stage.server.aborted()), ("4".to_owned(), 2));
}

#[test]
fn an_update_that_runs_while_the_cache_is_cleared_brings_nothing_back() {
    let stage = stage();
    for clear in [QueryClient::clear, QueryClient::end_scope] {
        stage.client.set_data(&one(), 1);
        let client = stage.client.clone();
        let updated = stage.client.update(&one(), move |held| {
            clear(&client);
            held.map(|number| number + 1)
        });
        assert_eq!((updated, stage.client.query_count()), (false, 0));
    }
    // One that waits in the middle: it reads, waits for the server, and writes what it made.
    stage.client.set_data(&one(), 1);
    let handle = stage.client.in_this_scope();
    let world = stage.world.clone();
    let update = stage.spawn(async move {
        let held = *handle.get_data(&one()).unwrap();
        world.sleep(seconds(1)).await;
        handle.update(&one(), |_| Some(held + 1))
    });
    stage.millis(500);
    stage.client.end_scope();
    stage.seconds(1);
    assert_eq!((update.take(), stage.client.query_count()), (Some(false), 0));
}

#[test]
fn a_write_does_not_clear_an_invalidation() {
    let stage = stage();
    stage.client.set_data(&fresh(), 1);
    stage.client.invalidate(&fresh());
    stage.client.set_data(&fresh(), 2);
    assert!(stage.client.update(&fresh(), |held| held.map(|number| number + 1)));
    assert!(stage.client.snapshot(&fresh()).unwrap().is_stale());
    let viewer = stage.watch(fresh());
    assert_eq!((shows(&viewer), stage.server.requests()), ("3".to_owned(), 1));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("1".to_owned(), false));
}

#[test]
fn what_one_writes_while_another_waits_reaches_both() {
    let stage = stage();
    let writes = stage.watch(fresh());
    let waits = stage.spawn(stage.client.query(fresh()));
    let watches = stage.watch(fresh());
    stage.millis(500);
    stage.client.set_data(&fresh(), 70);
    stage.world.run();
    assert_eq!((shows(&writes), shows(&watches), watches.told()), ("70".to_owned(), "70".to_owned(), 1));
    stage.seconds(1);
    assert_eq!((waits.word(), shows(&watches), watches.told()), ("70".to_owned(), "70".to_owned(), 0));
}

#[test]
fn who_comes_at_the_moment_its_time_is_up_finds_it_whole_or_not_at_all() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        drop(stage.watch(Number(1, |defaults| defaults.gc_after(seconds(10)))));
        stage.client.set_data(&fresh(), 70);
        // Nobody else runs between the alarm's moment and this call.
        stage.millis(9_999);
        let world = stage.world.clone();
        let client = stage.client.clone();
        let came = stage.spawn(async move {
            world.sleep(Duration::from_millis(1)).await;
            let observer = client.observe(fresh(), || {});
            (client.query_count(), observer)
        });
        stage.millis(1);
        stage.world.run();
        let (count, observer) = came.take().unwrap();
        assert_eq!(count, 1);
        stage.seconds(60);
        assert!(matches!(observer.state(), QueryState::Ready { .. }), "seed {seed}: {:?}", observer.state());
        assert_eq!((stage.client.query_count(), stage.client.observer_count()), (1, 1));
    }
    // The other way round: who is there before the alarm keeps it.
    let stage = stage();
    stage.client.set_data(&Number(1, |defaults| defaults.gc_after(seconds(10))), 70);
    stage.millis(9_999);
    let viewer = stage.watch(fresh());
    stage.world.advance(minutes(60));
    assert_eq!((shows(&viewer), stage.server.requests()), ("70".to_owned(), 0));
}

#[test]
fn of_two_definitions_of_one_query_the_later_counts_for_both() {
    let stage = stage();
    stage.server.fail(9);
    let patient = stage.watch(Number(1, |defaults| defaults.retry(5)));
    let hasty = stage.watch(Number(1, |defaults| defaults.retry(1)));
    stage.seconds(600);
    assert_eq!(stage.server.requests(), 2);
    assert_eq!((shows(&patient), shows(&hasty)), ("failed".to_owned(), "failed".to_owned()));
    drop((patient, hasty));

    let stage = common::stage();
    drop(stage.watch(Number(1, |defaults| defaults.gc_after(minutes(60)).finishes_unwatched(true))));
    stage.seconds(1);
    drop(stage.watch(Number(1, |defaults| defaults.gc_after(seconds(1)).stale_after(minutes(5)))));
    stage.seconds(1);
    assert_eq!(stage.client.query_count(), 0);
}

#[test]
fn the_answer_for_the_old_key_is_never_shown_for_the_new_one() {
    let stage = stage();
    let viewer = stage.watch(one());
    let other = stage.watch(one());
    stage.millis(500);
    stage.server.set_latency(Duration::from_millis(100));
    viewer.observer.follow(two());
    stage.millis(100);
    assert_eq!(shows(&viewer), "2", "the new one is there first");
    viewer.told();
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.told()), ("2".to_owned(), 0));
    assert_eq!((shows(&other), stage.server.asked_for()), ("1".to_owned(), vec![1, 2]));
    // And back, before the answer for the new one.
    viewer.observer.follow(Number(3, |defaults| defaults));
    viewer.observer.follow(fresh());
    assert_eq!(shows(&viewer), "1");
    stage.seconds(1);
    assert_eq!(shows(&viewer), "1");
}

#[test]
fn what_a_source_pushes_outlives_a_fetch_that_was_begun_before() {
    let stage = stage();
    let source = Rc::<RefCell<Option<SourceContext<u32, Fault>>>>::default();
    let opened = source.clone();
    let fed = fresh().with_options(move |options| {
        let opened = opened.clone();
        options.fed_by(move |source| drop(opened.replace(Some(source))))
    });
    let viewer = stage.watch(fed);
    stage.millis(500);
    source.borrow().as_ref().unwrap().push(70);
    source.borrow().as_ref().unwrap().push(71);
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("71".to_owned(), 1), "many pushes, one notice");
    stage.seconds(10);
    assert_eq!((shows(&viewer), viewer.told(), stage.server.requests()), ("71".to_owned(), 0, 1));
    source.borrow().as_ref().unwrap().fail(MISSING);
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("71, not refreshed".to_owned(), 1));
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2", "a later fetch is newer");
}

#[test]
fn data_that_is_fresh_for_longer_than_it_is_kept_is_fetched_when_it_is_gone() {
    let stage = stage();
    let query = || Number(1, |defaults| defaults.stale(StaleTime::WhenInvalidated).gc_after(seconds(10)));
    let viewer = stage.watch(query());
    stage.world.advance(minutes(60));
    drop(viewer);
    stage.seconds(9);
    drop(stage.watch(query()));
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(10);
    let again = stage.watch(query());
    assert_eq!((shows(&again), stage.server.requests()), ("pending".to_owned(), 2));
}

#[test]
fn durations_without_end_are_safe_wherever_one_is_taken() {
    let stage = stage();
    let endless = |defaults: query_cache::QueryOptions<Number>| {
        let kept = defaults.stale_after(Duration::MAX).gc_after(Duration::MAX).interval(Duration::MAX);
        kept.backoff(Duration::MAX, Duration::MAX)
    };
    let viewer = stage.watch(Number(1, endless));
    viewer.observer.is_stale();
    stage.seconds(1);
    assert_eq!((shows(&viewer), stage.world.alarm_at()), ("1".to_owned(), None));
    stage.server.say([Err(Fault(ErrorClass::Retryable { after: Some(Duration::MAX) }))]);
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(viewer.observer.state().retry().map(|retry| retry.wait), Some(Duration::MAX));
    drop(viewer);
    stage.world.advance(Duration::from_secs(u64::from(u32::MAX)));
    assert_eq!((stage.client.get_data(&one()).as_deref(), stage.server.requests()), (Some(&1), 2));
    // The end of time itself: nothing overflows, nothing is due.
    stage.client.set_data_of(
        &Number(2, |defaults| defaults.gc(GcTime::Never)),
        2,
        query_cache::Timestamp::MAX,
    );
    let future = stage.watch(Number(2, |defaults| defaults.stale_after(Duration::MAX)));
    assert!(!future.observer.is_stale());
    stage.world.advance(Duration::MAX);
    assert_eq!(stage.world.now(), query_cache::Timestamp::MAX);
    assert_eq!(shows(&future), "2");
}

#[test]
fn whatever_watches_may_be_dropped_in_its_own_callback() {
    let stage = stage();
    let observer = Rc::<RefCell<Option<QueryObserver<Number>>>>::default();
    let slot = observer.clone();
    let watches = stage.client.observe(one(), move || drop(slot.borrow_mut().take()));
    observer.replace(Some(watches));
    let select = Rc::<RefCell<Option<SelectObserver<Number, u32>>>>::default();
    let slot = select.clone();
    let selects =
        stage.client.observe_select(one(), |number| *number, move || drop(slot.borrow_mut().take()));
    select.replace(Some(selects));
    let listening = Rc::<RefCell<Option<Listening>>>::default();
    let slot = listening.clone();
    let listens = stage.client.listen(move |_| drop(slot.borrow_mut().take()));
    listening.replace(Some(listens));
    stage.seconds(1);
    assert!(observer.borrow().is_none() && select.borrow().is_none() && listening.borrow().is_none());
    assert_eq!((stage.client.observer_count(), stage.world.task_count()), (0, 0));

    // And the query removed in the callback that tells of its answer.
    let client = stage.client.clone();
    let removes = stage.client.observe(two(), move || client.remove(QueryFilter::all()));
    stage.server.set_latency(minutes(1));
    stage.seconds(1);
    assert!(removes.state().is_pending());
}

#[test]
fn two_invalidations_leave_the_old_data_on_the_screen() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (notes, client) = (seen.clone(), stage.client.clone());
    let _notes = stage.client.observe(fresh(), move || {
        notes.borrow_mut().push(common::brief(&client.get_state(&fresh()).unwrap()));
    });
    stage.client.invalidate(&fresh());
    stage.millis(500);
    assert_eq!(shows(&viewer), "1");
    stage.client.invalidate(&fresh());
    stage.millis(500);
    assert_eq!(shows(&viewer), "1", "the second replaced the fetch of the first");
    stage.millis(500);
    assert_eq!((shows(&viewer), stage.server.requests()), ("3".to_owned(), 3));
    assert_eq!(*seen.borrow(), ["3"]);
}

#[test]
fn a_refresh_is_never_pending_whatever_comes_of_it() {
    let stage = stage();
    let pending = Rc::new(RefCell::new(Vec::new()));
    let viewer = stage.watch(one());
    stage.seconds(1);
    let (notes, client) = (pending.clone(), stage.client.clone());
    let watch = stage.client.observe(fresh(), move || {
        if client.get_state(&one()).unwrap().data().is_none() {
            notes.borrow_mut().push(client.now());
        }
    });
    watch.details();
    stage.server.say([Err(common::BUSY), Err(MISSING), Ok(7)]);
    viewer.observer.refetch();
    stage.seconds(10);
    assert_eq!(shows(&viewer), "1, not refreshed");
    stage.client.set_online(false);
    viewer.observer.refetch();
    stage.seconds(1);
    stage.client.cancel(&one());
    stage.client.set_online(true);
    stage.client.invalidate(&one());
    stage.seconds(10);
    assert_eq!((shows(&viewer), pending.borrow().len()), ("7".to_owned(), 0));
}

#[test]
fn an_interval_goes_on_for_those_who_stay_and_at_their_own_pace() {
    let stage = stage();
    let slow = stage.watch(Number(1, |defaults| defaults.interval(seconds(30)).stale_after(minutes(60))));
    let quick = stage.watch(Number(1, |defaults| defaults.interval(seconds(5)).stale_after(minutes(60))));
    let still = stage.watch(Number(1, |defaults| defaults.stale_after(minutes(60))));
    stage.seconds(1);
    stage.seconds(12);
    assert_eq!(stage.server.requests(), 3, "at the pace of the quick one");
    drop(quick);
    let before = stage.server.requests();
    stage.seconds(29);
    assert_eq!(stage.server.requests(), before);
    stage.seconds(33);
    assert_eq!(stage.server.requests(), before + 2, "and then of the slow one");
    drop(slow);
    stage.seconds(600);
    assert_eq!(stage.server.requests(), before + 2);
    assert_eq!((stage.client.observer_count(), shows(&still)), (1, (before + 2).to_string()));
}

#[test]
fn of_several_stale_times_on_one_query_the_latest_counts() {
    let stage = stage();
    let long = stage.watch(Number(1, |defaults| defaults.stale_after(minutes(60))));
    stage.seconds(1);
    let short = stage.watch(Number(1, |defaults| defaults.stale_after(seconds(10))));
    assert_eq!(stage.server.requests(), 1, "it is fresh by both");
    stage.seconds(10);
    assert!(
        long.observer.is_stale() && short.observer.is_stale(),
        "one entry is not fresh and stale at once"
    );
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(1);
    long.observer.follow(Number(1, |defaults| defaults.stale_after(minutes(60))));
    stage.seconds(10);
    assert!(!long.observer.is_stale() && !short.observer.is_stale());
}
