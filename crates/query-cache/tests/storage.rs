//! The cache on storage: what is written, what is purged, what is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::disk::{Disk, finds, page, page_with, store};
use common::travels::{number, public};
use common::{Number, shows, stage};
use query_cache::{QueryFilter, ScopeName, minutes, query, query_key, seconds};

#[test]
fn one_dirty_entry_is_one_small_write_however_many_others_there_are() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    for id in 0..1_000 {
        first.client.set_data(&number(id), id);
    }
    first.world.run();
    let writes: Vec<_> = disk.asked().into_iter().filter(|asked| asked.starts_with("write")).collect();
    assert_eq!((writes, disk.entries()), (vec!["write 2000".to_owned()], 1_000), "all of a turn at once");
    store(&first, 7, 70);
    first.client.update(&number(7), |held| Some(held? + 1));
    first.client.update(&number(7), |held| Some(held? + 1));
    first.world.run();
    assert_eq!(disk.asked(), ["write 2", "write 2"]);
    assert_eq!(finds(&page(&disk, "ada", 10), 7), Some(72));
}

#[test]
fn what_changes_during_a_write_is_written_after_it() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    disk.slow(&first, seconds(2));
    store(&first, 1, 10);
    first.millis(1);
    for data in 11..20 {
        store(&first, 1, data);
    }
    first.seconds(10);
    let writes = disk.asked().iter().filter(|asked| asked.starts_with("write")).count();
    assert_eq!(writes, 2, "not one for each");
    assert_eq!(finds(&page(&disk, "ada", 20), 1), Some(19));
}

#[test]
fn nothing_is_found_under_another_name_or_build_and_public_data_is_under_any() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    store(&first, 1, 10);
    first.client.set_data(&public(9), 90);
    first.world.run();
    assert_eq!(finds(&page(&disk, "ada", 1), 1), Some(10));
    for name in ["grace", "ad", "ada/", "ada%2F", "of:ada", "public", ""] {
        let other = page(&disk, name, 1);
        assert_eq!(finds(&other, 1), None, "{name}");
        assert_eq!(shows(&other.watch(public(9))), "90", "{name}");
    }
    let other = stage();
    other.client.name_scope(ScopeName::new("ada"));
    other.client.persist(query_cache::Persist::new(disk.clone(), "build 2"));
    assert_eq!(shows(&other.watch(number(1))), "pending");
    assert_eq!(shows(&other.watch(public(9))), "pending");
    assert_eq!(disk.entries(), 2, "two builds side by side");
}

#[test]
fn without_a_name_nothing_of_anybodys_is_stored_and_with_one_all_that_is_there() {
    let disk = Disk::default();
    let first = page(&disk, "", 0);
    store(&first, 1, 10);
    first.client.set_data(&public(9), 90);
    first.world.run();
    assert_eq!(disk.entries(), 1, "{:?}", disk.names());
    first.client.name_scope(ScopeName::new("ada"));
    first.world.run();
    assert_eq!(disk.entries(), 2);
    // What is confidential is not.
    first.client.keep_confidential(query_key!["number", 3]);
    store(&first, 3, 30);
    assert_eq!(disk.entries(), 2);
}

#[test]
fn the_end_of_a_scope_purges_in_the_same_call_for_all_builds_and_nobody_else() {
    let disk = Disk::default();
    let grace = page(&disk, "grace", 0);
    store(&grace, 1, 11);
    let other_build = stage();
    other_build.client.name_scope(ScopeName::new("ada"));
    other_build.client.persist(query_cache::Persist::new(disk.clone(), "build 2"));
    other_build.client.set_data(&number(1), 12);
    other_build.world.run();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    ada.client.set_data(&public(9), 90);
    ada.world.run();
    assert_eq!(disk.entries(), 4);

    ada.client.set_data(&number(2), 20);
    ada.client.end_scope();
    let names = disk.names();
    assert!(!names.iter().any(|name| name.contains("of:ada")), "in the call: {names:?}");
    assert_eq!(disk.entries(), 2);
    ada.seconds(10);
    assert_eq!(disk.entries(), 2, "what was to be written is not");
    assert_eq!(ada.client.get_data(&public(9)).as_deref(), Some(&90));
    assert_eq!(finds(&page(&disk, "grace", 1), 1), Some(11));
}

