//! Calls of mutations outlive the page: each is on the storage until it is over, and is made again by one page only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::disk::{Broken, Disk, Page, page, page_with};
use common::lab::{Lab, Tab};
use common::posting::{Keys, LINED, POST, Post};
use common::{MISSING, Stage};
use query_cache::{MutationFilter, Persist, Query, ScopeName, StorageFault, mutation, seconds};

/// Lets calls be made, and kept.
fn posts(stage: &Stage, post: Post) -> Keys {
    let (_, keys) = stage.posts();
    stage.client.register_mutation(post);
    stage.world.run();
    keys
}

/// What was sent, with its key.
fn sent(keys: &[&Keys]) -> Vec<(u32, String)> {
    keys.iter().flat_map(|keys| keys.0.take()).collect()
}

fn numbers(sent: &[(u32, String)]) -> Vec<u32> {
    sent.iter().map(|(number, _)| *number).collect()
}

/// Closes the page: nothing of it goes on.
fn close(page: Page) {
    drop(page);
}

#[test]
fn what_waited_offline_when_the_page_was_closed_is_sent_once_by_the_next_in_order() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    let keys = posts(&first, LINED);
    first.client.set_online(false);
    for number in [10, 20, 11] {
        first.post(LINED, number);
        first.millis(1);
    }
    assert_eq!((disk.calls(), disk.entries()), (3, 0));
    let saved = first.client.unfinished_mutations().saved;
    close(first);

    // Offline still: they wait, and are still there, once.
    let second = page(&disk, "ada", 10);
    second.client.set_online(false);
    let after = posts(&second, LINED);
    second.seconds(5);
    assert_eq!((second.pending_posts(), second.server.requests(), disk.calls()), (3, 0, 3));
    second.post(LINED, 12);
    second.millis(1);
    close(second);

    let third = page(&disk, "ada", 20);
    let last = posts(&third, LINED);
    third.seconds(10);
    let sent = sent(&[&keys, &after, &last]);
    assert_eq!(numbers(&sent), [10, 20, 11, 12], "each once, each line in order");
    for (saved, (_, key)) in saved.iter().zip(&sent) {
        assert_eq!(saved.idempotency_key.as_str(), key);
    }
    assert_eq!((disk.calls(), third.pending_posts()), (0, 0), "{:?}", disk.names());
    close(third);
    let fourth = page(&disk, "ada", 30);
    let none = posts(&fourth, LINED);
    fourth.seconds(10);
    assert_eq!(none.0.take(), []);
}

#[test]
fn what_was_being_sent_is_sent_again_under_the_same_key_and_what_was_answered_is_not() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    let keys = posts(&first, POST);
    first.post(POST, 1);
    first.seconds(2);
    first.server.say([Err(MISSING)]);
    first.post(POST, 2);
    first.seconds(2);
    assert_eq!(disk.calls(), 0, "one succeeded, one failed for good: {:?}", disk.names());
    first.post(POST, 3);
    first.millis(500);
    close(first);
    let second = page(&disk, "ada", 10);
    let after = posts(&second, POST);
    second.seconds(2);
    let before = keys.0.take();
    assert_eq!((numbers(&before), after.0.take()), (vec![1, 2, 3], vec![before[2].clone()]));
}

#[test]
fn calls_are_made_again_whichever_of_name_storage_and_mutation_comes_last() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    posts(&first, POST);
    first.client.set_online(false);
    first.post(POST, 1);
    first.millis(1);
    close(first);
    type Step = fn(&Stage, &Disk);
    let steps: [Step; 3] = [
        |stage, _| stage.client.name_scope(ScopeName::new("ada")),
        |stage, disk| stage.client.persist(Persist::new(disk.clone(), "build 1")),
        |stage, _| stage.client.register_mutation(POST),
    ];
    for (seed, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].iter().enumerate()
    {
        let stage = common::stage_with_seed(100 + seed as u64);
        let (_, keys) = stage.posts();
        stage.client.set_online(false);
        for step in order {
            steps[*step](&stage, &disk);
            stage.seconds(1);
            assert_eq!(disk.calls(), 1, "{order:?}");
        }
        assert_eq!(stage.pending_posts(), 1, "{order:?}");
        if seed == 5 {
            stage.client.set_online(true);
            stage.seconds(2);
            assert_eq!((keys.0.take().len(), disk.calls()), (1, 0));
        }
    }
}

