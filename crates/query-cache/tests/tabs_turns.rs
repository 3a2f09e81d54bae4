//! Several tabs, one of which fetches: what the others wait for, and for how long.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::lab::{Lab, requests};
use common::travels::{number, public};
use common::{Number, shows};
use query_cache::minutes;

#[test]
fn a_tab_that_is_frozen_or_never_answered_is_not_waited_for_for_ever() {
    let lab = Lab::new();
    let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
    let all = [&first, &second, &third];
    lab.millis(&all, 10);
    first.server.set_latency(minutes(60));
    let held = first.watch(number(1));
    lab.millis(&all, 60);
    assert_eq!(first.server.requests(), 1);
    // From here on it is frozen, with its lock.
    let tabs = [&second, &third];
    let viewers = tabs.map(|tab| tab.watch(number(1)));
    lab.millis(&tabs, 9_900);
    assert_eq!(tabs.map(|tab| tab.server.requests()), [0, 0], "it may be slow");
    lab.millis(&tabs, 1_500);
    assert_eq!(viewers.each_ref().map(shows), ["1", "1"]);
    // Nor does the next fetch wait for it.
    viewers[0].observer.refetch();
    assert_eq!(second.server.requests(), 2, "in the call");
    lab.millis(&tabs, 1_100);
    assert_eq!(viewers.each_ref().map(shows), ["2", "2"]);
    // Once it is gone, the others take turns again.
    drop(held);
    first.close();
    let tabs = [&second, &third];
    lab.millis(&tabs, 10);
    let before = second.server.requests() + third.server.requests();
    viewers.iter().for_each(|viewer| viewer.observer.refetch());
    lab.millis(&tabs, 2_000);
    assert_eq!(second.server.requests() + third.server.requests(), before + 1);
}

#[test]
fn what_waits_for_its_turn_when_sharing_begins_anew_goes_on_waiting() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    lab.millis(&tabs, 10);
    let viewers = tabs.map(|tab| tab.watch(number(1)));
    lab.millis(&tabs, 100);
    tabs.iter().for_each(|tab| lab.share(tab));
    lab.millis(&tabs, 2_500);
    assert_eq!(viewers.each_ref().map(shows), ["1", "1"]);
    assert!(!viewers.iter().any(|viewer| viewer.observer.is_fetching()));
}

#[test]
fn a_tab_of_another_scope_is_not_waited_for_in_what_is_public_either() {
    let lab = Lab::new();
    let tabs = [lab.open("ada"), lab.open("grace"), lab.open("")];
    let tabs = tabs.each_ref();
    lab.millis(&tabs, 10);
    let viewers = tabs.map(|tab| tab.watch(public(1)));
    lab.millis(&tabs, 1_100);
    assert_eq!(viewers.each_ref().map(shows), ["1", "1", "1"]);
}

#[test]
fn the_lock_of_what_is_public_is_let_go_when_the_scope_ends_as_the_answer_arrives() {
    let lab = Lab::new();
    let [first, second] = [lab.open(""), lab.open("")];
    let tabs = [&first, &second];
    // The scope ends in the turn in which the answer arrives, before other tabs are told of it.
    let client = first.client.clone();
    let _ends = first.client.listen(move |event| {
        if matches!(event.happening, query_cache::Happening::Fetched { .. }) {
            client.end_scope();
        }
    });
    lab.share(&first); // Listens after the one above.
    lab.millis(&tabs, 10);
    let first_sees = first.watch(public(1));
    lab.millis(&tabs, 60);
    let second_sees = second.watch(public(1));
    lab.millis(&tabs, 1_100);
    assert_eq!((shows(&first_sees), shows(&second_sees)), ("1".to_owned(), "1".to_owned()));
    assert_eq!((first.server.requests(), second.server.requests()), (1, 0));
    second_sees.observer.refetch();
    lab.millis(&tabs, 1_100);
    assert_eq!(second.server.requests(), 1, "its turn");
}

