//! What a bad storage does to the app: nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::disk::{Broken, Disk, finds, page, store};
use common::shows;
use common::travels::{number, public};
use query_cache::{QueryFilter, StorageFault, seconds};

fn broken() -> StorageFault {
    StorageFault::Broken("the storage does not work: no power".into())
}

#[test]
fn a_full_storage_loses_its_older_half_and_if_that_is_not_enough_goes_on_without() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    for id in 0..8 {
        first.millis(1);
        store(&first, id, id);
    }
    disk.holds(disk.bytes());
    store(&first, 100, 100);
    assert_eq!((first.faults.take(), disk.entries()), (vec![], 5));
    let second = page(&disk, "ada", 1);
    assert_eq!([0, 3, 4, 100].map(|id| finds(&second, id)), [None, None, Some(4), Some(100)]);

    disk.holds(0);
    store(&first, 101, 101);
    store(&first, 102, 102);
    assert_eq!(first.faults.take(), [StorageFault::Full], "once");
    assert_eq!(first.client.get_data(&number(102)).as_deref(), Some(&102));
    disk.holds(10_000);
    store(&first, 103, 103);
    assert_eq!(finds(&page(&disk, "ada", 2), 103), Some(103), "there is room again");
}

#[test]
fn a_broken_storage_is_told_once_and_the_app_goes_on_from_memory() {
    for what in [Broken::List, Broken::Get, Broken::Write, Broken::Clear, Broken::All] {
        let disk = Disk::default();
        store(&page(&disk, "ada", 0), 1, 10);
        disk.breaks(what);
        let ada = page(&disk, "ada", 400);
        let viewers = [1, 2].map(|id| ada.watch(number(id)));
        ada.seconds(1);
        assert_eq!(viewers.each_ref().map(|viewer| viewer.observer.is_fetching()), [false; 2]);
        ada.client.set_data(&number(3), 30);
        ada.seconds(1);
        ada.client.invalidate(QueryFilter::all());
        ada.seconds(2);
        assert_eq!(ada.client.get_data(&number(3)).as_deref(), Some(&30));
        ada.client.end_scope();
        ada.seconds(2);
        let faults = ada.faults.take();
        let not_purged = || StorageFault::NotPurged("the storage does not work: no power".into());
        let expected = match what {
            Broken::Clear => vec![not_purged()],
            Broken::All => vec![broken(), not_purged()],
            _ => vec![broken()],
        };
        assert_eq!(faults, expected, "{}", what as u32);
        assert!(shows(&viewers[0]).parse::<u32>().is_ok());
    }
}

#[test]
fn a_broken_storage_is_purged_all_the_same() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    disk.breaks(Broken::Write);
    store(&ada, 2, 20);
    assert_eq!((ada.faults.take(), disk.entries()), (vec![broken()], 1));
    ada.client.end_scope();
    assert_eq!(disk.entries(), 0);
}

#[test]
fn what_could_not_be_purged_is_told_of_and_purged_as_soon_as_it_can_be() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    disk.breaks(Broken::Clear);
    ada.client.end_scope();
    assert_eq!(disk.entries(), 1);
    assert!(matches!(ada.faults.take()[..], [StorageFault::NotPurged(_)]));
    ada.client.set_data(&public(2), 20);
    ada.world.run();
    assert_eq!(disk.entries(), 1, "what cannot be purged is written no more");
    disk.breaks(Broken::Nothing);
    ada.client.set_focused(false);
    ada.client.set_focused(true);
    assert_eq!(disk.names(), Vec::<String>::new());
}

#[test]
fn a_slow_storage_is_waited_for_once_and_then_fetches_go_first() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    store(&first, 1, 10);
    store(&first, 2, 20);
    store(&first, 3, 30);
    let ada = page(&disk, "ada", 400);
    disk.slow(&ada, seconds(10));
    let viewer = ada.watch(number(1));
    ada.millis(499);
    assert_eq!((ada.server.requests(), shows(&viewer)), (0, "pending".to_owned()));
    ada.millis(1);
    assert_eq!(ada.server.requests(), 1, "its patience is at an end");
    let second = ada.watch(number(2));
    assert_eq!((ada.server.requests(), ada.faults.take()), (2, vec![StorageFault::Slow]));
    ada.seconds(1);
    assert_eq!((shows(&viewer), shows(&second)), ("1".to_owned(), "2".to_owned()));
    ada.seconds(30);
    assert_eq!((shows(&viewer), ada.faults.take()), ("1".to_owned(), vec![]), "what comes late is older");
    // A fetch that takes longer still shows what is stored meanwhile.
    let late = page(&disk, "ada", 400);
    disk.slow(&late, seconds(2));
    late.server.set_latency(seconds(5));
    late.seconds(3);
    let viewer = late.watch(number(3));
    late.seconds(3);
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("30".to_owned(), true));
    late.seconds(3);
    assert_eq!(shows(&viewer), "1");
}

#[test]
fn a_storage_that_never_answers_costs_the_first_fetches_their_patience_and_no_more() {
    let disk = Disk::default();
    disk.never_answers();
    let ada = page(&disk, "ada", 0);
    let first = ada.watch(number(1));
    ada.millis(1_499);
    assert_eq!(shows(&first), "pending");
    ada.millis(1);
    assert_eq!(shows(&first), "1");
    let second = ada.watch(number(2));
    assert_eq!(ada.server.requests(), 2, "at once");
    for _ in 0..1_000 {
        ada.client.invalidate(QueryFilter::all());
    }
    ada.seconds(5);
    assert_eq!(ada.faults.take(), [StorageFault::Slow]);
    drop(second);
}
