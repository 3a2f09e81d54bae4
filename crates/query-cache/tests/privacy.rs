//! What is somebody's stays theirs: in JSON, on the storage, and between tabs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Number, stage};
use query_cache::{QueryFilter, ScopeName, minutes};

/// A number that travels, fresh for five minutes.
fn number(id: u32) -> Number {
    Number(id, |defaults| defaults.dehydrated().stale_after(minutes(5)))
}

fn public(id: u32) -> Number {
    Number(id, |defaults| defaults.dehydrated().stale_after(minutes(5)).public(true))
}

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
