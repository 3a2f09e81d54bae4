//! Lists that come in pages.

use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{FetchContext, InfiniteQuery, Page, Query, QueryKey, QueryOptions, QueryState, query_key};

use crate::common::lists::{Feed, feed, listed, params};
use crate::common::{BUSY, Fault, MISSING, Number, stage};

#[test]
fn the_other_end_of_a_full_list_gives_way() {
    let stage = stage();
    let three = Feed { first: 5, most: Some(3), ..feed() };
    stage.server.say([Ok(6), Ok(7), Ok(8), Ok(9), Ok(6)]);
    let reader = stage.read(three);
    stage.seconds(1);
    for _ in 0..3 {
        reader.observer.fetch_next();
        stage.seconds(1);
    }
    assert_eq!(listed(&reader), [(6, 7), (7, 8), (8, 9)]);
    reader.observer.fetch_previous();
    stage.world.run();
    assert_eq!(listed(&reader), [(5, 6), (6, 7), (7, 8)], "it is in the cache still");
    assert_eq!(stage.server.asked_for(), [5, 6, 7, 8, 5], "but not taken for fresh");
    stage.seconds(1);
    reader.observer.refetch();
    stage.server.say([Ok(6), Ok(7), Ok(8)]);
    stage.seconds(3);
    assert_eq!(stage.asked_since(5), [5, 6, 7]);
    assert!(reader.observer.has_next() && reader.observer.has_previous());
}

/// Begins with no cursor.
#[derive(Clone)]
struct Cursors;

impl InfiniteQuery for Cursors {
    type Param = Option<u32>;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["cursors"]
    }
    fn first(&self) -> Option<u32> {
        None
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<Option<u32>> {
        (*last.data > 0).then_some(Some(*last.data))
    }
    async fn fetch(&self, cursor: Option<u32>, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(cursor.unwrap_or(1000), |defaults| defaults), cx).await
    }
}

/// One page, asked for by nothing.
#[derive(Clone)]
struct Single;

impl InfiniteQuery for Single {
    type Param = ();
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["single"]
    }
    fn first(&self) {}
    fn next(&self, _: &Page<Self>, _: &[Page<Self>]) -> Option<()> {
        Some(())
    }
    async fn fetch(&self, (): (), cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(7, |defaults| defaults), cx).await
    }
}

#[test]
fn the_first_parameter_may_be_nothing() {
    let stage = stage();
    stage.server.say([Ok(4), Ok(0), Ok(0)]);
    let cursors = stage.read(Cursors);
    assert_eq!(stage.server.asked_for(), [1000], "in the call that asks");
    stage.seconds(1);
    cursors.observer.fetch_next();
    stage.seconds(1);
    let state = cursors.observer.state();
    let params: Vec<_> = state.data().unwrap().iter().map(|page| page.param).collect();
    assert_eq!(params, [None, Some(4)]);
    let single = stage.read(Single);
    stage.seconds(1);
    assert!(!single.observer.has_next(), "a page that the list has is no further page");
    single.observer.fetch_next();
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1000, 4, 7]);
}

#[test]
fn a_list_ends_where_there_is_no_next_page() {
    let stage = stage();
    stage.server.say([Ok(2), Ok(0)]);
    let reader = stage.read(feed());
    stage.seconds(1);
    assert!(reader.observer.has_next() && !reader.observer.has_previous());
    reader.observer.fetch_next();
    stage.seconds(1);
    assert!(!reader.observer.has_next());
    reader.observer.fetch_next();
    reader.observer.fetch_previous();
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 2]);
    assert_eq!(listed(&reader), [(1, 2), (2, 0)]);
}

#[test]
fn calling_off_ends_the_fetching_of_further_pages() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    let before = stage.server.requests();
    stage.client.invalidate(feed().pages());
    stage.server.say([Ok(2)]);
    stage.seconds(1);
    stage.millis(500);
    assert_eq!(stage.asked_since(before), [1, 2], "one at a time");
    stage.client.cancel(feed().pages());
    assert_eq!(stage.server.aborted(), 1);
    stage.seconds(9);
    assert_eq!(stage.asked_since(before), [1, 2]);
    assert_eq!(listed(&reader), [(1, 2), (2, 3), (3, 4)]);
    assert!(!reader.observer.is_fetching() && reader.observer.is_stale());

    // The list's fetch alone: the page that is being fetched is somebody's own.
    stage.client.invalidate(feed().pages());
    stage.world.run();
    stage.client.cancel(&feed().list());
    stage.seconds(9);
    assert_eq!(stage.asked_since(before + 2), [1]);
}

#[test]
fn leaving_ends_the_fetching_of_further_pages() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    reader.observer.refetch();
    stage.millis(500);
    drop(reader);
    stage.seconds(9);
    assert_eq!((stage.asked_since(3), stage.server.aborted()), (vec![1], 1));
    assert_eq!(params(&stage.client), [1, 2, 3]);
}

