//! An answer in pieces, of which some have come, is nobody else's business yet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::pin::Pin;
use std::task::{Context, Poll};

use common::disk::{Disk, page};
use common::lab::Lab;
use common::{Fault, Stage, shows};
use futures_core::Stream;
use query_cache::{
    FetchContext, LocalBoxFuture, ManualEnvironment, Query, QueryFilter, QueryKey, QueryOptions, minutes,
    query_key, seconds,
};

/// A letter each second.
struct Sender(ManualEnvironment, LocalBoxFuture<()>, std::str::Chars<'static>);

impl Stream for Sender {
    type Item = Result<char, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.1.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.1 = Box::pin(self.0.sleep(seconds(1)));
        Poll::Ready(self.2.next().map(Ok))
    }
}

struct Letters;

impl Query for Letters {
    type Data = String;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["letters"]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.dehydrated().stale_after(minutes(5))
    }
    async fn fetch(&self, cx: FetchContext) -> Result<String, Fault> {
        let world = cx.get::<ManualEnvironment>()?;
        let sender = Sender((*world).clone(), Box::pin(world.sleep(seconds(1))), "abc".chars());
        cx.stream(sender).fold(String::new(), |all, letter| all.push(letter)).await
    }
}

fn on_air(stage: &Stage) {
    stage.client.provide(stage.world.clone());
}

#[test]
fn what_has_come_of_it_is_neither_stored_nor_told_nor_dehydrated() {
    let disk = Disk::default();
    let ada = page(&disk, "ada", 0);
    on_air(&ada);
    let viewer = ada.watch(Letters);
    ada.seconds(2);
    assert_eq!(shows(&viewer), "\"ab\"");
    let dehydrated = ada.client.dehydrate(QueryFilter::all());
    assert_eq!((dehydrated.written, dehydrated.skipped), (0, 1));
    ada.client.invalidate_then(&Letters, query_cache::Then::Nothing);
    ada.world.run();
    assert_eq!(disk.entries(), 0);
    ada.seconds(10);
    assert_eq!((shows(&viewer), disk.entries()), ("\"abc\"".to_owned(), 1));

    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    tabs.iter().for_each(|tab| on_air(tab));
    lab.millis(&tabs, 10);
    let viewer = first.watch(Letters);
    lab.millis(&tabs, 2_000);
    let hello = lab.said_in_full().into_iter().find(|said| said.contains("Hello")).unwrap();
    let wanted = hello
        .replace(r#""Hello""#, r#"{"Wanted":{"key":["letters"],"question":1}}"#)
        .replace(r#""tab":"#, r#""tab":1"#);
    lab.says(&wanted);
    lab.millis(&tabs, 10);
    assert_eq!((shows(&viewer), lab.said()), ("\"a\"".to_owned(), vec![]));
    lab.millis(&tabs, 3_000);
    assert_eq!(lab.said(), ["Data"]);
    lab.says(&wanted);
    lab.millis(&tabs, 10);
    assert_eq!(lab.said(), ["Data"], "now it has it");
}