#[test]
fn calls_made_before_there_is_a_name_or_a_storage_are_kept_when_there_is() {
    let disk = Disk::default();
    let first = page(&disk, "", 0);
    posts(&first, POST);
    first.client.set_online(false);
    first.post(POST, 1);
    first.seconds(1);
    assert_eq!(disk.calls(), 0, "nobody's");
    first.client.name_scope(ScopeName::new("ada"));
    first.seconds(1);
    assert_eq!(disk.calls(), 1);
    first.client.name_scope(ScopeName::new("ada of acme"));
    first.seconds(1);
    let names = disk.names();
    assert!(matches!(&names[..], [name] if name.contains("of:ada of acme")), "{names:?}");

    let late = common::stage_with_seed(99);
    late.client.name_scope(ScopeName::new("grace"));
    posts(&late, POST);
    late.client.set_online(false);
    late.post(POST, 1);
    late.seconds(1);
    late.client.persist(Persist::new(disk.clone(), "build 1"));
    late.seconds(1);
    assert_eq!(disk.calls(), 2);
}

#[test]
fn the_end_of_the_scope_takes_them_from_the_storage_and_nobody_else_gets_them() {
    for under_way in [false, true] {
        let disk = Disk::default();
        let first = page(&disk, "ada", 0);
        posts(&first, POST);
        first.client.set_online(false);
        first.post(POST, 1);
        first.millis(1);
        let other = page(&disk, "grace", 10);
        let keys = posts(&other, POST);
        other.seconds(5);
        assert_eq!((keys.0.take(), disk.calls()), (vec![], 1));
        if under_way {
            disk.slow(&first, seconds(1));
            first.post(POST, 2);
            first.millis(1);
        }
        first.client.end_scope();
        if !under_way {
            assert_eq!(disk.calls(), 0, "in the call");
        }
        first.seconds(10);
        assert_eq!(disk.calls(), 0, "{:?}", disk.names());
        let again = page(&disk, "ada", 20);
        let keys = posts(&again, POST);
        again.seconds(5);
        assert_eq!(keys.0.take(), []);
    }
}

#[test]
fn what_cannot_be_read_is_too_old_or_nobody_knows_is_not_made() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    posts(&first, POST);
    let other = || mutation("other", async |_: &String, _| Ok::<_, String>(()));
    first.client.register_mutation(other());
    first.client.set_online(false);
    first.post(POST, 1);
    first.client.mutate(other(), "hello".to_owned()).detach();
    first.client.mutate(mutation("unregistered", async |_: &u32, _| Ok::<_, String>(())), 2).detach();
    first.millis(1);
    assert_eq!(disk.calls(), 2);
    close(first);
    disk.change(|records| {
        for (name, text) in records.iter_mut() {
            if name.contains("/c/") {
                *text = text.replace("\"hello\"", "[]");
            }
        }
        let odd = records.keys().find(|name| name.contains("/c/")).unwrap().clone();
        records.insert(format!("{odd}0"), "not JSON".to_owned());
        records.insert(format!("{odd}1"), "[1,{\"name\":\"post\"}]".to_owned());
    });
    // Nobody knows any: they are left as they are.
    let second = page(&disk, "ada", 10);
    second.client.set_online(false);
    second.seconds(5);
    assert_eq!(disk.calls(), 4);
    // One is known. What nobody knows yet stays.
    posts(&second, POST);
    second.seconds(5);
    assert_eq!((second.pending_posts(), disk.calls()), (1, 2), "{:?}", disk.names());
    second.client.register_mutation(other());
    second.seconds(5);
    close(second);
    let third = page_with(&disk, "ada", 100, |how| how.max_age(seconds(60)));
    let keys = posts(&third, POST);
    third.client.register_mutation(other());
    third.seconds(5);
    assert_eq!((keys.0.take(), third.pending_posts(), disk.calls()), (vec![], 0, 0));
}

#[test]
fn another_build_makes_them_if_it_can_read_them() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    posts(&first, POST);
    first.client.set_online(false);
    first.post(POST, 1);
    first.millis(1);
    assert!(disk.names()[0].contains("build 1"));
    close(first);
    let next = common::stage_with_seed(5);
    next.client.name_scope(ScopeName::new("ada"));
    next.client.persist(Persist::new(disk.clone(), "build 2"));
    let keys = posts(&next, POST);
    next.seconds(5);
    assert_eq!((numbers(&keys.0.take()), disk.calls()), (vec![1], 0));
}

