//! Several tabs: what is written, fetched and invalidated in them at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::lab::{Lab, requests, seen, watch};
use common::travels::number;
use common::{Number, shows};
use query_cache::{ScopeName, Then};

#[test]
fn what_is_written_in_one_is_written_in_all_and_outlives_what_was_sent_before() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 1_100);
    second.client.set_data(&number(1), 70);
    lab.millis(&tabs, 5);
    assert_eq!(seen(&viewers), ["70", "70"]);
    // While the other fetches.
    viewers[0].observer.refetch();
    lab.millis(&tabs, 500);
    second.client.set_data(&number(1), 71);
    lab.millis(&tabs, 2_000);
    assert_eq!(seen(&viewers), ["71", "71"], "its answer was older");
}

#[test]
fn a_write_and_an_answer_or_another_write_that_cross_are_the_same_in_both() {
    // The answer is there after 1,000 ms, and everything is heard of 30 ms later.
    for at in [960, 975, 990, 999, 1_001, 1_010, 1_029, 1_031] {
        for both in [false, true] {
            let lab = Lab::new();
            lab.set_latency(30);
            let [first, second] = [lab.open("ada"), lab.open("ada")];
            let tabs = [&first, &second];
            let viewers = watch(&tabs, number);
            lab.millis(&tabs, 3_000);
            viewers[0].observer.refetch();
            lab.millis(&tabs, at);
            second.client.set_data(&number(1), 72);
            if both {
                lab.millis(&tabs, 5);
                first.client.set_data(&number(1), 73);
            }
            lab.millis(&tabs, 5_000);
            let later = if both { "73" } else { "72" };
            assert_eq!(seen(&viewers), [later, later], "written after {at} ms");
        }
    }
}

#[test]
fn a_write_in_the_millisecond_of_what_the_other_tab_has_is_taken_there() {
    let lab = Lab::new();
    lab.set_latency(0);
    let [one, two] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&one, &two];
    lab.millis(&tabs, 10);
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 2_000);
    one.client.set_data(&number(1), 50);
    lab.millis(&tabs, 0);
    assert_eq!(seen(&viewers), ["50", "50"]);
    // All in one millisecond, to and fro.
    for value in 51..55 {
        let tab = if value % 2 == 0 { &one } else { &two };
        tab.client.set_data(&number(1), value);
        lab.millis(&tabs, 0);
        assert_eq!(seen(&viewers), vec![value.to_string(); 2]);
    }
}

#[test]
fn an_answer_that_crosses_an_invalidation_does_not_clear_it() {
    // The answer is there after 1,000 ms, and everything is heard of 30 ms later.
    for at in [500, 960, 975, 990, 999, 1_001, 1_010, 1_029, 1_031] {
        for then in [Then::Nothing, Then::FetchActive] {
            let lab = Lab::new();
            lab.set_latency(30);
            let [first, second] = [lab.open("ada"), lab.open("ada")];
            let tabs = [&first, &second];
            let viewers = watch(&tabs, number);
            lab.millis(&tabs, 3_000);
            let before = requests(&tabs);
            viewers[0].observer.refetch();
            lab.millis(&tabs, at);
            second.client.invalidate_then(&number(1), then);
            lab.millis(&tabs, 10_000);
            let outdated = [0, 1].map(|tab: usize| viewers[tab].observer.details().invalidated);
            match then {
                Then::Nothing => {
                    // A tab that hears of it while it fetches does so once more.
                    let again = requests(&tabs) - before >= 2 && outdated == [false; 2];
                    assert!(again || outdated == [true; 2], "{at}: {outdated:?}");
                }
                _ => {
                    assert_eq!(outdated, [false; 2], "{at}");
                    assert!(
                        requests(&tabs) - before >= 2,
                        "what was sent before it does not know of it: {at}"
                    );
                    assert_eq!(shows(&viewers[0]), shows(&viewers[1]), "{at}");
                }
            }
        }
    }
}

#[test]
fn a_third_tab_that_knows_of_an_invalidation_keeps_it_when_an_answer_or_a_write_does_not() {
    for at in [975, 990, 999] {
        let lab = Lab::new();
        lab.set_latency(30);
        let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
        let tabs = [&first, &second, &third];
        let viewers = watch(&tabs, number);
        lab.millis(&tabs, 3_000);
        viewers[0].observer.refetch();
        lab.millis(&tabs, at);
        second.client.invalidate_then(&number(1), Then::Nothing);
        lab.millis(&tabs, 3_000);
        let outdated = [0, 1, 2].map(|tab: usize| viewers[tab].observer.details().invalidated);
        assert_eq!(outdated, [true; 3], "answered after {at} ms");

        viewers[0].observer.refetch();
        lab.millis(&tabs, 3_000);
        second.client.invalidate_then(&number(1), Then::Nothing);
        lab.millis(&tabs, 1);
        first.client.set_data(&number(1), 70);
        lab.millis(&tabs, 3_000);
        let outdated = [0, 1, 2].map(|tab: usize| viewers[tab].observer.details().invalidated);
        assert_eq!((seen(&viewers), outdated), (vec!["70".to_owned(); 3], [true; 3]));
    }
}

#[test]
fn what_was_sent_for_after_a_write_is_newer_though_its_tab_had_not_heard_of_it() {
    let lab = Lab::new();
    lab.set_latency(30);
    let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("grace")];
    let tabs = [&first, &second, &third];
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 3_000);
    first.client.set_data(&number(1), 70);
    lab.millis(&tabs, 1_000);
    // It has missed that, and is answered before it hears of anybody.
    third.server.set_latency(std::time::Duration::from_millis(10));
    third.server.say([Ok(71)]);
    third.client.end_scope();
    third.client.name_scope(ScopeName::new("ada"));
    lab.millis(&tabs, 3_000);
    assert_eq!(seen(&viewers), ["71"; 3]);
    // And what was written while the scope was held is told late.
    second.client.hold_scope();
    second.client.set_data(&number(1), 72);
    lab.millis(&tabs, 1_000);
    third.server.say([Ok(73)]);
    viewers[2].observer.refetch();
    lab.millis(&tabs, 1_000);
    second.client.restore_scope();
    lab.millis(&tabs, 1_000);
    assert_eq!(seen(&viewers), ["73"; 3]);
}

#[test]
fn what_a_held_tab_fetches_is_told_when_it_is_open_again_and_of_writes_in_two_the_later_counts() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 3_000);
    viewers[0].observer.refetch();
    lab.millis(&tabs, 500);
    first.client.hold_scope();
    lab.millis(&tabs, 1_000);
    assert_eq!(seen(&viewers), ["pending", "1"], "it may be somebody else's");
    first.client.restore_scope();
    lab.millis(&tabs, 5);
    assert_eq!(seen(&viewers), ["2", "2"]);
    tabs.iter().for_each(|tab| tab.client.hold_scope());
    for (tab, data) in [(&first, 70), (&second, 71)] {
        tab.client.set_data(&number(1), data);
        // What is everybody's is told meanwhile.
        let public = Number(9, |defaults| defaults.dehydrated().public(true));
        tab.client.set_data(&public, data);
        lab.millis(&tabs, 5);
    }
    tabs.iter().for_each(|tab| tab.client.restore_scope());
    lab.millis(&tabs, 5);
    assert_eq!(seen(&viewers), ["71", "71"]);
}
