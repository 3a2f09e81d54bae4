//! With and without a network.

use query_cache::{FetchStatus, NetworkMode, QueryFilter, Refetch};

use crate::common::{BUSY, Number, one, shows, stage};
use crate::fresh;

#[test]
fn calling_off_a_paused_fetch_tells_who_waits() {
    let stage = stage();
    stage.client.set_online(false);
    let viewer = stage.watch(one());
    let call = stage.spawn(stage.client.query(one()));
    stage.seconds(60);
    assert_eq!((call.word(), shows(&viewer)), ("waits".to_owned(), "paused".to_owned()));
    stage.client.cancel(&one());
    stage.world.run();
    assert_eq!((call.word(), shows(&viewer)), ("cancelled".to_owned(), "idle".to_owned()));
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()), "watched, and without data");
}

#[test]
fn a_paused_first_fetch_ends_with_its_last_observer() {
    let stage = stage();
    stage.client.set_online(false);
    let finishes = || Number(1, |defaults| defaults.finishes_unwatched(true));
    let (first, second) = (stage.watch(finishes()), stage.watch(finishes()));
    drop(first);
    stage.world.run();
    assert_eq!(shows(&second), "paused");
    drop(second);
    stage.world.run();
    assert_eq!(stage.client.count(QueryFilter::all().fetch_status(FetchStatus::Paused)), 0);
    stage.client.set_online(true);
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 0);
    let again = stage.watch(finishes());
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&again)), (1, "1".to_owned()));
}

#[test]
fn a_paused_refresh_goes_on_with_the_network_unless_it_was_called_off() {
    for cancelled in [false, true] {
        let stage = stage();
        let viewer = stage.watch(Number(1, |defaults| defaults.refetch_on_reconnect(Refetch::No)));
        stage.seconds(1);
        stage.client.set_online(false);
        viewer.observer.refetch();
        assert_eq!(viewer.observer.details().fetch_status, FetchStatus::Paused);
        if cancelled {
            stage.client.cancel(&one());
        }
        stage.client.set_online(true);
        stage.seconds(1);
        let (requests, shown) = if cancelled { (1, "1") } else { (2, "2") };
        assert_eq!((stage.server.requests(), shows(&viewer)), (requests, shown.to_owned()));
    }
}

#[test]
fn a_network_that_comes_and_goes_leaves_nothing_stuck() {
    let stage = stage();
    stage.server.fail(2);
    let viewer = stage.watch(one());
    for _ in 0..3 {
        stage.client.set_online(false);
        stage.client.set_focused(false);
        stage.seconds(5);
        stage.client.set_online(true);
        assert_eq!(stage.server.requests(), 1, "nobody looks");
        stage.client.set_online(false);
        stage.client.set_focused(true);
        assert_eq!((stage.server.requests(), shows(&viewer)), (1, "paused".to_owned()));
    }
    stage.client.set_online(true);
    assert_eq!(stage.server.requests(), 2);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (3, "3".to_owned()));
}

#[test]
fn offline_first_sends_one_attempt_and_then_waits_for_the_network() {
    let stage = stage();
    stage.server.say([Err(BUSY)]);
    stage.client.set_online(false);
    let viewer = stage.watch(Number(1, |defaults| defaults.network(NetworkMode::OfflineFirst)));
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "paused".to_owned()));
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}

#[test]
fn what_needs_no_network_never_waits_for_one() {
    let stage = stage();
    stage.server.fail(2);
    stage.client.set_online(false);
    let viewer = stage.watch(Number(1, |defaults| defaults.network(NetworkMode::Always)));
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (3, "3".to_owned()));
    stage.client.refetch(&one());
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (4, "4".to_owned()));
    stage.client.set_online(true);
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 4, "nothing was missed");
}

#[test]
fn the_networks_return_is_one_fetch_however_many_watch() {
    let stage = stage();
    let viewers = [stage.watch(one()), stage.watch(one()), stage.watch(one())];
    let fresh_one = stage.watch(Number(2, |defaults| fresh().1(defaults)));
    stage.seconds(1);
    stage.client.set_online(false);
    stage.client.set_online(true);
    assert_eq!(stage.server.asked_for(), [1, 2, 1]);
    stage.seconds(1);
    for viewer in &viewers {
        assert_eq!((shows(viewer), viewer.told()), ("3".to_owned(), 2));
    }
    assert_eq!(fresh_one.told(), 1);
}

#[test]
fn only_a_change_of_the_world_is_news() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    for _ in 0..3 {
        stage.client.set_focused(true);
        stage.client.set_online(true);
        stage.client.alarm();
    }
    assert_eq!(stage.server.requests(), 1);
    for _ in 0..3 {
        stage.client.set_focused(false);
    }
    assert_eq!(stage.server.requests(), 1);
    stage.client.set_focused(true);
    stage.client.set_focused(true);
    assert_eq!(stage.server.requests(), 2, "one return, one fetch");
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
}

#[test]
fn the_page_seen_again_or_the_network_back_refreshes_what_is_watched_and_stale() {
    let stage = stage();
    let _stale = stage.watch(one());
    let unwilling = |defaults: query_cache::QueryOptions<Number>| {
        defaults.refetch_on_focus(Refetch::No).refetch_on_reconnect(Refetch::No)
    };
    let _unwilling = stage.watch(Number(2, unwilling));
    drop(stage.watch(Number(3, |defaults| defaults.finishes_unwatched(true))));
    let _eager = stage.watch(Number(4, |defaults| {
        let eager = defaults.stale_after(query_cache::minutes(5));
        eager.refetch_on_focus(Refetch::Always).refetch_on_reconnect(Refetch::Always)
    }));
    stage.seconds(1);
    let asked = |back: &dyn Fn()| {
        let before = stage.server.requests();
        back();
        stage.seconds(1);
        let mut asked = stage.server.asked_for().split_off(before);
        asked.sort_unstable();
        asked
    };
    stage.client.set_focused(false);
    stage.client.set_online(false);
    assert_eq!(asked(&|| stage.client.set_online(true)), [1, 4]);
    assert_eq!(asked(&|| stage.client.set_focused(true)), [1, 4]);
    stage.client.set_focused(false);
    assert_eq!(asked(&|| stage.client.resume()), [0_u32; 0], "seen again, but nothing need be fetched");
    stage.server.fail(1);
    stage.client.refetch(&one());
    stage.client.set_focused(false);
    stage.seconds(60);
    assert_eq!(asked(&|| stage.client.resume()), [1], "what waited to be seen goes on");
}

#[test]
fn a_paused_refresh_that_is_to_finish_does_so_unwatched() {
    let stage = stage();
    let finishes = || Number(1, |defaults| defaults.finishes_unwatched(true));
    let viewer = stage.watch(finishes());
    stage.seconds(1);
    stage.client.set_online(false);
    viewer.observer.refetch();
    drop(viewer);
    stage.seconds(1);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(stage.client.get_data(&finishes()).as_deref(), Some(&2));
}
