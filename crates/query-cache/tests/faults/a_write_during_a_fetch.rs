//! An answer overwrites what was written while it was on its way:
//! <https://github.com/TanStack/query/issues/3579>.

use crate::common::{MISSING, shows, stage};
use crate::fresh;

#[test]
fn outlives_the_answer_watched_or_not() {
    for watched in [true, false] {
        let stage = stage();
        let viewer = watched.then(|| stage.watch(fresh()));
        let call = stage.spawn(stage.client.query(fresh()));
        stage.millis(500);
        stage.client.set_data(&fresh(), 70);
        stage.millis(499);
        assert_eq!(call.word(), "waits");
        stage.seconds(60);
        assert_eq!(call.word(), "70", "what is there, not what was on its way");
        assert_eq!(stage.client.get_data(&fresh()).as_deref(), Some(&70));
        assert_eq!((stage.server.requests(), stage.server.aborted()), (1, 0));
        assert!(viewer.is_none_or(|viewer| shows(&viewer) == "70" && !viewer.observer.is_fetching()));
    }
}

#[test]
fn outlives_a_failure_too() {
    let stage = stage();
    stage.server.say([Ok(1), Err(MISSING)]);
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.refetch();
    assert!(stage.client.update(&fresh(), |held| held.map(|number| number + 69)));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.details().error_updates), ("70".to_owned(), 0));
}

#[test]
fn gives_way_to_what_was_asked_for_after_it() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.client.set_data(&fresh(), 70);
    stage.seconds(1);
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
}

#[test]
fn gives_way_to_a_fetch_that_was_begun_anew_after_it() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.millis(500);
    stage.client.set_data(&fresh(), 71);
    stage.client.invalidate(&fresh());
    stage.world.run();
    assert_eq!((shows(&viewer), stage.server.requests()), ("71".to_owned(), 3));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("3".to_owned(), false));
}
