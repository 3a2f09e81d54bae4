//! Lists that come in pages: whose page is whose, and what happens at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::rc::Rc;

use common::lists::{Feed, ListOptions, feed, listed, params, viewer_of};
use common::{BUSY, shows, stage, stage_with_seed};
use query_cache::{InfiniteQuery, QueryFilter, minutes, query_key};

const FRESH: ListOptions = |defaults| defaults.retry(0).stale_after(minutes(5));

fn fresh() -> Feed {
    Feed { options: FRESH, ..feed() }
}

#[test]
fn a_page_that_changes_touches_no_other() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    let pages = |page: usize| reader.observer.state().data().unwrap()[page].data.clone();
    let before = [pages(0), pages(1), pages(2)];

    stage.client.set_data(&feed().page(2), 30);
    stage.world.run();
    assert_eq!((listed(&reader), reader.told()), (vec![(1, 2), (2, 30), (3, 4)], 1));
    assert!(Rc::ptr_eq(&pages(0), &before[0]) && Rc::ptr_eq(&pages(2), &before[2]));

    stage.client.invalidate(&feed().page(3));
    stage.server.say([Ok(40)]);
    stage.seconds(1);
    assert_eq!(stage.asked_since(3), [3]);
    assert_eq!(listed(&reader), [(1, 2), (2, 30), (3, 40)]);

    stage.client.remove(&feed().page(1));
    stage.world.run();
    assert_eq!(listed(&reader), [(2, 30), (3, 40)]);
    stage.server.say([Ok(2)]);
    stage.seconds(1);
    assert_eq!((stage.asked_since(4), listed(&reader)), (vec![1], vec![(1, 2), (2, 30), (3, 40)]));
    assert!(Rc::ptr_eq(&stage.client.get_data(&feed().page(1)).unwrap(), &pages(0)));
    assert_eq!(params(&stage.client), [1, 2, 3]);
}

#[test]
fn pages_are_entries_under_the_lists_key_and_go_as_entries_do() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    assert_eq!(stage.client.count(feed().pages()), 4);
    assert_eq!(stage.client.count(QueryFilter::prefix(query_key!["feed", "page"])), 3);
    assert_eq!(stage.client.count(feed().pages().active()), 4);
    drop(reader);
    stage.world.advance(minutes(5));
    assert_eq!((stage.client.query_count(), stage.client.observer_count()), (0, 0));
}

#[test]
fn all_pages_are_fetched_again_in_sequence_whatever_asks_for_it() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let reader = stage.read_pages(feed(), 3);
        let asks: [&dyn Fn(); 5] = [
            &|| reader.observer.refetch(),
            &|| stage.client.invalidate(feed().pages()),
            &|| stage.client.refetch(feed().pages()),
            &|| stage.client.invalidate(&feed().list()),
            &|| {
                stage.client.set_focused(false);
                stage.client.set_focused(true);
            },
        ];
        for (which, ask) in asks.iter().enumerate() {
            let before = stage.server.requests();
            stage.server.say([Ok(2), Ok(3), Ok(4)]);
            ask();
            for asked in 1..=3 {
                stage.millis(500);
                let so_far = stage.asked_since(before);
                assert_eq!(so_far, [1, 2, 3][..asked], "seed {seed}, {which}");
                stage.millis(500);
            }
            stage.seconds(2);
            assert_eq!(stage.server.requests(), before + 3, "seed {seed}, {which}");
            assert!(!reader.observer.is_fetching() && reader.observer.state().error().is_none());
            let invalidated = |info: &query_cache::QueryInfo| info.snapshot().details::<()>().invalidated;
            assert_eq!(stage.client.count(feed().pages().matching(invalidated)), 0, "seed {seed}, {which}");
        }
    }
}

#[test]
fn a_reset_begins_with_the_first_page_again() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let reader = stage.read_pages(feed(), 3);
        stage.server.say([Ok(7)]);
        stage.client.reset(feed().pages());
        assert!(reader.observer.state().is_pending());
        stage.seconds(5);
        assert_eq!((stage.asked_since(3), listed(&reader)), (vec![1], vec![(1, 7)]), "seed {seed}");
    }
}

#[test]
fn each_next_parameter_is_that_of_the_page_fetched_before_it() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    stage.server.say([Ok(2), Ok(30), Ok(31)]);
    stage.client.invalidate(feed().pages());
    stage.millis(2500);
    assert_eq!(stage.asked_since(3), [1, 2, 30]);
    assert_eq!(listed(&reader), [(1, 2), (2, 30), (3, 4)], "the list is what it was until it is over");
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2), (2, 30), (30, 31)]);
    stage.seconds(9);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (6, 0));
    // Ends early.
    stage.server.say([Ok(0)]);
    reader.observer.refetch();
    stage.seconds(9);
    assert_eq!((stage.asked_since(6), listed(&reader)), (vec![1], vec![(1, 0)]));
}