#[test]
fn whoever_was_offline_when_its_turn_came_waits_for_it_anew() {
    let stale = |id| Number(id, |defaults| defaults.dehydrated());
    let lab = Lab::new();
    let first = lab.open("ada");
    first.client.set_data(&stale(1), 10);
    let [second, third] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second, &third];
    lab.millis(&tabs, 10);
    lab.set_latency(20);
    let viewers = [second.watch(stale(1)), third.watch(stale(1))];
    lab.millis(&tabs, 5);
    // The others hear what the first has while they cannot send.
    tabs.iter().for_each(|tab| tab.client.set_online(false));
    lab.millis(&tabs, 500);
    assert_eq!(viewers.each_ref().map(shows), ["10", "10"]);
    tabs.iter().for_each(|tab| tab.client.set_online(true));
    lab.millis(&tabs, 1_500);
    assert_eq!(second.server.requests() + third.server.requests(), 1);
    assert_eq!(viewers.each_ref().map(shows), ["1", "1"]);
}

#[test]
fn what_is_reset_or_removed_is_fetched_and_not_taken_from_another_tab() {
    type Act = fn(&query_cache::QueryClient);
    let acts: [Act; 3] =
        [|client| client.reset(&number(1)), |client| client.remove(&number(1)), |client| client.clear()];
    for act in acts {
        let lab = Lab::new();
        let [first, second] = [lab.open("ada"), lab.open("ada")];
        let tabs = [&first, &second];
        let viewers = tabs.map(|tab| tab.watch(number(1)));
        lab.millis(&tabs, 1_200);
        second.server.say([Ok(70)]);
        act(&second.client);
        lab.millis(&tabs, 100);
        assert_eq!(shows(&viewers[1]), "pending");
        lab.millis(&tabs, 1_100);
        assert_eq!(viewers.each_ref().map(shows), ["70", "70"]);
    }
}

#[test]
fn a_tab_that_may_have_missed_something_asks_again_for_what_it_shares_and_for_nothing_else() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    lab.millis(&tabs, 10);
    let mine = Number(9, |defaults| defaults.stale_after(minutes(5)));
    let viewers = [first.watch(number(1)), second.watch(number(1))];
    let own = first.watch(mine);
    lab.millis(&tabs, 1_100);
    assert_eq!(first.server.requests() + second.server.requests(), 2);
    first.frozen(|| {
        second.client.set_data(&number(1), 70);
        lab.millis(&tabs, 100);
        assert_eq!(viewers.each_ref().map(shows), ["2", "70"]);
    });
    first.server.say([Ok(71)]);
    lab.millis(&tabs, 1_200);
    assert_eq!(first.server.requests() + second.server.requests(), 3, "for both, and not of what is its own");
    assert_eq!(viewers.each_ref().map(shows), ["71", "71"]);
    assert_eq!(shows(&own), "1");
}

#[test]
fn an_old_answer_to_the_question_of_another_does_not_end_the_wait_for_a_better_one() {
    let lab = Lab::new();
    let [first, second, third] = [lab.open("ada"), lab.open("ada"), lab.open("ada")];
    let hello = lab.said_in_full().into_iter().find(|said| said.contains("Hello")).unwrap();
    let tabs = [&first, &second, &third];
    lab.millis(&tabs, 10);
    let viewers = tabs.map(|tab| tab.watch(number(1)));
    third.server.say([Ok(2)]);
    lab.millis(&tabs, 1_100);
    let before = requests(&tabs);
    // An answer of before the invalidation, which is on its way until the lock is free and the news are behind it.
    let wanted = hello.replace(r#""Hello""#, r#"{"Wanted":{"key":["number",1],"question":1}}"#);
    lab.says(&wanted.replace(r#""tab":"#, r#""tab":1"#));
    lab.millis(&tabs, 5);
    let old = lab.last();
    third.client.invalidate(&number(1));
    lab.millis(&tabs, 990);
    lab.set_latency(20);
    lab.millis(&tabs, 15);
    assert!(old.contains(r#""Data""#), "{old}");
    lab.says(&old);
    lab.millis(&tabs, 1_500);
    assert_eq!(requests(&tabs) - before, 1, "one for all");
    assert_eq!(viewers.each_ref().map(shows), ["2", "2", "2"]);
}
