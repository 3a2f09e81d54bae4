//! What is kept on storage is looked for there first.

use std::time::Duration;

use query_cache::{Persist, Query, QueryFilter, StaleTime, minutes};

use crate::common::disk::{Disk, page};
use crate::common::lab::Lab;
use crate::common::travels::number;
use crate::common::{Number, shows};

#[test]
fn what_is_stored_and_fresh_is_shown_instead_of_being_fetched() {
    for slow in [false, true] {
        let disk = Disk::default();
        let first = page(&disk, "ada", 0);
        let _viewer = first.watch(number(1));
        first.seconds(1);
        first.client.set_data(&number(2), 20);
        first.world.run();

        let second = page(&disk, "ada", 100);
        if slow {
            disk.slow(&second, Duration::from_millis(100));
        }
        second.world.run();
        let viewer = second.watch(number(1));
        let call = second.spawn(second.client.query(number(2)));
        assert_eq!(
            shows(&viewer),
            if slow { "pending" } else { "1" },
            "at the first look, where that can be"
        );
        second.millis(150);
        assert_eq!((shows(&viewer), call.word()), ("1".to_owned(), "20".to_owned()));
        assert!(!viewer.observer.is_fetching());
        second.seconds(60);
        assert_eq!(second.server.requests(), 0);
        assert_eq!(
            viewer.observer.details().updated_at.map(|at| at.since(first.client.now())),
            Some(Duration::ZERO)
        );
        // It was fresh for five minutes, since it was fetched, not since it was read.
        second.seconds(141);
        viewer.told();
        second.client.set_focused(false);
        second.client.set_focused(true);
        assert_eq!(second.server.requests(), 1);
        second.seconds(1);
        assert_eq!(shows(&viewer), "1");
    }
}

#[test]
fn what_is_stored_and_stale_is_shown_and_fetched() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    first.client.set_data(&number(1), 10);
    first.client.set_data(&number(2), 20);
    first.client.invalidate(&number(2));
    first.world.run();
    let second = page(&disk, "ada", 200);
    let viewers = [1, 2].map(|id| second.watch(number(id)));
    assert_eq!([shows(&viewers[0]), shows(&viewers[1])], ["10", "20"]);
    assert_eq!(second.server.asked_for(), [2], "it was out of date when it was stored");
    // What a call takes is for the call to say.
    let third = page(&disk, "ada", 400);
    let call =
        third.spawn(third.client.query(number(1).with_options(|options| options.stale(StaleTime::Static))));
    third.world.run();
    assert_eq!((call.word(), third.server.requests()), ("10".to_owned(), 0));
    let viewer = third.watch(number(1));
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("10".to_owned(), true));
}

#[test]
fn with_storage_the_network_is_asked_second() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    first.client.set_data(&number(1), 10);
    first.world.run();

    let second = page(&disk, "ada", 600);
    second.client.set_online(false);
    let viewers = [1, 2].map(|id| second.watch(number(id)));
    second.world.run();
    assert_eq!([shows(&viewers[0]), shows(&viewers[1])], ["10", "paused"]);
    assert_eq!(second.server.requests(), 0);
    second.client.set_online(true);
    second.seconds(1);
    assert_eq!(second.server.asked_for(), [1, 2]);
    // What does not opt in, and what is static or always fetched, is as it was.
    let third = page(&disk, "ada", 700);
    disk.asked();
    let _plain = third.watch(Number(1, |defaults| defaults.stale_after(minutes(5))));
    assert_eq!((third.server.requests(), disk.asked()), (1, Vec::<String>::new()));
}

#[test]
fn what_came_as_json_or_from_another_tab_is_stored_too_and_what_came_from_there_is_not_written_again() {
    let from = page(&Disk::default(), "ada", 0);
    from.client.set_data(&number(1), 10);
    let json = from.client.dehydrate(QueryFilter::all()).json;

    let disk = Disk::default();
    let first = page(&disk, "ada", 1);
    first.client.hydrate(&json).unwrap();
    first.world.run();
    assert_eq!(disk.entries(), 1, "{:?}", disk.names());

    let second = page(&disk, "ada", 2);
    second.world.run();
    disk.asked();
    let viewer = second.watch(number(1));
    second.seconds(2);
    assert_eq!((shows(&viewer).as_str(), second.server.requests()), ("10", 0));
    let asked = disk.asked();
    assert!(matches!(&asked[..], [get] if get.starts_with("get ")), "{asked:?}");

    // Older than what is there: neither shown nor stored.
    second.client.set_data(&number(1), 11);
    second.client.hydrate(&json).unwrap();
    second.world.run();
    assert_eq!(shows(&page(&disk, "ada", 9).watch(number(1))), "11");

    let (lab, disks) = (Lab::new(), [Disk::default(), Disk::default()]);
    let tabs = [lab.open("ada"), lab.open("ada")];
    for (tab, disk) in tabs.iter().zip(&disks) {
        tab.client.persist(Persist::new(disk.clone(), "build 1"));
    }
    let _viewers = tabs.each_ref().map(|tab| tab.watch(number(1)));
    lab.millis(&tabs.each_ref(), 1_200);
    let requests: usize = tabs.iter().map(|tab| tab.server.requests()).sum();
    assert_eq!((requests, disks.map(|disk| disk.entries())), (1, [1, 1]));
}
