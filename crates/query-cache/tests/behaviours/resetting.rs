//! Beginning anew.

use query_cache::{Query, QueryFilter, minutes};

use crate::common::{Number, one, shows, stage};
use crate::{fresh, two};

#[test]
fn a_reset_during_a_fetch_is_no_failure() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.millis(500);
    stage.client.reset(&one());
    assert_eq!((shows(&viewer), stage.server.aborted()), ("pending".to_owned(), 1));
    stage.world.run();
    assert_eq!((viewer.told(), stage.server.requests()), (0, 2), "pending it was and is");
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.details().error_updates), ("2".to_owned(), 0));
}

#[test]
fn a_reset_puts_back_what_a_query_begins_with() {
    let stage = stage();
    let begins = || fresh().with_options(|options| options.initial_data(|| Some(7)));
    let viewer = stage.watch(begins());
    stage.client.set_data(&fresh(), 70);
    stage.client.set_error(&fresh(), crate::common::MISSING);
    assert_eq!(shows(&viewer), "70, not refreshed");
    stage.client.reset(&fresh());
    let details = viewer.observer.details();
    assert_eq!((shows(&viewer), details.data_updates, details.error_updates), ("7".to_owned(), 0, 0));
    assert!(!details.invalidated);
    stage.seconds(1);
    assert_eq!(
        (shows(&viewer), stage.server.requests()),
        ("1".to_owned(), 1),
        "and is fetched, since it is watched"
    );

    stage.client.set_data(&two(), 8);
    stage.client.reset(&two());
    assert_eq!(stage.client.get_data(&two()), None, "what begins with nothing has nothing");
}

#[test]
fn a_reset_tells_all_who_watch_and_fetches_for_the_enabled() {
    let stage = stage();
    let watched = stage.watch(fresh());
    let only_disabled = stage.watch(Number(2, |defaults| defaults.enabled(false)));
    let both = [stage.watch(Number(3, |defaults| defaults.enabled(false))), stage.watch(Number(3, |d| d))];
    stage.client.set_data(&two(), 20);
    stage.client.set_data(&Number(4, |defaults| defaults), 40);
    stage.seconds(1);
    for viewer in [&watched, &only_disabled, &both[0], &both[1]] {
        viewer.told();
    }
    stage.client.reset(QueryFilter::all());
    stage.world.run();
    for viewer in [&watched, &only_disabled, &both[0], &both[1]] {
        assert_eq!(viewer.told(), 1);
    }
    assert_eq!((shows(&watched), shows(&only_disabled)), ("pending".to_owned(), "idle".to_owned()));
    let mut again = stage.server.asked_for().split_off(2);
    again.sort_unstable();
    assert_eq!(again, [1, 3], "neither what the disabled watch nor what nobody does");
}

#[test]
fn a_reset_fetches_what_its_filter_meant_before_it_was_reset() {
    let stage = stage();
    stage.server.set_latency(minutes(0));
    let viewers: Vec<_> = (1..=4)
        .map(|id| {
            stage.client.set_data(&Number(id, |defaults| defaults.stale_after(minutes(5))), id * 10);
            stage.watch(Number(id, |defaults| defaults.stale_after(minutes(5))))
        })
        .collect();
    let big = QueryFilter::all().matching(|info| info.data::<u32>().is_some_and(|number| *number > 20));
    stage.client.reset(big);
    stage.seconds(0);
    let mut asked = stage.server.asked_for();
    asked.sort_unstable();
    assert_eq!(asked, [3, 4]);
    assert_eq!((shows(&viewers[0]), shows(&viewers[1])), ("10".to_owned(), "20".to_owned()));
    assert!(["1", "2"].contains(&shows(&viewers[2]).as_str()));
}

#[test]
fn what_is_removed_begins_anew_for_who_watches_and_is_gone_for_the_others() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.set_data(&two(), 8);
    viewer.told();
    stage.client.clear();
    assert_eq!((shows(&viewer), stage.client.query_count()), ("pending".to_owned(), 1));
    stage.world.run();
    assert_eq!((viewer.told(), stage.server.requests()), (1, 2));
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
}
