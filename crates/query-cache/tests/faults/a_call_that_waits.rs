//! A call that waits for data is cancelled because a component goes away:
//! <https://github.com/TanStack/query/issues/9798>, <https://github.com/TanStack/query/issues/3045>.

use crate::common::{Number, one, shows, stage};

#[test]
fn outlives_every_observer() {
    let stage = stage();
    let viewer = stage.watch(one());
    let call = stage.spawn(stage.client.query(one()));
    stage.millis(500);
    drop(viewer);
    drop(stage.watch(one()));
    stage.millis(500);
    assert_eq!((call.word(), stage.server.requests(), stage.server.aborted()), ("1".to_owned(), 1, 0));
}

#[test]
fn outlives_an_observer_through_retries_and_pauses() {
    let stage = stage();
    stage.server.fail(2);
    let viewer = stage.watch(one());
    let call = stage.spawn(stage.client.query(one()));
    stage.seconds(1);
    drop(viewer);
    stage.seconds(10);
    assert_eq!((call.word(), stage.server.requests()), ("3".to_owned(), 3));

    stage.client.set_online(false);
    let viewer = stage.watch(Number(2, |defaults| defaults));
    let call = stage.spawn(stage.client.query(Number(2, |defaults| defaults)));
    drop(viewer);
    stage.seconds(10);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!((call.word(), stage.server.requests()), ("4".to_owned(), 4));
}

#[test]
fn outlives_the_call_beside_it() {
    let stage = stage();
    let dropped = stage.client.query(one());
    let kept = stage.spawn(stage.client.query(one()));
    stage.millis(500);
    drop(dropped);
    stage.millis(500);
    assert_eq!((kept.word(), stage.server.requests(), stage.server.aborted()), ("1".to_owned(), 1, 0));
}

#[test]
fn ends_its_fetch_when_it_is_dropped_and_nobody_else_is_there() {
    let stage = stage();
    let first = stage.client.query(one());
    let second = stage.client.query(one());
    drop(first);
    stage.millis(500);
    assert_eq!(stage.server.aborted(), 0);
    drop(second);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (1, 1));
    assert_eq!(stage.client.get_data(&one()), None);
}

#[test]
fn does_not_end_the_fetch_of_those_who_watch() {
    let stage = stage();
    let viewer = stage.watch(one());
    drop(stage.client.query(one()));
    drop(viewer.observer.refetch_and_wait());
    stage.seconds(1);
    assert_eq!((shows(&viewer), stage.server.requests(), stage.server.aborted()), ("1".to_owned(), 1, 0));
}
