//! Writes in several tabs, which are the same in all of them in the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::lab::{Lab, Tab, seen};
use common::travels::number;
use common::{Number, Viewer, shows};
use query_cache::{Environment, Query, QueryFilter, Then, minutes};

fn watch(tabs: &[&Tab]) -> Vec<Viewer<Number>> {
    tabs.iter().map(|tab| tab.watch(number(1))).collect()
}

#[test]
fn writes_within_a_millisecond_arrive_in_their_order() {
    let lab = Lab::new();
    lab.set_latency(0);
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs);
    lab.millis(&tabs, 1_100);
    for data in [70, 71, 72] {
        first.client.set_data(&number(1), data);
        lab.millis(&tabs, 0);
    }
    assert_eq!(seen(&viewers), ["72", "72"]);
    second.client.set_data(&number(1), 73);
    lab.millis(&tabs, 0);
    assert_eq!(seen(&viewers), ["73", "73"]);
    // Two at once: both tabs choose the same.
    first.client.set_data(&number(1), 74);
    second.client.set_data(&number(1), 75);
    lab.millis(&tabs, 1);
    assert_eq!(shows(&viewers[0]), shows(&viewers[1]));
}

#[test]
fn a_write_counts_though_the_clock_was_put_back() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs);
    lab.millis(&tabs, 1_100);
    let later = second.world.now().after(minutes(60));
    second.client.set_data_of(&number(1), 70, later);
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["70", "70"]);
    assert!(viewers[0].observer.details().updated_at.unwrap() <= first.world.now());
    first.client.set_data(&number(1), 71);
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["71", "71"]);
}

#[test]
fn a_third_tab_sees_what_the_two_that_write_at_once_agree_on() {
    // What the third hears first differs with who writes a little earlier.
    for (early, late) in [(0, 1), (1, 0)] {
        for gap in [0, 5] {
            for slow in [false, true] {
                let lab = Lab::new();
                lab.set_latency(30);
                let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
                let tabs = [&first, &second, &third];
                let viewers = watch(&tabs);
                lab.millis(&tabs, 3_000);
                tabs[early].client.set_data(&number(1), 70);
                lab.millis(&tabs, gap);
                // Messages of different tabs need not arrive in the order in which they were sent.
                lab.set_latency(if slow { 10 } else { 30 });
                tabs[late].client.set_data(&number(1), 71);
                lab.millis(&tabs, 1_000);
                let seen = seen(&viewers);
                assert_eq!((&seen[0], &seen[1]), (&seen[2], &seen[2]), "{early} {gap} {slow}: {seen:?}");
            }
        }
    }
}

#[test]
fn a_third_tab_does_not_take_the_answer_that_is_older_than_a_write_for_newer() {
    for at in [960, 975, 990, 999, 1_001, 1_010, 1_029] {
        let lab = Lab::new();
        lab.set_latency(30);
        let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
        let tabs = [&first, &second, &third];
        let viewers = watch(&tabs);
        lab.millis(&tabs, 3_000);
        viewers[0].observer.refetch();
        lab.millis(&tabs, at);
        // It is heard of sooner than the answer.
        lab.set_latency(1);
        second.client.set_data(&number(1), 72);
        lab.millis(&tabs, 1);
        lab.set_latency(30);
        lab.millis(&tabs, 5_000);
        assert_eq!(seen(&viewers), ["72", "72", "72"], "written after {at} ms");
        // What is fetched after that counts, also from a tab that came later.
        let late = lab.open("ada");
        let tabs = [&first, &second, &third, &late];
        lab.millis(&tabs, 100);
        let _watches = late.watch(number(1));
        late.server.say([Ok(80)]);
        late.client.refetch(&number(1));
        lab.millis(&tabs, 3_000);
        assert_eq!(seen(&viewers), ["80", "80", "80"]);
    }
}

#[test]
fn a_tab_that_comes_when_the_writer_is_gone_is_believed() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewer = first.watch(number(1));
    lab.millis(&tabs, 1_100);
    second.client.set_data(&number(1), 70);
    lab.millis(&tabs, 10);
    assert_eq!(shows(&viewer), "70");
    second.close();
    let late = lab.open("ada");
    let tabs = [&first, &late];
    lab.millis(&tabs, 10);
    late.server.say([Ok(80)]);
    late.client.prefetch(Number(1, |defaults| defaults.dehydrated()).with_options(|options| options));
    lab.millis(&tabs, 2_000);
    assert_eq!(shows(&viewer), "80");
}

#[test]
fn what_was_written_while_the_scope_was_held_is_told_when_it_is_open_again() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs);
    lab.millis(&tabs, 1_100);
    lab.said();
    second.client.hold_scope();
    second.client.set_data(&number(1), 70);
    lab.millis(&tabs, 100);
    assert_eq!(lab.said(), Vec::<String>::new());
    second.client.restore_scope();
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["70", "70"]);
    // Somebody else's business once the scope has ended.
    second.client.hold_scope();
    second.client.set_data(&number(1), 71);
    lab.millis(&tabs, 10);
    second.client.end_scope();
    assert_eq!(lab.said(), ["Data", "Ended"]);
}

#[test]
fn what_a_patch_leaves_when_it_is_committed_is_told_like_a_write() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs);
    lab.millis(&tabs, 1_100);
    let layer = second.client.patch(&number(1), |_| 70);
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["1", "70"], "nobody has confirmed it");
    layer.commit();
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["70", "70"]);
}

#[test]
fn an_answer_of_another_tab_that_was_sent_for_before_does_not_do_for_a_patch_that_waits() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs);
    lab.millis(&tabs, 2_000);
    // The other tab is fetching what lacks the change, when that is confirmed.
    viewers[0].observer.refetch();
    lab.millis(&tabs, 500);
    let layer = second.client.patch(&number(1), |data| data + 100);
    layer.commit_when_fetched();
    lab.millis(&tabs, 100);
    first.server.say([Ok(10), Ok(200)]);
    second.server.say([Ok(200)]);
    lab.millis(&tabs, 5_000);
    assert_eq!(seen(&viewers), ["200", "200"]);
    assert_eq!(second.client.committed_data(&number(1)).as_deref(), Some(&200));
}

#[test]
fn what_a_filter_means_is_asked_before_it_is_invalidated() {
    for (what, filter) in [
        ("fresh", QueryFilter::all().fresh()),
        ("by a predicate", QueryFilter::all().matching(|info| !info.snapshot().is_stale())),
    ] {
        let lab = Lab::new();
        let [first, second] = [lab.open("ada"), lab.open("ada")];
        let tabs = [&first, &second];
        let viewers = watch(&tabs);
        lab.millis(&tabs, 1_100);
        second.client.invalidate_then(filter, Then::Nothing);
        lab.millis(&tabs, 10);
        assert!(viewers.iter().all(|viewer| viewer.observer.details().invalidated), "{what}");
    }
}