/// Opens a tab on the disk.
fn tab(lab: &Lab, disk: &Disk) -> (Tab, Keys) {
    let tab = lab.open("ada");
    tab.client.persist(Persist::new(disk.clone(), "build 1"));
    let keys = posts(&tab, POST);
    (tab, keys)
}

#[test]
fn what_an_open_tab_has_yet_to_send_is_left_to_it_and_when_it_is_closed_one_of_the_others_does() {
    let (lab, disk) = (Lab::new(), Disk::default());
    let (first, keys) = tab(&lab, &disk);
    first.client.set_online(false);
    first.post(POST, 1);
    first.post(POST, 2);
    lab.millis(&[&first], 10);
    let (second, second_keys) = tab(&lab, &disk);
    let (third, third_keys) = tab(&lab, &disk);
    lab.millis(&[&first, &second, &third], 2_000);
    assert_eq!(sent(&[&keys, &second_keys, &third_keys]), []);
    // It sends one itself, and is closed before the other.
    first.client.cancel_mutations(
        MutationFilter::all().matching(|info| info.variables::<u32>().is_some_and(|number| *number == 2)),
    );
    first.post(POST, 3);
    first.post(POST, 4);
    lab.millis(&[&first, &second, &third], 10);
    assert_eq!(disk.calls(), 3);
    // Until it is written whose they are now, nobody else takes them.
    disk.slow(&second, Duration::from_millis(5));
    first.close();
    lab.millis(&[&second, &third], 3_000);
    let mut made = sent(&[&second_keys, &third_keys]);
    made.sort();
    assert_eq!((numbers(&made), disk.calls()), (vec![1, 3, 4], 0));
    // One after the other, each takes its own calls with it.
    second.post(POST, 5);
    third.post(POST, 6);
    lab.millis(&[&second, &third], 3_000);
    assert_eq!((sent(&[&second_keys]).len(), sent(&[&third_keys]).len(), disk.calls()), (1, 1, 0));
}

#[test]
fn a_tab_that_has_nothing_to_send_holds_no_lock_and_one_that_has_again_holds_it_again() {
    let (lab, disk) = (Lab::new(), Disk::default());
    let (first, keys) = tab(&lab, &disk);
    for number in 1..4 {
        first.post(POST, number);
        lab.millis(&[&first], 100);
        assert_eq!(lab.locks_held("/calls/"), 1);
        lab.millis(&[&first], 2_000);
        assert_eq!(lab.locks_held("/calls/"), 0, "after {number}");
    }
    assert_eq!(numbers(&keys.0.take()), [1, 2, 3]);
    first.client.set_online(false);
    first.post(POST, 4);
    lab.millis(&[&first], 10);
    first.client.end_scope();
    lab.millis(&[&first], 10);
    assert_eq!(lab.locks_held("/calls/"), 0);
}

#[test]
fn a_bad_storage_does_not_keep_a_call_from_being_made() {
    for broken in [Broken::List, Broken::Write, Broken::All] {
        let disk = Disk::default();
        disk.breaks(broken);
        let first = page(&disk, "ada", 0);
        let keys = posts(&first, POST);
        first.post(POST, 1);
        first.seconds(2);
        assert_eq!((numbers(&keys.0.take()), disk.calls()), (vec![1], 0));
        assert!(matches!(&first.faults.take()[..], [StorageFault::Broken(_)]));
    }
    // Where there is no room, what can be fetched again makes some.
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    posts(&first, POST);
    let stored = |id| common::Number(id, |defaults| defaults.dehydrated());
    for id in 0..20 {
        first.client.set_data(&stored(id), id);
    }
    first.world.run();
    disk.holds(disk.bytes());
    first.client.set_online(false);
    first.post(POST, 1);
    first.millis(1);
    assert_eq!((disk.calls(), disk.entries()), (1, 10));
}

#[test]
fn a_call_is_kept_though_what_came_with_it_does_not_fit() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    posts(&first, POST);
    disk.holds(1_000);
    first.client.set_online(false);
    first.post(POST, 1);
    let big = query_cache::query(query_cache::query_key!["big"], async |_| Ok::<_, String>(String::new()))
        .with_options(|options| options.dehydrated());
    first.client.set_data(&big, "x".repeat(2_000));
    first.millis(1);
    assert_eq!((disk.calls(), disk.entries()), (1, 0));
    assert_eq!(first.faults.take(), [StorageFault::Full]);
    close(first);
    let second = page(&disk, "ada", 10);
    let keys = posts(&second, POST);
    second.seconds(5);
    assert_eq!(numbers(&keys.0.take()), [1]);
}
