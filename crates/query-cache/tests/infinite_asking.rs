//! Lists that come in pages: what is fetched again, how much of it, and what is left of an asking that came to
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::lists::{Feed, ListOptions, feed, listed, params};
use common::{BUSY, Fault, Number, Stage, stage, stage_with_seed};
use query_cache::{
    FetchContext, InfiniteQuery, Page, PageOrder, PageQuery, Query, QueryKey, QueryOptions, QueryState,
    StaleTime, minutes, query_key,
};

const FRESH: ListOptions = |defaults| defaults.retry(0).stale_after(minutes(5));

fn fresh() -> Feed {
    Feed { options: FRESH, ..feed() }
}

/// Each page says that the next follows.
fn counting() -> Stage {
    let stage = stage();
    stage.server.answer_by(|id| Ok(id + 1));
    stage
}

#[test]
fn who_fetches_all_again_joins_a_fetch_of_all_that_is_under_way() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        stage.server.answer_by(|id| Ok(id + 1));
        let reader = stage.read_pages(fresh(), 3);
        reader.observer.refetch();
        stage.millis(1500);
        reader.observer.refetch();
        stage.millis(1000);
        reader.observer.refetch();
        stage.seconds(9);
        assert_eq!(stage.asked_since(3), [1, 2, 3], "seed {seed}");
        // One of some is no fetch of all.
        reader.observer.refetch_pages(|page| page.param > 1);
        stage.millis(1500);
        reader.observer.refetch();
        stage.seconds(9);
        let mut asked = stage.asked_since(6);
        asked.sort_unstable();
        assert_eq!(asked, [1, 2, 3], "seed {seed}: each once");
    }
}

#[test]
fn pages_that_came_to_nothing_are_not_asked_for_by_who_comes_later() {
    type Ask = (&'static str, fn(&Stage));
    let asks: [Ask; 5] = [
        ("it failed", |stage| {
            stage.server.say([Ok(2), Err(BUSY)]);
            stage.client.prefetch_pages(fresh(), 9);
            stage.seconds(5);
        }),
        ("nobody waits any more", |stage| {
            let call = stage.client.query_pages(fresh(), 9);
            stage.millis(1500);
            drop(call);
        }),
        ("it was called off", |stage| {
            stage.client.prefetch_pages(fresh(), 9);
            stage.millis(1500);
            stage.client.cancel(feed().pages());
        }),
        ("it was forgotten", |stage| {
            stage.client.prefetch_pages(fresh(), 9);
            stage.millis(1500);
            stage.client.remove(feed().pages());
        }),
        ("it never began", |stage| {
            stage.client.set_online(false);
            drop(stage.client.query_pages(fresh(), 9));
            stage.world.run();
            stage.client.set_online(true);
        }),
    ];
    for (what, ask) in asks {
        let stage = counting();
        ask(&stage);
        stage.seconds(1);
        stage.client.remove(feed().pages());
        let before = stage.server.requests();
        let _reader = stage.read(fresh());
        stage.seconds(20);
        assert_eq!(stage.asked_since(before), [1], "{what}");
    }
    // An invalidation has it begin anew, with as many.
    let stage = counting();
    stage.client.set_pages(&fresh(), [(1, 2)]);
    let outcome = stage.spawn(stage.client.query_pages(fresh(), 3));
    let reader = stage.read(fresh());
    stage.millis(500);
    stage.client.invalidate(feed().pages());
    stage.seconds(9);
    assert_eq!((outcome.take().unwrap().unwrap().len(), listed(&reader).len()), (3, 3));
}

#[test]
fn some_pages_that_were_not_fetched_after_all_do_not_stand_for_all() {
    let stage = counting();
    let reader = stage.read_pages(fresh(), 3);
    stage.client.set_online(false);
    reader.observer.refetch_pages(|page| page.param == 2);
    stage.client.cancel(&feed().list());
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 3);
    stage.world.advance(minutes(6));
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.seconds(9);
    assert_eq!(stage.asked_since(3), [1, 2, 3]);
    assert!(!reader.observer.is_stale());
}

#[test]
fn a_list_of_which_some_pages_were_fetched_is_as_old_as_before() {
    let stage = counting();
    let reader = stage.read_pages(fresh(), 3);
    stage.world.advance(minutes(4));
    reader.observer.refetch_pages(|page| page.param == 2);
    stage.seconds(5);
    assert_eq!(stage.asked_since(3), [2]);
    assert!(!reader.observer.is_stale());
    stage.world.advance(minutes(1));
    assert!(reader.observer.is_stale());
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.seconds(9);
    assert_eq!(stage.asked_since(4), [1, 2, 3]);
    assert!(!reader.observer.is_stale());
}

