//! What is somebody's stays theirs: in JSON, on the storage, and between tabs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::disk::{Disk, page};
use common::lab::Lab;
use common::travels::{number, public};
use common::{Number, shows, stage};
use query_cache::{QueryFilter, ScopeName, Then, query_key};

#[test]
fn older_public_json_does_not_make_public_what_is_somebodys() {
    let older = stage();
    older.client.set_data(&public(1), 1);
    let public_json = older.client.dehydrate(QueryFilter::all()).json;
    let ada = stage();
    ada.seconds(10);
    ada.client.name_scope(ScopeName::new("ada"));
    ada.client.set_data(&number(1), 10);
    let private_json = ada.client.dehydrate(QueryFilter::all()).json;

    let next = stage();
    next.seconds(20);
    next.client.name_scope(ScopeName::new("ada"));
    assert_eq!(next.client.hydrate(&private_json).unwrap().taken, 1);
    assert_eq!(next.client.hydrate(&public_json).unwrap().older, 1);
    next.client.end_scope();
    assert_eq!(next.client.query_count(), 0);
    assert_eq!(next.client.dehydrate(QueryFilter::all()).written, 0);
}

#[test]
fn a_tab_without_a_name_takes_in_nothing_that_is_somebodys() {
    let lab = Lab::new();
    let named = lab.open("ada");
    named.client.set_data(&number(1), 10);
    lab.millis(&[&named], 10);
    let said = lab.last();
    let nobody = lab.open("");
    let viewer = nobody.watch(number(1));
    lab.says(&said.replace(r#""scope":"ada""#, r#""scope":null"#));
    lab.millis(&[&nobody], 10);
    assert_eq!(shows(&viewer), "pending");
}

#[test]
fn keys_that_are_somebodys_or_confidential_are_not_told_either() {
    // Without a name.
    let lab = Lab::new();
    let [first, second] = [lab.open(""), lab.open("")];
    let tabs = [&first, &second];
    for tab in tabs {
        tab.client.set_data(&number(1), 10);
        tab.client.set_data(&public(2), 20);
    }
    lab.millis(&tabs, 10);
    let filters: [QueryFilter; 6] = [
        (&number(1)).into(),
        QueryFilter::exact(query_key!["number", 1]),
        QueryFilter::all().inactive(),
        QueryFilter::all(),
        QueryFilter::of::<Number>(),
        QueryFilter::prefix(query_key!["number"]),
    ];
    for filter in filters {
        first.client.invalidate_then(filter, Then::Nothing);
        lab.millis(&tabs, 10);
        assert!(!lab.said_in_full().iter().any(|said| said.contains(r#"["number",1]"#)));
    }
    let outdated =
        |id| second.client.find(QueryFilter::exact(query_key!["number", id]))[0].snapshot().is_stale();
    assert_eq!([outdated(1), outdated(2)], [false, true], "only what is public");
    // Confidential.
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    for tab in tabs {
        tab.client.keep_confidential(query_key!["number", 3]);
        tab.client.set_data(&number(3), 30);
    }
    lab.millis(&tabs, 10);
    let filters: [QueryFilter; 4] = [
        (&number(3)).into(),
        QueryFilter::exact(query_key!["number", 3]),
        QueryFilter::prefix(query_key!["number", 3]),
        QueryFilter::all().inactive(),
    ];
    for filter in filters {
        first.client.invalidate_then(filter, Then::Nothing);
        first.client.refetch(&number(3));
        lab.millis(&tabs, 10);
        assert!(!lab.said_in_full().iter().any(|said| said.contains(r#""number",3"#)));
    }
}

#[test]
fn what_turns_confidential_is_removed_from_the_storage() {
    let disk = Disk::default();
    let first = page(&disk, "ada", 0);
    first.client.set_data(&number(1), 10);
    first.client.set_data(&number(3), 30);
    first.world.run();
    assert_eq!(disk.entries(), 2);
    first.client.keep_confidential(query_key!["number", 3]);
    first.world.run();
    assert_eq!(disk.entries(), 1);
    // Before or after the storage is there.
    for early in [false, true] {
        let disk = Disk::default();
        let before = page(&disk, "ada", 0);
        before.client.set_data(&number(3), 30);
        before.world.run();
        let next = stage();
        next.client.name_scope(ScopeName::new("ada"));
        if early {
            next.client.keep_confidential(query_key!["number"]);
        }
        next.client.persist(query_cache::Persist::new(disk.clone(), "build 1"));
        if !early {
            next.client.keep_confidential(query_key!["number"]);
        }
        next.world.run();
        assert_eq!(disk.entries(), 0, "early: {early}");
    }
}
