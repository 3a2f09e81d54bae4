//! Queries that need what others fetch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Number, Stage, Viewer, one, shows, stage};
use query_cache::{Query, QueryFilter, QueryState, minutes};

/// The number that number 1 names.
fn named(stage: &Stage) -> Option<Number> {
    stage.client.get_data(&one()).map(|one| Number(*one, |defaults| defaults.stale_after(minutes(5))))
}

fn follow(stage: &Stage, viewer: &Viewer<Option<Number>>) {
    viewer.observer.follow(named(stage));
}

#[test]
fn what_depends_on_another_is_fetched_when_that_is_there() {
    let stage = stage();
    stage.server.say([Ok(40), Ok(400), Ok(50), Ok(500)]);
    let first = stage.watch(one());
    let second = stage.watch(named(&stage));
    assert!(matches!(second.observer.state(), QueryState::Idle) && !second.observer.snapshot().is_enabled());
    let none = || QueryFilter::exact(Query::key(&None::<Number>));
    stage.client.invalidate(none());
    stage.client.refetch(none());
    stage.millis(500);
    assert_eq!(stage.server.asked_for(), [1]);
    stage.millis(500);
    follow(&stage, &second);
    assert!(second.observer.state().is_pending());
    stage.seconds(1);
    assert_eq!((shows(&second), stage.server.asked_for()), ("400".to_owned(), vec![1, 40]));
    assert_eq!(
        stage.client.get_data(&Number(40, |defaults| defaults)).as_deref(),
        Some(&400),
        "the same entry"
    );

    // Another answer, another query; and none, when there is no answer any more.
    first.observer.refetch();
    stage.seconds(1);
    follow(&stage, &second);
    stage.seconds(1);
    assert_eq!((shows(&second), stage.asked_for_last()), ("500".to_owned(), 50));
    stage.client.end_scope();
    follow(&stage, &second);
    assert_eq!(shows(&second), "idle");
    stage.world.run();
    assert_eq!(stage.asked_for_last(), 1, "nothing is fetched for the old one in the new scope");
    drop(second);
    stage.seconds(1);
    assert_eq!(
        stage.client.count(QueryFilter::exact(Query::key(&None::<Number>))),
        0,
        "nothing is kept of none"
    );
}

#[test]
fn who_waits_for_a_query_that_there_is_not_is_told_so() {
    let stage = stage();
    let waits = stage.spawn(stage.client.query(None::<Number>));
    let viewer = stage.watch(None::<Number>);
    stage.world.run();
    assert_eq!(waits.word(), "cancelled");
    viewer.observer.refetch();
    stage.client.prefetch(None::<Number>);
    stage.seconds(9);
    assert_eq!((shows(&viewer), stage.server.requests()), ("idle".to_owned(), 0));
}

#[test]
fn what_is_enabled_by_another_keeps_its_key() {
    let stage = stage();
    let ready = |stage: &Stage| stage.client.get_data(&one()).is_some();
    let second =
        |enabled| Number(2, |defaults| defaults).with_options(move |options| options.enabled(enabled));
    let _first = stage.watch(one());
    let viewer = stage.watch(second(ready(&stage)));
    assert_eq!(shows(&viewer), "idle");
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1]);
    viewer.observer.follow(second(ready(&stage)));
    stage.seconds(1);
    assert_eq!((shows(&viewer), stage.server.asked_for()), ("2".to_owned(), vec![1, 2]));
}
