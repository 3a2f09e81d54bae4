//! Several tabs that share a cache keep it on one storage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::disk::{Disk, page};
use common::lab::{Lab, Tab};
use common::shows;
use common::travels::number;
use query_cache::Persist;

fn open(lab: &Lab, disk: &Disk) -> Tab {
    let tab = lab.open("ada");
    tab.client.persist(Persist::new(disk.clone(), "build 1"));
    tab
}

#[test]
fn what_one_tab_stores_another_can_invalidate_or_remove_though_it_never_had_it() {
    for removes in [false, true] {
        let (lab, disk) = (Lab::new(), Disk::default());
        let [first, second] = [open(&lab, &disk), open(&lab, &disk)];
        let tabs = [&first, &second];
        lab.millis(&tabs, 10);
        let viewers = [second.watch(number(1)), second.watch(number(2))];
        lab.millis(&tabs, 1_100);
        assert_eq!(disk.entries(), 2);
        drop(viewers);
        second.close();
        if removes {
            first.client.remove(&number(1));
        } else {
            first.client.invalidate(&number(1));
        }
        lab.millis(&[&first], 10);
        assert_eq!(disk.entries(), if removes { 1 } else { 2 });

        let next = page(&disk, "ada", 10);
        let (invalidated, other) = (next.watch(number(1)), next.watch(number(2)));
        next.millis(1);
        assert_eq!((next.server.requests(), shows(&other)), (1, "2".to_owned()), "that alone");
        next.seconds(1);
        assert_eq!(shows(&invalidated), "1");
    }
}