#[test]
fn a_page_that_fails_is_tried_again_and_the_others_are_not() {
    let stage = stage();
    let twice = Feed {
        options: |defaults| defaults.retry(2).backoff(std::time::Duration::ZERO, std::time::Duration::ZERO),
        ..feed()
    };
    let reader = stage.read_pages(twice, 3);
    reader.observer.refetch();
    stage.server.say([Ok(2), Err(BUSY), Err(BUSY), Ok(3), Ok(40)]);
    stage.seconds(1);
    stage.seconds(1);
    let state = reader.observer.state();
    let QueryState::Ready { retry: Some(retry), .. } = &state else { panic!("a retry is shown") };
    assert_eq!((retry.attempt, retry.attempts), (1, 3));
    stage.seconds(3);
    assert_eq!(stage.asked_since(3), [1, 2, 2, 2, 3]);
    assert_eq!(listed(&reader), [(1, 2), (2, 3), (3, 40)]);

    // And one that fails for good ends it: what came before is there, what comes after is as it was.
    reader.observer.refetch();
    stage.server.say([Ok(2), Err(MISSING)]);
    stage.seconds(9);
    assert_eq!(stage.asked_since(8), [1, 2]);
    let QueryState::Ready { data, refresh_error: Some(error), .. } = reader.observer.state() else {
        panic!("the pages stay")
    };
    assert_eq!((data.len(), error.fetch().map(|error| (**error).clone())), (3, Some(MISSING)));
    reader.observer.refetch_pages(|page| page.param == 2);
    stage.server.say([Ok(3)]);
    stage.seconds(9);
    assert_eq!(stage.asked_since(10), [2], "that page alone");
    assert!(reader.observer.state().error().is_none());
}

#[test]
fn a_first_page_that_fails_shows_its_retries_and_its_error() {
    let stage = stage();
    stage.server.say([Err(BUSY), Err(MISSING), Ok(2)]);
    let reader = stage.read(Feed { options: |defaults| defaults.retry(1), ..feed() });
    stage.seconds(1);
    let QueryState::Pending { retry: Some(retry), .. } = reader.observer.state() else { panic!("a retry") };
    assert!(retry.waiting);
    stage.seconds(3);
    let QueryState::Failed { error } = reader.observer.state() else { panic!("a failure") };
    assert_eq!(error.fetch().map(|error| (**error).clone()), Some(MISSING));
    reader.observer.fetch_next();
    assert_eq!(stage.server.requests(), 2, "there is nothing that could be next");
    reader.observer.refetch();
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2)]);
}

#[test]
fn a_next_page_that_fails_is_tried_again_when_it_is_asked_for_again() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 1);
    stage.server.say([Err(BUSY), Ok(3)]);
    reader.observer.fetch_next();
    stage.seconds(1);
    assert!(reader.observer.next_error().is_some() && reader.observer.state().error().is_none());
    assert!(reader.observer.has_next() && !reader.observer.is_fetching_next());
    assert_eq!(reader.told(), 2, "that it began, and that it failed");
    reader.observer.fetch_next();
    assert!(reader.observer.is_fetching_next() && reader.observer.next_error().is_none());
    stage.seconds(1);
    assert_eq!(listed(&reader), [(1, 2), (2, 3)]);
}

type Pages = Vec<(u32, u32)>;

/// Writes down what it is shown.
#[derive(Clone)]
struct Telling(Rc<RefCell<Vec<Pages>>>);

impl InfiniteQuery for Telling {
    type Param = u32;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["telling"]
    }
    fn first(&self) -> u32 {
        1
    }
    fn next(&self, last: &Page<Self>, pages: &[Page<Self>]) -> Option<u32> {
        assert_eq!(pages.last().map(|page| page.param), Some(last.param));
        self.0.borrow_mut().push(pages.iter().map(|page| (page.param, *page.data)).collect());
        // Each is worth its data, and ten make a list.
        let sum: u32 = pages.iter().map(|page| *page.data).sum();
        (sum < 10).then_some(last.param + 1)
    }
    fn options(
        &self,
        defaults: QueryOptions<query_cache::PageQuery<Self>>,
    ) -> QueryOptions<query_cache::PageQuery<Self>> {
        defaults.retry(0)
    }
    async fn fetch(&self, param: u32, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(param, |defaults| defaults), cx).await
    }
}

#[test]
fn what_makes_the_next_parameter_sees_the_pages_there_are() {
    let stage = stage();
    let seen = Rc::<RefCell<Vec<_>>>::default();
    stage.server.say([Ok(3), Ok(3), Ok(4)]);
    let reader = stage.read(Telling(seen.clone()));
    assert!(seen.borrow().is_empty(), "it is not asked about no pages");
    stage.seconds(1);
    while reader.observer.has_next() {
        reader.observer.fetch_next();
        stage.seconds(1);
    }
    assert_eq!(listed(&reader), [(1, 3), (2, 3), (3, 4)]);
    assert_eq!(seen.take().last().unwrap(), &[(1, 3), (2, 3), (3, 4)]);

    // Fetched again, it is asked about the pages as they are then, and ends where it says so.
    stage.server.say([Ok(5), Ok(6), Ok(7)]);
    reader.observer.refetch();
    stage.seconds(9);
    assert_eq!(stage.asked_since(3), [1, 2]);
    assert_eq!(listed(&reader), [(1, 5), (2, 6)]);
    assert!(seen.take().contains(&vec![(1, 5)]));
}
