//! Lists that come in pages, asked for, written and sent elsewhere in one call.

use query_cache::{
    FetchContext, InfiniteQuery, Page, PageList, PageQuery, Query, QueryKey, QueryOptions, query_key,
};

use crate::common::lists::{Book, Feed, feed, listed, pages, params};
use crate::common::{Fault, Number, stage};

#[test]
fn several_pages_are_prefetched_in_one_call() {
    let stage = stage();
    stage.server.say([Ok(2), Ok(3), Ok(4)]);
    stage.client.prefetch_pages(feed(), 3);
    stage.seconds(9);
    assert_eq!(stage.server.asked_for(), [1, 2, 3]);
    assert_eq!(params(&stage.client), [1, 2, 3]);

    // As far as there are pages; and what is fresh is not fetched again.
    let fresh = Feed { options: |defaults| defaults.stale_after(query_cache::minutes(5)), ..feed() };
    stage.server.say([Ok(5), Ok(0)]);
    stage.client.prefetch_pages(fresh.clone(), 9);
    stage.seconds(9);
    assert_eq!(stage.asked_since(3), [4, 5]);
    assert_eq!(stage.client.get_pages(&fresh).unwrap().len(), 5);
    stage.client.prefetch_pages(fresh.clone(), 5);
    let outcome = stage.spawn(stage.client.query_pages(fresh, 2));
    stage.world.run();
    assert_eq!(outcome.take().unwrap().unwrap().len(), 5);
    assert_eq!(stage.server.requests(), 5);
}

#[test]
fn pages_that_are_put_in_can_be_fetched_again() {
    let stage = stage();
    stage.client.set_pages(&feed(), [(1, 2), (2, 3)]);
    let reader =
        stage.read(Feed { options: |defaults| defaults.stale_after(query_cache::minutes(5)), ..feed() });
    assert_eq!((listed(&reader), stage.server.requests()), (vec![(1, 2), (2, 3)], 0));
    assert!(reader.observer.has_next());
    stage.server.say([Ok(2), Ok(4), Ok(0)]);
    reader.observer.refetch();
    stage.seconds(9);
    assert_eq!(stage.server.asked_for(), [1, 2]);
    reader.observer.fetch_next();
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2), (2, 4), (4, 0)]);
}

#[test]
fn pages_by_number_are_fetched_again_all_at_once() {
    let stage = stage();
    stage.client.prefetch_pages(Book(5), 3);
    stage.seconds(9);
    let reader = stage.read(Book(5));
    stage.seconds(1);
    assert_eq!(stage.asked_since(3), [1, 2, 3], "in the time that one takes");
    let before = stage.server.requests();
    stage.client.invalidate(Book(5).pages());
    stage.seconds(1);
    assert_eq!(stage.server.requests() - before, 3);
    assert!(!reader.observer.is_fetching());
    // One of them says that there is no further page.
    stage.client.set_data(&Book(5).page(1), 1);
    stage.server.say([Ok(99), Ok(99)]);
    reader.observer.refetch_pages(|page| page.param != 1);
    stage.seconds(1);
    assert_eq!(
        pages(&reader.observer.state()),
        [(1, 1), (2, 99), (3, 99)],
        "pages alone say nothing of others"
    );
    stage.server.say([Ok(99), Ok(99), Ok(99)]);
    reader.observer.refetch();
    stage.seconds(1);
    assert_eq!(pages(&reader.observer.state()), [(1, 99)]);
}

/// Travels, pages and list.
#[derive(Clone)]
struct Travelling;

impl InfiniteQuery for Travelling {
    type Param = Option<u32>;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["travelling"]
    }
    fn first(&self) -> Option<u32> {
        None
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<Option<u32>> {
        (*last.data > 0).then_some(Some(*last.data))
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        defaults.public(true).stale_after(query_cache::minutes(5)).dehydrated()
    }
    fn list_options(&self, defaults: QueryOptions<PageList<Self>>) -> QueryOptions<PageList<Self>> {
        defaults.dehydrated()
    }
    async fn fetch(&self, cursor: Option<u32>, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(cursor.unwrap_or(1000), |defaults| defaults), cx).await
    }
}

#[test]
fn pages_that_travel_are_a_list_again_that_can_be_fetched() {
    let (here, there) = (stage(), stage());
    here.client.set_pages(&Travelling, [(None, 2), (Some(2), 3), (Some(3), 4)]);
    let reader = here.read(Travelling);
    let json = here.client.dehydrate(query_cache::QueryFilter::all()).json;
    drop(reader);
    assert_eq!(there.client.hydrate(&json).unwrap().taken, 4);
    let reader = there.read(Travelling);
    let shown = || -> Vec<_> {
        let state = reader.observer.state();
        state.data().map_or(vec![], |pages| pages.iter().map(|page| (page.param, *page.data)).collect())
    };
    assert_eq!(shown(), [(None, 2), (Some(2), 3), (Some(3), 4)]);
    there.seconds(5);
    assert_eq!(there.server.requests(), 0);
    there.server.say([Ok(2), Ok(30), Ok(31), Ok(0)]);
    reader.observer.refetch();
    there.seconds(5);
    reader.observer.fetch_next();
    there.seconds(5);
    assert_eq!(there.server.asked_for(), [1000, 2, 30, 31]);
    assert_eq!(shown(), [(None, 2), (Some(2), 30), (Some(30), 31), (Some(31), 0)]);
}
