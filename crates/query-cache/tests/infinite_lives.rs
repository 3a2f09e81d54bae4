//! Lists that come in pages: scopes, networks and clients that come and go, and who turns to another list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::lists::{Feed, ListOptions, feed, listed};
use common::{Fault, Number, stage, stage_with_seed};
use query_cache::{
    FetchContext, InfiniteObserver, InfiniteQuery, Page, PagesFuture, Query, QueryClient, QueryKey,
    QueryState, minutes, query, query_key,
};

const FRESH: ListOptions = |defaults| defaults.retry(0).stale_after(minutes(5));

fn fresh() -> Feed {
    Feed { options: FRESH, ..feed() }
}

#[test]
fn the_end_of_a_scope_takes_the_pages_and_what_was_to_come() {
    for seed in 0..50 {
        for millis in [0, 500, 1000, 1500, 2500] {
            let stage = stage_with_seed(seed);
            stage.server.answer_by(|id| Ok(id + 10));
            let reader = stage.read(fresh());
            stage.seconds(1);
            reader.observer.fetch_next();
            stage.seconds(1);
            assert_eq!(listed(&reader), [(1, 11), (11, 21)]);
            reader.observer.refetch();
            reader.observer.fetch_next();
            stage.millis(millis);
            let before = stage.server.requests();
            stage.client.end_scope();
            assert!(reader.observer.state().is_pending());
            assert_eq!(stage.client.get_data(&fresh().page(11)), None);
            stage.server.answer_by(|id| Ok(id + 100));
            stage.seconds(9);
            assert_eq!(stage.asked_since(before), [1], "seed {seed}, {millis}: no cursor of the old scope");
            assert_eq!(listed(&reader), [(1, 101)]);
            assert!(!reader.observer.is_fetching_next());
        }
    }
}

#[test]
fn a_held_scope_shows_no_page_and_loses_none() {
    let stage = stage();
    let reader = stage.read_pages(fresh(), 2);
    stage.server.answer_by(|id| Ok(id + 1));
    reader.observer.fetch_next();
    stage.millis(500);
    stage.client.hold_scope();
    stage.world.run();
    assert!(reader.observer.state().is_pending() && !reader.observer.has_next());
    stage.seconds(1);
    assert!(reader.observer.state().is_pending());
    reader.observer.fetch_next();
    stage.client.restore_scope();
    stage.seconds(9);
    assert_eq!((listed(&reader), stage.server.requests()), (vec![(1, 2), (2, 3), (3, 4)], 3));
}

#[test]
fn what_is_public_outlives_the_scope_with_all_its_pages() {
    let stage = stage();
    let public =
        Feed { options: |defaults| defaults.retry(0).public(true).stale_after(minutes(5)), ..feed() };
    let reader = stage.read_pages(public, 2);
    stage.server.answer_by(|id| Ok(id + 1));
    reader.observer.fetch_next();
    stage.client.hold_scope();
    assert_eq!(listed(&reader).len(), 2);
    stage.client.end_scope();
    stage.seconds(9);
    assert_eq!((listed(&reader).len(), stage.server.requests()), (3, 3));
}

#[test]
fn pages_wait_for_the_network() {
    let stage = stage();
    stage.server.answer_by(|id| Ok(id + 1));
    stage.client.set_online(false);
    let reader = stage.read(feed());
    stage.seconds(9);
    assert!(matches!(reader.observer.state(), QueryState::Pending { paused: true, .. }));
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!((listed(&reader), stage.server.requests()), (vec![(1, 2)], 1));
    stage.client.set_online(false);
    reader.observer.fetch_next();
    stage.client.invalidate(feed().pages());
    stage.seconds(9);
    assert!(reader.observer.is_fetching_next());
    assert!(matches!(reader.observer.state(), QueryState::Ready { paused: true, .. }));
    stage.client.set_online(true);
    stage.seconds(9);
    assert_eq!(listed(&reader), [(1, 2), (2, 3)]);
    let mut asked = stage.asked_since(1);
    asked.sort_unstable();
    assert_eq!(asked, [1, 2], "each once");
}

#[test]
fn a_disabled_list_fetches_nothing_until_it_is_asked() {
    let stage = stage();
    let reader = stage.read(Feed { options: |defaults| defaults.enabled(false), ..feed() });
    stage.seconds(1);
    assert!(matches!(reader.observer.state(), QueryState::Idle));
    stage.server.answer_by(|id| Ok(id + 1));
    reader.observer.refetch();
    stage.seconds(1);
    assert_eq!((listed(&reader), stage.server.requests()), (vec![(1, 2)], 1));
    stage.client.invalidate(feed().pages());
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 1);
    reader.observer.follow(feed());
    stage.seconds(1);
    assert_eq!(stage.asked_since(1), [1]);
}

