//! The cache on storage, where things cross: no room, not there yet, gone already, filters, patches, a second storage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::disk::{Disk, page, page_with, store};
use common::travels::number;
use common::{shows, stage};
use query_cache::{Persist, Query, QueryFilter, ScopeName, Then, minutes, query, query_key, seconds};

/// What is stored of these numbers: the data, and whether it is out of date.
fn stored(disk: &Disk, ids: &[u32]) -> Vec<Option<(u32, bool)>> {
    let page = page(disk, "ada", 1);
    let found = |id: &u32| {
        let viewer = page.watch(number(*id));
        page.millis(100);
        let found =
            viewer.observer.state().data().map(|data| (**data, viewer.observer.details().invalidated));
        page.client.cancel(&number(*id));
        found
    };
    ids.iter().map(found).collect()
}

#[test]
fn what_was_removed_or_invalidated_with_a_write_that_did_not_fit_is_so_all_the_same() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    for id in 1..=8 {
        ada.millis(1);
        store(&ada, id, id);
    }
    ada.world.advance(minutes(6)); // What is in the cache is written again.
    disk.holds(disk.bytes());
    ada.client.remove(&number(8));
    ada.client.invalidate_then(&number(7), Then::Nothing);
    ada.client.set_data(&number(9), 9);
    ada.client.set_data(&number(10), 10);
    ada.world.run();
    assert_eq!(stored(&disk, &[7, 8, 9]), [Some((7, true)), None, Some((9, false))]);
}

#[test]
fn what_is_removed_or_invalidated_while_room_is_made_for_it_is_so() {
    for (remove, expected) in [(true, None), (false, Some((100, true)))] {
        let disk = Disk::default();
        let ada = page(&disk, "ada", 0);
        for id in 0..8 {
            ada.millis(1);
            store(&ada, id, id);
        }
        disk.holds(disk.bytes());
        disk.slow(&ada, seconds(1));
        store(&ada, 100, 100);
        ada.millis(1_500);
        if remove {
            ada.client.remove(&number(100));
        } else {
            ada.client.invalidate_then(&number(100), Then::Nothing);
        }
        ada.seconds(10);
        assert_eq!(stored(&disk, &[100]), [expected]);
    }
}

#[test]
fn what_is_forgotten_before_the_storage_is_there_is_forgotten_and_nobody_elses_is() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    store(&page(&disk, "grace", 0), 1, 11);
    let hasty = stage();
    hasty.client.name_scope(ScopeName::new("ada"));
    disk.slow(&hasty, Duration::from_millis(50));
    hasty.client.persist(Persist::new(disk.clone(), "build 1"));
    hasty.client.set_data(&number(1), 12);
    hasty
        .client
        .remove(QueryFilter::all().matching(|info| info.data::<u32>().is_some_and(|data| *data == 12)));
    hasty.millis(200);
    assert_eq!(stored(&disk, &[1]), [None]);

    let hasty = stage();
    hasty.client.name_scope(ScopeName::new("ada"));
    disk.slow(&hasty, Duration::from_millis(50));
    hasty.client.persist(Persist::new(disk.clone(), "build 1"));
    hasty.client.clear();
    hasty.client.end_scope();
    hasty.client.name_scope(ScopeName::new("grace"));
    hasty.millis(200);
    assert_eq!(disk.entries(), 1, "Grace's");
}

#[test]
fn what_is_purged_before_the_storage_is_there_is_not_believed_to_be_there() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let hasty = stage();
    hasty.client.name_scope(ScopeName::new("ada"));
    disk.slow(&hasty, Duration::from_millis(50));
    hasty.client.persist(Persist::new(disk.clone(), "build 1"));
    hasty.client.end_scope();
    hasty.client.name_scope(ScopeName::new("ada"));
    hasty.millis(200);
    hasty.client.invalidate(QueryFilter::all());
    hasty.millis(200);
    assert_eq!(disk.names(), Vec::<String>::new());
}

