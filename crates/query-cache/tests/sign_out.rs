//! The end of a scope, on the storage and in other tabs: all of it, once, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::disk::{Disk, page, store};
use common::lab::Lab;
use common::travels::number;
use query_cache::{QueryClient, ScopeName, WeakQueryClient, query, query_key};

#[test]
fn a_scope_that_is_over_is_not_ended_once_more_with_the_next() {
    // Each tab finds out for itself that its user has left.
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    first.client.end_scope();
    lab.millis(&tabs, 10);
    first.client.name_scope(ScopeName::new("ada")); // She is back.
    first.client.set_data(&number(1), 10);
    lab.millis(&tabs, 10);
    second.client.end_scope();
    lab.millis(&tabs, 10);
    assert_eq!(first.client.get_data(&number(1)).as_deref(), Some(&10));
    assert_eq!(first.client.scope_name(), Some(ScopeName::new("ada")));

    let disk = Disk::default();
    let [first, second] = [page(&disk, "ada", 0), page(&disk, "ada", 0)];
    [&first, &second].iter().for_each(|page| page.client.end_scope());
    first.client.name_scope(ScopeName::new("ada"));
    store(&first, 1, 10);
    second.client.end_scope();
    assert_eq!(disk.entries(), 1);
}

/// Says whose the next scope is as soon as it is dropped.
#[derive(Clone)]
struct Next(WeakQueryClient);

impl Drop for Next {
    fn drop(&mut self) {
        if let Some(client) = self.0.upgrade() {
            client.name_scope(ScopeName::new("grace"));
        }
    }
}

#[test]
fn a_scope_is_purged_and_told_of_though_the_next_is_named_before() {
    let hold = |client: &QueryClient| {
        let next = Next(client.downgrade());
        let held = query(query_key!["held"], async |_| Err::<Next, String>(String::new()));
        client.set_data(&held, next);
    };
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    store(&ada, 1, 10);
    hold(&ada.client);
    ada.client.end_scope();
    assert_eq!(ada.client.scope_name(), Some(ScopeName::new("grace")));
    assert_eq!(disk.names(), Vec::<String>::new());

    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    second.client.set_data(&number(1), 10);
    hold(&first.client);
    lab.millis(&tabs, 10);
    first.client.end_scope();
    lab.millis(&tabs, 10);
    assert_eq!(second.client.query_count(), 0);
}
