//! The cache on storage, where things cross: no room, not there yet, gone already, filters, patches, a second storage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::disk::{Disk, Page, page};
use common::{Number, shows};
use query_cache::{Then, minutes, seconds};

/// A number that travels, fresh for five minutes.
fn number(id: u32) -> Number {
    Number(id, |defaults| defaults.dehydrated().stale_after(minutes(5)))
}

/// Writes, and lets that be stored.
fn store(page: &Page, id: u32, data: u32) {
    page.client.set_data(&number(id), data);
    page.world.run();
}

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
