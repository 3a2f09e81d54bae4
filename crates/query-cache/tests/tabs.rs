//! Several tabs share one cache: one fetches for all, and what one knows the others do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::lab::{Lab, Tab, requests, seen, watch};
use common::travels::number;
use common::{Number, shows};
use query_cache::{QueryFilter, ScopeName, Then, minutes, query_key};

/// A number that travels, and is always stale.
fn stale(id: u32) -> Number {
    Number(id, |defaults| defaults.dehydrated().retry(0))
}

#[test]
fn of_three_tabs_one_fetches_and_all_are_answered_at_the_same_time() {
    for query in [number, stale] {
        let lab = Lab::new();
        let tabs = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
        let tabs = tabs.each_ref();
        lab.millis(&tabs, 10);
        let viewers = watch(&tabs, query);
        tabs[0].server.say([Ok(70)]);
        lab.millis(&tabs, 1_060);
        assert_eq!((requests(&tabs), seen(&viewers)), (1, vec!["70".to_owned(); 3]));
        assert!(viewers.iter().all(|viewer| !viewer.observer.is_fetching()));
        lab.millis(&tabs, 5_000);
        assert_eq!(requests(&tabs), 1);
    }
}

#[test]
fn a_tab_that_is_alone_waits_for_nobody() {
    let lab = Lab::new();
    let tab = lab.open("ada");
    let viewer = tab.watch(number(1));
    assert_eq!(tab.server.requests(), 1, "in the call");
    lab.millis(&[&tab], 1_000);
    assert_eq!(shows(&viewer), "1");
    assert_eq!(lab.said(), ["Hello", "Data"]);
}

#[test]
fn an_invalidation_is_one_fetch_for_all() {
    let lab = Lab::new();
    let tabs = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
    let tabs = tabs.each_ref();
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 1_100);
    for (round, filter) in [
        QueryFilter::from(&number(1)),
        QueryFilter::prefix(query_key!["number"]),
        QueryFilter::all(),
        QueryFilter::of::<Number>(),
        QueryFilter::all().active(),
        QueryFilter::all().matching(|info| info.observer_count() > 0),
    ]
    .into_iter()
    .enumerate()
    {
        tabs[1].client.invalidate(filter);
        lab.millis(&tabs, 5);
        assert!(viewers.iter().all(|viewer| viewer.observer.is_fetching()), "round {round}");
        lab.millis(&tabs, 1_200);
        assert_eq!(requests(&tabs), round + 2);
        assert_eq!(seen(&viewers).windows(2).filter(|pair| pair[0] != pair[1]).count(), 0);
        assert!(viewers.iter().all(|viewer| !viewer.observer.details().invalidated), "round {round}");
    }
    tabs[0].client.invalidate_then(&number(1), Then::Nothing);
    lab.millis(&tabs, 2_000);
    assert_eq!(requests(&tabs), 7);
    assert!(viewers.iter().all(|viewer| viewer.observer.details().invalidated));
}

#[test]
fn when_the_one_that_fetches_is_closed_the_next_takes_over() {
    let lab = Lab::new();
    let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
    lab.millis(&[&first, &second, &third], 10);
    let lost = first.watch(number(1));
    lab.millis(&[&first, &second, &third], 10);
    let viewers = [second.watch(number(1)), third.watch(number(1))];
    lab.millis(&[&first, &second, &third], 500);
    assert_eq!(requests(&[&first, &second, &third]), 1);
    drop(lost);
    first.close();
    let tabs = [&second, &third];
    lab.millis(&tabs, 60);
    assert_eq!(requests(&tabs), 1, "one of them, not both");
    lab.millis(&tabs, 1_060);
    assert_eq!((requests(&tabs), seen(&viewers)), (1, vec!["1".to_owned(); 2]));
}

#[test]
fn one_that_calls_off_pauses_or_fails_lets_the_next_have_its_turn() {
    type Act = fn(&Tab);
    let acts: [(&str, Act); 3] = [
        ("calls off", |tab| tab.client.cancel(QueryFilter::all())),
        ("is offline", |tab| {
            tab.client.set_online(false);
            tab.client.cancel(QueryFilter::all());
        }),
        ("ends the scope", |tab| tab.client.clear()),
    ];
    for (what, act) in acts {
        let lab = Lab::new();
        let [first, second] = [lab.open("ada"), lab.open("ada")];
        let tabs = [&first, &second];
        lab.millis(&tabs, 10);
        let held = first.watch(number(1));
        lab.millis(&tabs, 60);
        let viewer = second.watch(number(1));
        lab.millis(&tabs, 500);
        assert_eq!((first.server.requests(), second.server.requests()), (1, 0));
        drop(held);
        act(&first);
        lab.millis(&tabs, 1_100);
        assert_eq!((second.server.requests(), shows(&viewer)), (1, "1".to_owned()), "{what}");
    }
    // A retry that waits for a network is no reason for others to wait.
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    lab.millis(&tabs, 10);
    first.server.fail(10);
    let _held = first.watch(number(1));
    lab.millis(&tabs, 60);
    let viewer = second.watch(number(1));
    first.client.set_focused(false);
    lab.millis(&tabs, 4_000);
    assert_eq!((second.server.requests(), shows(&viewer)), (1, "1".to_owned()));
    // And one that has failed.
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    lab.millis(&tabs, 10);
    first.server.fail(1);
    let viewers = watch(&tabs, stale);
    lab.millis(&tabs, 2_200);
    assert_eq!(seen(&viewers), ["1", "1"], "what failed in one was fetched in the other, and told");
}