#[test]
fn some_pages_are_fetched_again_and_those_that_are_others_then() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 4);
    stage.server.say([Ok(3), Ok(5)]);
    reader.observer.refetch_pages(|page| page.param % 2 == 0);
    stage.seconds(9);
    assert_eq!(stage.asked_since(4), [2, 4], "one after the other");
    stage.server.say([Ok(20), Ok(21), Ok(22)]);
    reader.observer.refetch_pages(|page| page.param == 1);
    stage.seconds(9);
    assert_eq!(stage.asked_since(6), [1, 20, 21, 22], "what follows is not what it was");
    let listed_params: Vec<_> = listed(&reader).iter().map(|page| page.0).collect();
    assert_eq!(listed_params, [1, 20, 21, 22]);
    // All of them, asked for while some are.
    let before = stage.server.requests();
    stage.server.answer_by(|id| Ok(if id == 1 { 20 } else { id + 1 }));
    reader.observer.refetch_pages(|page| page.param == 20);
    stage.millis(500);
    reader.observer.refetch();
    stage.seconds(9);
    let mut asked = stage.asked_since(before);
    asked.sort_unstable();
    assert_eq!(asked, [1, 20, 21, 22], "each once");
}

#[test]
fn the_next_page_and_a_fetch_of_all_do_not_disturb_each_other() {
    for seed in 0..50 {
        // Asked for before, during and after the page it follows is fetched.
        for (first, then) in [(0, 500), (500, 0), (500, 700), (500, 1200), (500, 2900), (0, 0)] {
            let stage = stage_with_seed(seed);
            stage.server.answer_by(|id| Ok(id + 1));
            let reader = stage.read_pages(fresh(), 3);
            let other = stage.read(fresh());
            let before = stage.server.requests();
            stage.millis(first);
            let all = || reader.observer.refetch();
            let next = || other.observer.fetch_next();
            let (one, two): (&dyn Fn(), &dyn Fn()) = if first == 0 { (&next, &all) } else { (&all, &next) };
            one();
            stage.millis(then);
            two();
            assert!(reader.observer.is_fetching_next(), "all who watch see it");
            two();
            stage.seconds(9);
            let expected = [(1, 2), (2, 3), (3, 4), (4, 5)];
            assert_eq!(listed(&reader), expected, "seed {seed}, {first}, {then}");
            assert_eq!(listed(&other), expected, "seed {seed}, {first}, {then}");
            assert_eq!(stage.server.aborted(), 0);
            let mut asked = stage.asked_since(before);
            asked.sort_unstable();
            assert_eq!(asked, [1, 2, 3, 4], "seed {seed}, {first}, {then}");
            assert!(!reader.observer.is_fetching() && reader.observer.state().error().is_none());
        }
    }
}

#[test]
fn a_page_before_the_first_stays_though_all_are_being_fetched() {
    for (before, after) in [(200, 0), (0, 200), (1500, 0)] {
        let stage = stage();
        stage.server.answer_by(|id| Ok(id + 1));
        let reader = stage.read(Feed { first: 3, ..feed() });
        stage.seconds(1);
        reader.observer.fetch_next();
        stage.seconds(1);
        assert_eq!(listed(&reader), [(3, 4), (4, 5)]);
        if after > 0 {
            reader.observer.fetch_previous();
            stage.millis(after);
        }
        reader.observer.refetch();
        stage.millis(before);
        reader.observer.fetch_previous();
        stage.seconds(9);
        assert_eq!(listed(&reader), [(2, 3), (3, 4), (4, 5)]);
        reader.observer.refetch();
        stage.seconds(9);
        assert_eq!(listed(&reader), [(2, 3), (3, 4), (4, 5)]);
    }
}

#[test]
fn a_next_page_that_follows_no_more_gives_way_to_the_one_that_does() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 2);
    stage.server.set_latency(std::time::Duration::from_secs(5));
    reader.observer.fetch_next();
    stage.world.run();
    stage.server.set_latency(std::time::Duration::from_secs(1));
    stage.server.say([Ok(20), Ok(21), Ok(22), Ok(4)]);
    reader.observer.refetch();
    stage.seconds(9);
    assert_eq!(stage.asked_since(2), [3, 1, 20, 21]);
    assert_eq!(listed(&reader), [(1, 20), (20, 21), (21, 22)]);
    assert_eq!(stage.server.aborted(), 1);
}

#[test]
fn all_who_watch_a_list_share_its_pages() {
    let stage = stage();
    let one = stage.read_pages(fresh(), 2);
    let two = stage.read(fresh());
    assert_eq!((listed(&two), stage.server.requests()), (vec![(1, 2), (2, 3)], 2));
    stage.server.say([Ok(4)]);
    one.observer.fetch_next();
    two.observer.fetch_next();
    drop(one);
    stage.seconds(1);
    assert_eq!((listed(&two), stage.asked_since(2)), (vec![(1, 2), (2, 3), (3, 4)], vec![3]));
    // The last to leave takes what is under way with it.
    two.observer.fetch_next();
    stage.world.run();
    drop(two);
    stage.world.run();
    assert_eq!((stage.server.aborted(), stage.client.observer_count()), (1, 0));
}