#[test]
fn a_write_that_is_slower_than_the_purge_leaves_nothing() {
    for purged_after in [0, 1, 500, 1_000, 1_500, 2_000, 2_500] {
        let disk = Disk::default();
        let ada = page(&disk, "ada", 0);
        disk.slow(&ada, seconds(2));
        store(&ada, 1, 10);
        ada.millis(purged_after);
        // Even where the storage does not keep the order.
        disk.slow(&ada, seconds(1));
        ada.client.end_scope();
        ada.seconds(10);
        assert_eq!(disk.names(), Vec::<String>::new(), "after {purged_after} ms");
    }
}

#[test]
fn a_look_that_is_under_way_when_the_scope_ends_shows_nothing() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let ada = page(&disk, "ada", 1);
    disk.slow(&ada, Duration::from_millis(100));
    let viewer = ada.watch(number(1));
    ada.millis(50);
    ada.client.end_scope();
    ada.client.name_scope(ScopeName::new("grace"));
    ada.seconds(5);
    assert_eq!((shows(&viewer), ada.server.requests()), ("1".to_owned(), 1), "fetched, for Grace");
}

#[test]
fn a_held_scope_neither_looks_nor_writes() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let ada = page(&disk, "ada", 1);
    ada.client.hold_scope();
    disk.asked();
    let viewer = ada.watch(number(1));
    ada.client.set_data(&number(2), 20);
    ada.seconds(5);
    assert_eq!((disk.entries(), ada.server.requests()), (1, 0));
    assert!(!disk.asked().iter().any(|asked| asked.starts_with("get")));
    ada.client.restore_scope();
    ada.world.run();
    assert_eq!((disk.entries(), ada.server.requests(), shows(&viewer)), (2, 0, "10".to_owned()));
}

#[test]
fn what_is_too_old_is_neither_shown_nor_kept() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    store(&first, 1, 10);
    first.seconds(60);
    store(&first, 2, 20);
    let later = page_with(&disk, "ada", 130, |how| how.max_age(seconds(100)));
    later.world.run();
    assert_eq!(disk.entries(), 1);
    assert_eq!((finds(&later, 1), finds(&later, 2)), (None, Some(20)));
    // Nor what grows too old meanwhile.
    let open = page_with(&disk, "ada", 130, |how| how.max_age(seconds(100)));
    open.seconds(60);
    assert_eq!(finds(&open, 2), None);
}

#[test]
fn when_the_budget_is_used_up_the_oldest_go_first() {
    let disk = Disk::default();
    let most = 10 * 150;
    let first = page_with(&disk, "ada", 0, |how| how.budget(most));
    for id in 0..100 {
        first.millis(1);
        store(&first, id, id);
    }
    assert!(disk.bytes() <= most && disk.entries() > 5, "{} in {}", disk.entries(), disk.bytes());
    let kept = disk.entries();
    let second = page(&disk, "ada", 1);
    let found: Vec<_> = (0..100).filter_map(|id| finds(&second, id)).collect();
    assert_eq!(found, (100 - u32::try_from(kept).unwrap()..100).collect::<Vec<_>>());
    // What is larger than all is not stored, and pushes nothing out.
    let long = query(query_key!["long"], async |_| Ok::<_, String>(String::new()));
    let long = query_cache::Query::with_options(long, |options| options.dehydrated());
    let third = page_with(&disk, "ada", 2, |how| how.budget(most));
    third.client.set_data(&long, "x".repeat(most));
    third.world.run();
    assert_eq!(disk.entries(), kept);
}

#[test]
fn what_is_invalidated_or_removed_is_so_on_the_storage_too_in_the_cache_or_not() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    for id in 1..=6 {
        store(&first, id, id);
    }
    let second = page(&disk, "ada", 1);
    second.client.invalidate(&number(1));
    second.client.invalidate(QueryFilter::prefix(query_key!["number", 2]));
    second.client.remove(QueryFilter::exact(query_key!["number", 3]));
    second.client.invalidate(QueryFilter::of::<Number>().active());
    assert_eq!(finds(&second, 6), Some(6));
    second.client.reset(&number(6));
    second.world.run();
    for page in [&second, &page(&disk, "ada", 2)] {
        let viewers = [1, 2, 3, 4, 6].map(|id| page.watch(number(id)));
        let seen = viewers.each_ref().map(|viewer| (shows(viewer), viewer.observer.is_fetching()));
        let expected = [("1", true), ("2", true), ("pending", true), ("4", false), ("pending", true)];
        assert_eq!(seen, expected.map(|(shown, fetching)| (shown.to_owned(), fetching)));
        page.client.cancel(QueryFilter::all());
    }
    // Said before the index is there.
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let hasty = stage();
    hasty.client.name_scope(ScopeName::new("ada"));
    disk.slow(&hasty, Duration::from_millis(50));
    hasty.client.persist(query_cache::Persist::new(disk.clone(), "build 1"));
    hasty.client.remove(QueryFilter::all());
    let viewer = hasty.watch(number(1));
    hasty.millis(200);
    assert_eq!((shows(&viewer), hasty.server.requests()), ("pending".to_owned(), 1));
}