#[test]
fn who_turns_to_another_list_lets_go_of_the_old_one() {
    #[derive(Clone)]
    struct Of(u32);
    impl InfiniteQuery for Of {
        type Param = u32;
        type Data = u32;
        type Error = common::Fault;
        fn key(&self) -> query_cache::QueryKey {
            query_key!["of", self.0]
        }
        fn first(&self) -> u32 {
            self.0
        }
        fn next(&self, last: &query_cache::Page<Self>, _: &[query_cache::Page<Self>]) -> Option<u32> {
            Some(last.param + 1)
        }
        async fn fetch(&self, param: u32, cx: query_cache::FetchContext) -> Result<u32, common::Fault> {
            query_cache::Query::fetch(&common::Number(param, |d| d), cx).await
        }
    }
    let stage = stage();
    let reader = stage.read(Of(10));
    stage.seconds(1);
    reader.observer.fetch_next();
    stage.world.run();
    reader.observer.follow(Of(20));
    assert!(reader.observer.state().is_pending() && !reader.observer.is_fetching_next());
    stage.world.run();
    assert_eq!((stage.server.asked_for(), stage.server.aborted()), (vec![10, 11, 20], 1));
    stage.seconds(1);
    assert_eq!(listed(&reader).iter().map(|page| page.0).collect::<Vec<_>>(), [20]);
    assert_eq!(stage.client.observer_count(), 2);
    reader.observer.fetch_next();
    stage.seconds(1);
    assert_eq!(stage.client.get_pages(&Of(20)).unwrap().len(), 2);
    assert_eq!(stage.client.get_pages(&Of(10)).unwrap().len(), 1);
}

#[test]
fn nothing_is_left_of_a_client_that_goes_while_pages_are_fetched() {
    let stage = stage();
    let reader = stage.read_pages(feed(), 3);
    reader.observer.refetch();
    reader.observer.fetch_next();
    stage.client.prefetch_pages(feed(), 9);
    stage.millis(500);
    let common::Stage { world, client, server } = stage;
    drop(reader);
    drop(client);
    world.advance(minutes(1));
    assert_eq!((world.task_count(), world.alarm_at(), server.aborted()), (0, None, 2));
}

type Own = Rc<RefCell<Option<Rc<InfiniteObserver<Turning>>>>>;

/// Has who watches it turn to the next one, when it is asked for its next page.
#[derive(Clone)]
struct Turning(u32, Own);

impl InfiniteQuery for Turning {
    type Param = u32;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["turning", self.0]
    }
    fn first(&self) -> u32 {
        1
    }
    fn next(&self, _: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        let own = self.1.take();
        if let Some(own) = own {
            own.follow(Turning(self.0 + 1, self.1.clone()));
        }
        None
    }
    async fn fetch(&self, _: u32, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(self.0, |defaults| defaults), cx).await
    }
}

#[test]
fn who_turns_to_another_list_while_looking_sees_no_page_of_the_old_one() {
    let stage = stage();
    stage.server.answer_by(Ok);
    let own = Own::default();
    let observer = Rc::new(stage.client.observe_pages(Turning(10, own.clone()), || {}));
    own.replace(Some(observer.clone()));
    stage.seconds(5);
    let pages: Vec<_> = observer.state().data().unwrap().iter().map(|page| *page.data).collect();
    assert_eq!((pages, stage.server.asked_for()), (vec![11], vec![10, 11]));
    assert_eq!(stage.client.observer_count(), 2);
}

/// Has who watches it turn to the next one, when it is asked how a further page is fetched.
#[derive(Clone)]
struct Fleeing(u32, Rc<RefCell<Option<Rc<InfiniteObserver<Fleeing>>>>>);

impl InfiniteQuery for Fleeing {
    type Param = u32;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["fleeing", self.0]
    }
    fn first(&self) -> u32 {
        1
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        let own = self.1.take();
        if let Some(own) = own {
            own.follow(Fleeing(self.0 + 1, self.1.clone()));
        }
        Some(last.param + 1)
    }
    async fn fetch(&self, _: u32, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(self.0, |defaults| defaults), cx).await
    }
}

#[test]
fn a_page_that_nobody_is_to_put_in_a_list_any_more_is_let_go_of() {
    let stage = stage();
    let own = Rc::<RefCell<Option<_>>>::default();
    let observer = Rc::new(stage.client.observe_pages(Fleeing(10, own.clone()), || {}));
    stage.seconds(1);
    own.replace(Some(observer.clone()));
    observer.fetch_next();
    stage.seconds(1);
    assert_eq!(stage.client.observer_count(), 2, "of the list that is watched, and its page");
    assert_eq!((stage.server.asked_for(), stage.server.aborted()), (vec![10, 11, 10], 1));
    drop(observer);
    stage.world.advance(minutes(10));
    assert_eq!((stage.client.query_count(), stage.client.observer_count()), (0, 0));
}

#[test]
fn pages_that_are_asked_for_in_the_new_scope_while_the_old_one_ends_are_fetched() {
    struct Asks(QueryClient, Rc<RefCell<Option<PagesFuture<Feed>>>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.1.replace(Some(self.0.query_pages(fresh(), 3)));
        }
    }
    let stage = stage();
    stage.server.answer_by(|id| Ok(id + 1));
    let made = Rc::<RefCell<Option<_>>>::default();
    let (client, call) = (stage.client.clone(), made.clone());
    stage.client.prefetch_pages(fresh(), 2);
    // Thrown away by the end of the scope.
    stage.client.prefetch(query(query_key!["held"], async move |_| {
        let _asks = Asks(client.clone(), call.clone());
        std::future::pending::<Result<u32, String>>().await
    }));
    stage.millis(500);
    stage.client.end_scope();
    let outcome = stage.spawn(made.take().unwrap());
    stage.seconds(9);
    assert_eq!(outcome.take().unwrap().unwrap().len(), 3);
    assert_eq!(stage.server.asked_for(), [1, 1, 2, 3]);
}