#[test]
fn a_late_tab_catches_up_without_a_fetch() {
    let lab = Lab::new();
    let first = lab.open("ada");
    let _viewer = first.watch(number(1));
    lab.millis(&[&first], 1_100);
    first.client.set_data(&number(2), 20);
    first.client.invalidate(&number(3));
    lab.millis(&[&first], 60_000);

    let late = lab.open("ada");
    let tabs = [&first, &late];
    let viewers = [1, 2, 3].map(|id| late.watch(number(id)));
    lab.millis(&tabs, 3);
    assert_eq!(seen(&viewers), ["1", "20", "pending"]);
    lab.millis(&tabs, 100);
    assert_eq!(late.server.asked_for(), [3], "what nobody has");
    let age = late.client.now().since(viewers[0].observer.details().updated_at.unwrap());
    assert!(age.as_secs() >= 60, "with its own time: {age:?}");
    // What is stale there is shown, and fetched.
    lab.millis(&tabs, 300_000);
    let later = lab.open("ada");
    let tabs = [&first, &late, &later];
    let viewer = later.watch(number(2));
    lab.millis(&tabs, 10);
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("20".to_owned(), true));
    lab.millis(&tabs, 1_100);
    assert_eq!((later.server.requests(), shows(&viewer)), (1, "1".to_owned()));
}

#[test]
fn the_end_of_a_scope_is_the_end_in_all_tabs_of_that_scope_and_in_no_other() {
    let lab = Lab::new();
    let [first, second, grace, nobody] = ["ada", "ada", "grace", ""].map(|name| lab.open(name));
    let tabs = [&first, &second, &grace, &nobody];
    for tab in tabs {
        tab.client.set_data(&number(1), 10);
    }
    lab.millis(&tabs, 10);
    first.client.end_scope();
    lab.millis(&tabs, 10);
    assert_eq!(tabs.map(|tab| tab.client.query_count()), [0, 0, 1, 1]);
    assert_eq!(second.client.scope_name(), None);
    assert_eq!(lab.said().iter().filter(|said| *said == "Ended").count(), 1, "it is not told on");
    // And nobody can be reached from it.
    first.client.set_data(&number(1), 11);
    lab.millis(&tabs, 10);
    assert_eq!(second.client.query_count(), 0);
}

#[test]
fn a_tab_of_another_build_or_scope_is_neither_heard_nor_waited_for() {
    let lab = Lab::new();
    let [ada, old, grace] = [lab.open("ada"), lab.open_build("ada", "build 0"), lab.open("grace")];
    let tabs = [&ada, &old, &grace];
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 1_200);
    assert_eq!(tabs.map(|tab| tab.server.requests()), [1, 1, 1], "each for itself");
    ada.client.set_data(&number(1), 70);
    ada.client.invalidate_then(&number(1), Then::Nothing);
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["70", "1", "1"]);
    assert!(!viewers[1].observer.details().invalidated);
    ada.client.end_scope();
    lab.millis(&tabs, 10);
    assert_eq!(tabs.map(|tab| tab.client.scope_name().is_some()), [false, true, true]);
    // Once Grace has left and Ada come in her place, she is.
    ada.client.name_scope(ScopeName::new("grace"));
    lab.millis(&tabs, 1_200);
    assert_eq!(shows(&viewers[0]), "2", "fetched when she had no name");
    grace.client.set_data(&number(1), 71);
    lab.millis(&tabs, 10);
    assert_eq!((shows(&viewers[0]), shows(&viewers[1])), ("71".to_owned(), "1".to_owned()));
}

#[test]
fn without_a_name_only_what_is_public_is_shared_and_what_is_confidential_never_is() {
    let public = |id| Number(id, |defaults| defaults.dehydrated().stale_after(minutes(5)).public(true));
    let lab = Lab::new();
    let [first, second] = [lab.open(""), lab.open("")];
    let tabs = [&first, &second];
    first.client.keep_confidential(query_key!["number", 3]);
    let viewers = tabs.map(|tab| [tab.watch(number(1)), tab.watch(public(2)), tab.watch(public(3))]);
    lab.millis(&tabs, 1_500);
    let mut asked = tabs.map(|tab| tab.server.asked_for()).concat();
    asked.sort_unstable();
    assert_eq!(asked, [1, 1, 2, 3, 3]);
    assert!(viewers.iter().flatten().all(|viewer| viewer.observer.state().data().is_some()));
}

#[test]
fn what_is_no_message_does_no_harm() {
    let lab = Lab::new();
    let tab = lab.open("ada");
    tab.client.set_data(&number(1), 10);
    lab.millis(&[&tab], 10);
    let data = lab.last().replace(r#""tab":"#, r#""tab":1"#);
    for message in [
        "",
        "nonsense",
        "{}",
        &data.replace(r#""version":1"#, r#""version":2"#),
        &data.replace(r#""data":10"#, r#""data":"text""#),
        &data.replace(r#""says":"#, r#""says":7,"was":"#),
        &data.replace(r#"["number",1]"#, "7"),
        r#"{"from":{"version":1}}"#,
    ] {
        lab.says(message);
    }
    lab.millis(&[&tab], 10);
    assert_eq!(tab.client.get_data(&number(1)).as_deref(), Some(&10));
}

#[test]
fn a_held_tab_hears_and_shows_nothing_until_it_is_restored() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = watch(&tabs, number);
    lab.millis(&tabs, 1_100);
    second.client.hold_scope();
    first.client.set_data(&number(1), 70);
    lab.millis(&tabs, 10);
    assert_eq!(seen(&viewers), ["70", "pending"]);
    second.client.restore_scope();
    assert_eq!(seen(&viewers), ["70", "70"]);
    assert_eq!(requests(&tabs), 1);
}