#[test]
fn what_is_forgotten_in_time_stays_stored() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    ada.world.advance(minutes(6));
    assert_eq!(ada.client.query_count(), 0);
    let viewer = ada.watch(number(1));
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("10".to_owned(), true), "stale by now");
}

#[test]
fn a_reset_begins_anew_and_a_refetch_does_not_wait_for_the_storage() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let ada = page(&disk, "ada", 1);
    let viewer = ada.watch(number(1));
    assert_eq!(shows(&viewer), "10");
    ada.client.reset(&number(1));
    ada.world.run();
    assert_eq!((shows(&viewer), ada.server.requests()), ("pending".to_owned(), 1));

    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let ada = page(&disk, "ada", 1);
    disk.slow(&ada, Duration::from_millis(100));
    let viewer = ada.watch(number(1));
    viewer.observer.refetch();
    assert_eq!(ada.server.requests(), 1);
    ada.millis(200);
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("10".to_owned(), true));
    ada.seconds(1);
    assert_eq!((shows(&viewer), ada.server.requests()), ("1".to_owned(), 1));
}

#[test]
fn who_leaves_while_it_is_looked_for_leaves_nothing_behind() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let ada = page(&disk, "ada", 1);
    disk.slow(&ada, Duration::from_millis(100));
    drop(ada.watch(number(1)));
    ada.seconds(10);
    assert_eq!((ada.server.requests(), ada.world.task_count()), (0, 0));
    let prefetched = page(&disk, "ada", 2);
    prefetched.client.prefetch(number(1));
    prefetched.seconds(1);
    assert_eq!(prefetched.client.get_data(&number(1)).as_deref(), Some(&10));
    assert_eq!(prefetched.server.requests(), 0);
}

#[test]
fn what_does_not_decode_is_removed_told_and_fetched() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    store(&page(&disk, "ada", 0), 2, 20);
    disk.change(|records| {
        for (name, text) in records.iter_mut() {
            if name.contains("/d/") && name.ends_with(r#"["number",1]"#) {
                *text = "nonsense".to_owned();
            }
            if name.contains("/m/") && name.ends_with(r#"["number",2]"#) {
                *text = "nonsense".to_owned();
            }
        }
    });
    let ada = page(&disk, "ada", 1);
    let log = ada.log();
    let viewers = [1, 2].map(|id| ada.watch(number(id)));
    ada.world.run();
    assert_eq!(log.take().iter().filter(|line| line.contains("NotDecoded")).count(), 1);
    assert_eq!(disk.names(), Vec::<String>::new());
    ada.seconds(1);
    assert_eq!(viewers.each_ref().map(shows), ["1", "2"]);
    assert_eq!((disk.entries(), ada.faults.take()), (2, vec![]));
}

#[test]
fn without_storage_and_with_a_second_one_all_is_as_it_should_be() {
    let (old, new) = (Disk::default(), Disk::default());
    let ada = page(&old, "ada", 0);
    ada.client.persist(query_cache::Persist::new(new.clone(), "build 1").app("other/app"));
    store(&ada, 1, 10);
    assert_eq!((old.entries(), new.entries()), (0, 1));
    assert!(new.names()[0].starts_with("other%2Fapp/d/of:ada/build 1/"), "{:?}", new.names());
}

#[test]
fn what_a_patch_leaves_when_it_is_committed_is_stored() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    let layer = ada.client.patch(&number(1), |_| 70);
    ada.world.run();
    assert_eq!(finds(&page(&disk, "ada", 1), 1), Some(10), "nobody has confirmed it");
    layer.commit();
    ada.world.run();
    assert_eq!(finds(&page(&disk, "ada", 1), 1), Some(70));
}