#[test]
fn who_watches_is_told_once_for_all_that_comes_in_one_turn() {
    let stage = stage();
    stage.server.answer_by(|id| Ok(id + 1));
    let reader = stage.read(fresh());
    assert_eq!(reader.told(), 0);
    stage.seconds(1);
    assert_eq!(reader.told(), 1, "the first page and the list");
    reader.observer.fetch_next();
    assert_eq!(reader.told(), 0, "not in the call");
    stage.world.run();
    assert_eq!(reader.told(), 1, "it begins");
    stage.seconds(1);
    assert_eq!(reader.told(), 1, "it is there");
    reader.observer.refetch();
    stage.seconds(9);
    assert_eq!(reader.told(), 2, "two pages, and nobody asked whether it is fetching");
    reader.observer.is_fetching();
    reader.observer.refetch();
    stage.seconds(9);
    let told = reader.told();
    assert!((3..=4).contains(&told), "{told}: the list ends in the turn of its last page or in the next");
    stage.client.invalidate_then(&fresh().page(1), query_cache::Then::Nothing);
    stage.client.set_data(&fresh().page(77), 1);
    stage.seconds(1);
    assert_eq!(reader.told(), 0);
}

#[test]
fn a_page_asked_for_by_itself_is_not_lost_with_a_list_that_fails() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    stage.server.say([Err(BUSY), Ok(40)]);
    stage.client.invalidate(feed().pages());
    stage.world.run();
    let third = stage.spawn(stage.client.query(feed().page(3)));
    stage.seconds(9);
    assert_eq!(third.word(), "40");
    assert_eq!(stage.asked_since(3), [1, 3], "and the second is not fetched");
    assert!(reader.observer.state().error().is_some());
    let second = viewer_of(&stage, &feed(), 2);
    assert_eq!(shows(&second), "3");
}

#[test]
fn a_page_without_data_that_somebody_watches_is_not_lost_with_a_list_that_fails() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    stage.server.say([Err(BUSY), Ok(7), Ok(8)]);
    reader.observer.refetch();
    stage.world.run();
    stage.client.remove(&feed().page(3));
    let beside = viewer_of(&stage, &feed(), 77);
    stage.millis(500);
    assert_eq!(stage.asked_since(3), [1], "they wait for their turn");
    stage.seconds(5);
    assert!(reader.observer.state().error().is_some());
    let mut asked = stage.asked_since(4);
    asked.sort_unstable();
    assert_eq!((asked, listed(&reader).len()), (vec![3, 77], 3));
    assert_ne!(shows(&beside), "idle");
}

#[test]
fn a_page_that_is_not_in_a_list_does_not_fail_with_it() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    stage.client.set_data(&feed().page(77), 1);
    let beside = viewer_of(&stage, &feed(), 77);
    stage.server.say([Err(BUSY), Ok(7)]);
    stage.client.invalidate(feed().pages());
    stage.seconds(5);
    assert!(reader.observer.state().error().is_some());
    assert_eq!((stage.asked_since(3), shows(&beside)), (vec![1, 77], "7".to_owned()));
}

#[test]
fn a_patch_over_a_page_is_over_that_page_alone_and_outlasts_a_fetch_of_all() {
    let stage = stage();
    stage.server.answer_by(|id| Ok(id + 1));
    let reader = stage.read_pages(fresh(), 3);
    let layer = stage.client.patch(&fresh().page(3), |data| data | 64);
    assert_eq!(listed(&reader), [(1, 2), (2, 3), (3, 68)]);
    reader.observer.refetch();
    stage.seconds(9);
    assert_eq!((listed(&reader), stage.asked_since(3)), (vec![(1, 2), (2, 3), (3, 68)], vec![1, 2, 3]));
    layer.roll_back();
    assert_eq!(listed(&reader), [(1, 2), (2, 3), (3, 4)]);
    // Over the list itself: what is put in it meanwhile is below.
    let layer =
        stage.client.patch(&fresh().list(), |params| params.iter().copied().filter(|id| *id != 2).collect());
    stage.world.run();
    assert_eq!(listed(&reader), [(1, 2), (3, 4)]);
    reader.observer.fetch_next();
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2), (3, 4), (4, 5)]);
    layer.roll_back();
    stage.world.run();
    assert_eq!(listed(&reader), [(1, 2), (2, 3), (3, 4), (4, 5)]);
}

#[test]
fn nothing_is_fetched_beyond_an_end_that_is_not_there() {
    let stage = stage();
    stage.server.answer_by(|id| Ok(id + 1));
    let reader = stage.read_pages(fresh(), 3);
    stage.client.set_online(false);
    reader.observer.fetch_next();
    stage.client.remove(&fresh().page(3));
    stage.world.run();
    assert!(!reader.observer.has_next());
    reader.observer.fetch_next();
    stage.seconds(1);
    stage.client.set_online(true);
    stage.seconds(2);
    assert_eq!(listed(&reader), [(1, 2), (2, 3), (3, 4), (4, 5)]);
}