#[test]
fn what_is_found_is_seen_through_the_patches_over_it() {
    let disk = Disk::default();
    store(&page(&disk, "ada", 0), 1, 10);
    let ada = page(&disk, "ada", 1);
    let layer = ada.client.patch(&number(1), |_| 70);
    let viewer = ada.watch(number(1));
    ada.world.run();
    assert_eq!(shows(&viewer), "70");
    assert_eq!(ada.client.committed_data(&number(1)).as_deref(), Some(&10));
    layer.roll_back();
    assert_eq!(shows(&viewer), "10");
}

#[test]
fn a_purge_is_repeated_after_a_slower_write_though_the_client_is_gone() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    let world = ada.world.clone();
    disk.slow(&ada, seconds(2));
    store(&ada, 1, 10);
    ada.millis(1);
    disk.slow(&ada, seconds(1));
    ada.client.end_scope();
    drop(ada);
    world.advance(seconds(10));
    assert_eq!(disk.names(), Vec::<String>::new());
}

#[test]
fn what_is_larger_than_a_smaller_budget_pushes_nothing_out() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    for id in 1..=3 {
        first.millis(1);
        store(&first, id, id);
    }
    let long = query(query_key!["long"], async |_| Ok::<_, String>(String::new()));
    let long = long.with_options(|options| options.dehydrated());
    first.millis(1);
    first.client.set_data(&long, "x".repeat(2_000));
    first.world.run();
    assert_eq!(disk.entries(), 4);
    let second = page_with(&disk, "ada", 1, |how| how.budget(1_000));
    second.world.run();
    assert_eq!(disk.entries(), 3);
    assert_eq!(stored(&disk, &[1, 2, 3]), [1, 2, 3].map(|id| Some((id, false))));
}

#[test]
fn what_a_filter_does_not_mean_in_the_cache_stays_stored() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    store(&ada, 2, 20);
    let _watched = ada.watch(number(1));
    ada.client.remove(QueryFilter::all().inactive());
    ada.world.run();
    assert_eq!(stored(&disk, &[1, 2]), [Some((10, false)), None]);
    ada.client.invalidate_then(&number(1), Then::Nothing);
    store(&ada, 3, 30);
    ada.client.remove(QueryFilter::all().stale());
    ada.world.run();
    assert_eq!(stored(&disk, &[1, 3]), [None, Some((30, false))]);
}

#[test]
fn a_storage_that_was_replaced_is_written_no_more_but_purged() {
    let (old, new) = (Disk::default(), Disk::default());
    let ada = page(&old, "ada", 0);
    store(&ada, 5, 50);
    old.slow(&ada, seconds(1));
    store(&ada, 1, 10);
    ada.millis(1);
    ada.client.persist(Persist::new(new.clone(), "build 1"));
    store(&ada, 2, 20);
    ada.seconds(10);
    assert_eq!((old.entries(), new.entries()), (2, 1));
    ada.client.end_scope();
    ada.seconds(10);
    assert_eq!((old.entries(), new.entries()), (0, 0));
}

#[test]
fn a_record_that_says_nonsense_of_its_size_or_time_spoils_nothing() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    for id in 1..=4 {
        store(&first, id, id);
    }
    disk.change(|records| {
        for (name, text) in records.iter_mut().filter(|(name, _)| name.contains("/m/")) {
            *text = match () {
                () if name.ends_with("1]") => format!("[1,{},false,1]", usize::MAX),
                () if name.ends_with("2]") => format!("[{},100,false,1]", u64::MAX),
                () if name.ends_with("3]") => "[1e999,-1,null,[[[]]]]".to_owned(),
                () => continue,
            };
        }
    });
    let second = page_with(&disk, "ada", 1, |how| how.max_age(minutes(60)).budget(1_000));
    let viewer = second.watch(number(2));
    second.millis(10);
    assert_eq!(shows(&viewer), "2");
    assert!(viewer.observer.details().updated_at.unwrap() <= query_cache::Environment::now(&second.world));
    assert_eq!(disk.entries(), 2);
    for id in 10..40 {
        second.millis(1);
        store(&second, id, id);
    }
    assert!(disk.bytes() <= 1_000, "{}", disk.bytes());
}
