//! Invalidating twice fetches twice: <https://github.com/TanStack/query/issues/7963>,
//! <https://github.com/TanStack/query/issues/7129>.

use query_cache::{QueryFilter, query, query_key};

use crate::common::{Number, shows, stage};
use crate::fresh;

#[test]
fn in_one_turn_is_one_fetch_however_it_is_said() {
    let stage = stage();
    let viewers = [stage.watch(fresh()), stage.watch(fresh()), stage.watch(Number(2, |defaults| defaults))];
    stage.seconds(1);
    stage.client.invalidate(&fresh());
    stage.client.invalidate(QueryFilter::prefix(query_key!["number"]));
    stage.client.invalidate(QueryFilter::of::<Number>());
    stage.client.set_data(&fresh(), 70);
    stage.client.invalidate(&fresh());
    assert_eq!(stage.server.requests(), 2, "none in the call");
    stage.world.run();
    assert_eq!(stage.server.asked_for().split_off(2).len(), 2, "one for each query");
    stage.seconds(60);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (4, 0));
    for viewer in &viewers {
        assert!(!viewer.observer.snapshot().is_fetching());
    }
}

#[test]
fn from_two_listeners_of_one_turn_is_one_fetch() {
    let stage = stage();
    let (left, right) = (stage.client.clone(), stage.client.clone());
    let other = || query(query_key!["other"], async |_| Ok::<_, String>(0));
    let _left = stage.client.observe(other(), move || left.invalidate(&fresh()));
    let _right = stage.client.observe(other(), move || right.invalidate(&fresh()));
    let _viewer = stage.watch(fresh());
    stage.seconds(5);
    // The answer of `other` came in the first turn, during the first fetch: one more, not two.
    assert_eq!((stage.server.requests(), stage.server.aborted()), (2, 0));
    stage.client.set_data(&other(), 1);
    stage.seconds(5);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (3, 0));
}

#[test]
fn during_the_first_fetch_is_one_more() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    for _ in 0..5 {
        stage.millis(100);
        stage.client.invalidate(&fresh());
    }
    stage.seconds(60);
    assert_eq!((stage.server.requests(), stage.server.aborted(), shows(&viewer)), (2, 0, "2".to_owned()));
}

#[test]
fn with_the_page_seen_again_in_between_is_one_fetch() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.set_focused(false);
    stage.client.invalidate(&fresh());
    stage.client.set_focused(true);
    stage.client.invalidate_then(&fresh(), query_cache::Then::Nothing);
    viewer.observer.is_stale();
    stage.seconds(60);
    // The second came after the fetch was sent, so its answer is behind; one more brings it up to date.
    assert_eq!((stage.server.requests(), shows(&viewer)), (3, "3".to_owned()));
    assert!(!viewer.observer.is_stale());
}
