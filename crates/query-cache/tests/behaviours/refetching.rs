//! What is fetched again, and what is not.

use query_cache::{Happening, NetworkMode, QueryFilter, StaleTime, Then, minutes};

use crate::common::{MISSING, Number, Stage, Viewer, one, shows, stage};
use crate::{fresh, two};

/// What a change has the server asked for.
fn asked(stage: &Stage, change: impl FnOnce()) -> Vec<u32> {
    let before = stage.server.requests();
    change();
    stage.seconds(1);
    let mut asked = stage.server.asked_for().split_off(before);
    asked.sort_unstable();
    asked
}

/// 1 is active and fresh, 2 is watched by the disabled only, 3 is active, disabled and stale, 4 is watched by
/// nobody, 5 is active and static.
fn household(stage: &Stage) -> Vec<Viewer<Number>> {
    stage.client.prefetch(Number(4, |defaults| defaults));
    let viewers = vec![
        stage.watch(fresh()),
        stage.watch(Number(2, |defaults| defaults.enabled(false))),
        stage.watch(Number(3, |defaults| defaults)),
        stage.watch(Number(3, |defaults| defaults.enabled(false))),
        stage.watch(Number(5, |defaults| defaults.stale(StaleTime::Static))),
    ];
    stage.client.set_data(&two(), 2);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 4);
    viewers
}

#[test]
fn a_refetch_takes_all_that_its_filter_means_but_the_disabled_and_the_static() {
    let stage = stage();
    let _viewers = household(&stage);
    let refetch = |filter: QueryFilter| asked(&stage, || stage.client.refetch(filter));
    let all = QueryFilter::all;
    assert_eq!(refetch(all()), [1, 3, 4]);
    assert_eq!(refetch(all().active()), [1, 3], "one who is enabled is enough");
    assert_eq!(refetch(all().inactive()), [4]);
    assert_eq!(refetch(all().stale()), [3, 4]);
    assert_eq!(refetch(all().fresh()), [1]);
    assert_eq!(refetch(all().active().stale()), [3]);
    assert_eq!(refetch(QueryFilter::from(&one())), [1]);
    assert_eq!(refetch(QueryFilter::from(&two())), [0_u32; 0]);
}

#[test]
fn an_invalidation_fetches_what_is_watched_unless_it_is_told_what_else() {
    let stage = stage();
    let _viewers = household(&stage);
    let invalidate = |then| asked(&stage, || stage.client.invalidate_then(QueryFilter::all(), then));
    assert_eq!(invalidate(Then::FetchActive), [1, 3]);
    assert_eq!(invalidate(Then::FetchInactive), [4]);
    assert_eq!(invalidate(Then::FetchAll), [1, 3, 4]);
    assert_eq!(invalidate(Then::Nothing), [0_u32; 0]);
    assert_eq!(stage.client.count(QueryFilter::all().stale()), 3, "1, 3 and 4 are marked");
    assert_eq!(asked(&stage, || stage.client.invalidate(QueryFilter::all())), [1, 3]);
}

#[test]
fn an_invalidation_replaces_a_refresh_under_way_or_only_marks_it() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.millis(500);
    stage.client.invalidate(&fresh());
    stage.millis(500);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (3, 1));
    stage.millis(500);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("3".to_owned(), false));

    viewer.observer.refetch();
    stage.millis(500);
    stage.client.invalidate_then(&fresh(), Then::Nothing);
    stage.millis(500);
    assert_eq!(
        (stage.server.aborted(), shows(&viewer), viewer.observer.is_stale()),
        (1, "4".to_owned(), true)
    );
}

#[test]
fn two_invalidations_are_one_event_and_one_fetch() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.is_stale();
    viewer.told();
    let log = stage.log();
    stage.client.invalidate(&fresh());
    stage.client.invalidate(QueryFilter::all());
    stage.world.run();
    let told =
        log.take().iter().filter(|line| line.contains(&format!("{:?}", Happening::Invalidated))).count();
    assert_eq!((told, stage.server.requests(), viewer.told()), (1, 2, 1));
}

#[test]
fn whoever_waits_for_a_paused_refetch_waits_for_the_network() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    let local = stage.watch(Number(2, |defaults| defaults.network(NetworkMode::Always)));
    stage.seconds(1);
    stage.client.set_online(false);
    stage.client.refetch(QueryFilter::all());
    let paused = stage.spawn(stage.client.settled(&fresh()));
    let goes_on = stage.spawn(stage.client.settled(&two()));
    stage.seconds(1);
    assert_eq!((shows(&viewer), shows(&local), stage.server.requests()), ("1".to_owned(), "3".to_owned(), 3));
    assert!(paused.take().is_none() && goes_on.take().is_some_and(|failures| failures.is_empty()));
    stage.client.set_online(true);
    stage.seconds(1);
    assert!(paused.take().is_some_and(|failures| failures.is_empty()));
    assert_eq!(shows(&viewer), "4");
}

#[test]
fn a_refetch_during_the_first_fetch_does_not_begin_it_anew() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.millis(500);
    viewer.observer.refetch();
    stage.client.refetch(&one());
    stage.client.invalidate(&two());
    stage.millis(500);
    assert_eq!((stage.server.requests(), stage.server.aborted(), shows(&viewer)), (1, 0, "1".to_owned()));
}

#[test]
fn who_turns_to_a_query_that_failed_has_it_fetched_again() {
    let stage = stage();
    stage.server.say([Err(MISSING), Ok(2)]);
    let failed = stage.watch(one());
    let turns = stage.watch(two());
    stage.seconds(1);
    assert_eq!((shows(&failed), shows(&turns)), ("failed".to_owned(), "2".to_owned()));
    turns.observer.follow(one());
    assert_eq!((stage.server.asked_for(), shows(&turns)), (vec![1, 2, 1], "pending".to_owned()));
    stage.seconds(1);
    assert_eq!((shows(&failed), shows(&turns)), ("3".to_owned(), "3".to_owned()));
    // And one whose last refresh failed.
    stage.server.say([Err(MISSING)]);
    failed.observer.refetch();
    stage.seconds(1);
    turns.observer.follow(two());
    stage.world.advance(minutes(1));
    turns.observer.follow(one());
    stage.seconds(1);
    assert_eq!(shows(&turns), "6");
}

#[test]
fn what_is_static_is_fetched_like_any_other_until_it_has_data() {
    let fixed = || Number(1, |defaults| defaults.stale(StaleTime::Static).retry(0));
    let stage = stage();
    stage.server.say([Err(MISSING), Err(MISSING)]);
    let viewer = stage.watch(fixed());
    stage.seconds(1);
    assert_eq!(asked(&stage, || stage.client.refetch(QueryFilter::all())), [1]);
    assert_eq!(shows(&viewer), "failed");
    assert_eq!(asked(&stage, || stage.client.invalidate(QueryFilter::all())), [1]);
    assert_eq!(shows(&viewer), "3");
    assert_eq!(asked(&stage, || stage.client.invalidate(QueryFilter::all())), [0_u32; 0]);
}

#[test]
fn a_refetch_joins_what_is_under_way_unless_that_is_older_than_an_invalidation() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.millis(500);
    stage.client.refetch(&fresh());
    assert_eq!(stage.server.requests(), 2);
    stage.client.invalidate_then(&fresh(), Then::Nothing);
    stage.client.refetch(&fresh());
    assert_eq!((stage.server.requests(), stage.server.aborted()), (3, 1));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("3".to_owned(), false));
}
