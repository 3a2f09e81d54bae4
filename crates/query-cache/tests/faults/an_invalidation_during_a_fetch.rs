//! An invalidation during the first fetch is lost, and what was out of date passes for fresh:
//! <https://github.com/TanStack/query/issues/11526>, <https://github.com/TanStack/query/issues/2154>.

use query_cache::QueryFilter;

use crate::common::{shows, stage};
use crate::fresh;

#[test]
fn is_answered_by_another_fetch_where_somebody_watches() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.millis(500);
    stage.client.invalidate(&fresh());
    stage.millis(500);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("1".to_owned(), true));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("2".to_owned(), false));
    stage.seconds(60);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (2, 0));
}

#[test]
fn leaves_the_answer_stale_where_nobody_does() {
    let stage = stage();
    stage.client.prefetch(fresh());
    stage.client.invalidate(QueryFilter::all());
    stage.seconds(1);
    assert!(stage.client.snapshot(&fresh()).unwrap().is_stale());
    assert_eq!(stage.server.requests(), 1);
    let viewer = stage.watch(fresh());
    assert_eq!((shows(&viewer), stage.server.requests()), ("1".to_owned(), 2));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("2".to_owned(), false));
}

#[test]
fn is_honoured_for_a_call_that_comes_after_it() {
    let stage = stage();
    let before = stage.spawn(stage.client.query(fresh()));
    stage.millis(500);
    stage.client.invalidate(&fresh());
    let after = stage.spawn(stage.client.query(fresh()));
    assert_eq!((stage.server.requests(), stage.server.aborted()), (2, 1));
    stage.seconds(1);
    assert_eq!((before.word(), after.word()), ("2".to_owned(), "2".to_owned()));
    assert!(!stage.client.snapshot(&fresh()).unwrap().is_stale());
}

#[test]
fn is_answered_by_a_retry_that_was_sent_after_it_and_not_by_one_sent_before() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.invalidate(&fresh());
    stage.seconds(10);
    assert_eq!((stage.server.requests(), viewer.observer.is_stale()), (2, false));

    stage.server.fail(1);
    viewer.observer.refetch();
    stage.seconds(1);
    let wait = viewer.observer.state().retry().unwrap().wait;
    stage.world.advance(wait);
    stage.client.invalidate(&fresh());
    stage.seconds(10);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (5, 1));
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("5".to_owned(), false));
}

#[test]
fn is_not_forgotten_by_a_fetch_that_is_called_off_or_paused() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.set_online(false);
    viewer.observer.refetch();
    stage.client.invalidate(&fresh());
    stage.world.run();
    stage.client.cancel(&fresh());
    assert!(viewer.observer.is_stale());
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(
        (shows(&viewer), viewer.observer.is_stale(), stage.server.requests()),
        ("2".to_owned(), false, 2)
    );
}