/// Pages by number.
#[derive(Clone)]
struct Numbered(fn(QueryOptions<PageQuery<Numbered>>) -> QueryOptions<PageQuery<Numbered>>);

impl InfiniteQuery for Numbered {
    type Param = u32;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["numbered"]
    }
    fn first(&self) -> u32 {
        1
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        Some(last.param + 1)
    }
    fn order(&self) -> PageOrder {
        PageOrder::Parallel
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        (self.0)(defaults)
    }
    async fn fetch(&self, param: u32, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(param, |defaults| defaults), cx).await
    }
}

#[test]
fn pages_by_number_are_fetched_when_asked_for_whatever_the_options() {
    for list in [
        Numbered(|defaults| defaults.stale_after(minutes(5))),
        Numbered(|defaults| defaults.enabled(false)),
        Numbered(|defaults| defaults.stale(StaleTime::Static)),
    ] {
        let stage = counting();
        stage.client.set_pages(&list, [(1, 2), (2, 3), (3, 4)]);
        let reader = stage.read(list);
        reader.observer.refetch_pages(|page| page.param > 1);
        stage.seconds(3);
        assert_eq!(stage.server.asked_for(), [2, 3]);
        reader.observer.refetch();
        stage.seconds(3);
        assert_eq!(stage.asked_since(2), [1, 2, 3]);
    }
}

#[test]
fn a_list_with_a_page_that_is_gone_is_not_passed_off_as_whole() {
    let stage = counting();
    stage.client.prefetch_pages(fresh(), 3);
    stage.seconds(3);
    stage.client.remove(&feed().page(2));
    let outcome = stage.spawn(stage.client.query_pages(fresh(), 2));
    stage.seconds(5);
    let found: Vec<u32> = outcome.take().unwrap().unwrap().iter().map(|page| page.param).collect();
    assert_eq!((found, stage.asked_since(3)), (vec![1, 2, 3], vec![2]), "that page alone");
    stage.client.remove(&feed().page(1));
    stage.client.prefetch_pages(fresh(), 1);
    stage.seconds(5);
    assert_eq!((stage.asked_since(4), params(&stage.client)), (vec![1], vec![1, 2, 3]));
}

#[test]
fn pages_that_are_not_kept_are_there_for_who_waits_for_them() {
    let stage = counting();
    let gone = Feed { options: |defaults| defaults.retry(0).gc_after(std::time::Duration::ZERO), ..feed() };
    let outcome = stage.spawn(stage.client.query_pages(gone, 3));
    stage.seconds(9);
    let found: Vec<u32> = outcome.take().unwrap().unwrap().iter().map(|page| page.param).collect();
    assert_eq!((found, stage.server.asked_for()), (vec![1, 2, 3], vec![1, 2, 3]));
    stage.seconds(1);
    assert_eq!(stage.client.query_count(), 0);
}

#[test]
fn a_list_of_no_pages_is_there_and_can_be_fetched() {
    let stage = counting();
    stage.client.set_pages(&fresh(), []);
    let reader = stage.read(fresh());
    stage.seconds(1);
    assert!(matches!(reader.observer.state(), QueryState::Ready { data, .. } if data.is_empty()));
    reader.observer.fetch_next();
    stage.seconds(1);
    assert!(
        !reader.observer.has_next() && stage.server.requests() == 0,
        "there is nothing that it could follow"
    );
    reader.observer.refetch();
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2)]);
    // The pages went, the list did not: they are awaited.
    stage.client.remove(&fresh().page(1));
    assert!(reader.observer.state().is_pending());
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2)]);
}

#[test]
fn who_watched_in_a_scope_that_is_over_changes_nothing_about_a_fetch_of_the_next() {
    let stage = counting();
    let before = stage.client.in_this_scope();
    stage.client.end_scope();
    let of_before = before.observe_pages(fresh(), || {});
    let reader = stage.read_pages(fresh(), 3);
    stage.world.advance(minutes(4));
    reader.observer.refetch_pages(|page| page.param == 2);
    of_before.refetch();
    stage.seconds(5);
    assert_eq!((stage.asked_since(3), of_before.state().is_pending()), (vec![2], true));
    stage.world.advance(minutes(1));
    assert!(reader.observer.is_stale());
}
