//! Lists, folds and streams whose own code calls the client, from wherever it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::Stream;
use query_cache::{
    Classify, CombinedObserver, Environment, ErrorClass, FetchContext, InfiniteObserver, InfiniteQuery,
    ManualEnvironment, Page, PageOrder, PageQuery, Query, QueryClient, QueryFilter, QueryKey, QueryOptions,
    Segment, WeakQueryClient, minutes, query_key, seconds,
};

/// Calls the client, at random, as often as it may.
#[derive(Clone)]
struct Bomb(Rc<Inner>);

struct Inner {
    world: ManualEnvironment,
    client: WeakQueryClient,
    fuel: Cell<usize>,
    went_off: Cell<usize>,
    lists: RefCell<Vec<Rc<InfiniteObserver<List>>>>,
    folds: RefCell<Vec<Rc<CombinedObserver<Lit, Sum>>>>,
    fails: Cell<bool>,
}

impl Bomb {
    fn go_off(&self) {
        let Some(client) = self.0.client.upgrade() else { return };
        let Some(fuel) = self.0.fuel.get().checked_sub(1) else { return };
        self.0.fuel.set(fuel);
        self.0.went_off.set(self.0.went_off.get() + 1);
        let random = self.0.world.random();
        let pick = usize::try_from(random >> 32).unwrap();
        let list = self.0.lists.borrow().get(pick % 3).cloned();
        let fold = self.0.folds.borrow().get(pick % 3).cloned();
        match random % 22 {
            0 => client.end_scope(),
            1 => {
                client.hold_scope();
                client.restore_scope();
            }
            2 => client.invalidate(QueryFilter::all()),
            3 => client.remove(List(self.clone(), 1).pages()),
            4 => client.cancel(QueryFilter::all()),
            5 => client.set_pages(&List(self.clone(), 1), [(Param(1, self.clone()), Lit::of(self))]),
            6 => client.prefetch_pages(List(self.clone(), 1), 3),
            7 => drop(client.query_pages(List(self.clone(), 1), 2)),
            8 => drop(client.get_pages(&List(self.clone(), 1))),
            9 => {
                client.set_online(false);
                client.set_online(true);
            }
            10 => client.set_data(&List(self.clone(), 1).page(Param(2, self.clone())), Lit::of(self)),
            11 => drop(client.find(QueryFilter::all())),
            12 => list.into_iter().for_each(|list| list.fetch_next()),
            13 => list.into_iter().for_each(|list| list.fetch_previous()),
            14 => list.into_iter().for_each(|list| list.refetch()),
            15 => list.into_iter().for_each(|list| list.refetch_pages(|page| page.param.0 % 2 == 0)),
            16 => list.into_iter().for_each(|list| list.follow(List(self.clone(), pick % 2))),
            17 => {
                let gone = self.0.lists.borrow_mut().pop();
                drop(gone);
            }
            18 => {
                fold.into_iter().for_each(|fold| fold.follow((0..pick % 4).map(|id| Lit(id, self.clone()))))
            }
            19 => {
                let gone = self.0.folds.borrow_mut().pop();
                drop(gone);
            }
            20 => drop(list.map(|list| list.state())),
            _ => drop(fold.map(|fold| fold.get())),
        }
    }
}

/// A parameter, whose every use goes off.
struct Param(u32, Bomb);

impl Clone for Param {
    fn clone(&self) -> Self {
        self.1.go_off();
        Param(self.0, self.1.clone())
    }
}

impl Drop for Param {
    fn drop(&mut self) {
        self.1.go_off();
    }
}

impl From<Param> for Segment {
    fn from(param: Param) -> Segment {
        param.1.go_off();
        Segment::from(param.0)
    }
}

/// Data, an error and a query.
struct Lit(usize, Bomb);

impl Lit {
    fn of(bomb: &Bomb) -> Lit {
        Lit(1, bomb.clone())
    }
}

impl Drop for Lit {
    fn drop(&mut self) {
        self.1.go_off();
    }
}

impl Clone for Lit {
    fn clone(&self) -> Self {
        self.1.go_off();
        Lit(self.0, self.1.clone())
    }
}

impl Classify for Lit {
    fn class(&self) -> ErrorClass {
        self.1.go_off();
        ErrorClass::RETRYABLE
    }
}

/// Comes in pieces.
impl Query for Lit {
    type Data = Lit;
    type Error = Lit;

    fn key(&self) -> QueryKey {
        self.1.go_off();
        query_key!["lit", u32::try_from(self.0).unwrap()]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        self.1.go_off();
        defaults.retry(1)
    }
    async fn fetch(&self, cx: FetchContext) -> Result<Lit, Lit> {
        let pieces = Pieces(self.1.clone(), 3, None);
        let stream = if self.0.is_multiple_of(2) { cx.stream(pieces).append() } else { cx.stream(pieces) };
        stream
            .fold(Lit::of(&self.1), |all, piece| {
                piece.1.go_off();
                all.0 += piece.0;
            })
            .await
    }
}

struct Pieces(Bomb, usize, Option<query_cache::LocalBoxFuture<()>>);

impl Stream for Pieces {
    type Item = Result<Lit, Lit>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.go_off();
        let world = self.0.0.world.clone();
        let sleep = self.2.get_or_insert_with(|| Box::pin(async move { world.sleep(seconds(1)).await }));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.2 = None;
        let Some(left) = self.1.checked_sub(1) else { return Poll::Ready(None) };
        self.1 = left;
        let lit = Lit::of(&self.0);
        Poll::Ready(Some(if self.0.0.fails.get() { Err(lit) } else { Ok(lit) }))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.0.go_off();
    }
}

/// What a fold makes.
struct Sum(usize, Bomb);

impl PartialEq for Sum {
    fn eq(&self, other: &Sum) -> bool {
        self.1.go_off();
        self.0 == other.0
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        self.1.go_off();
    }
}

/// Of two lists, each fetched in another order.
#[derive(Clone)]
struct List(Bomb, usize);

impl InfiniteQuery for List {
    type Param = Param;
    type Data = Lit;
    type Error = Lit;

    fn key(&self) -> QueryKey {
        self.0.go_off();
        query_key!["list", u32::try_from(self.1).unwrap()]
    }
    fn first(&self) -> Param {
        self.0.go_off();
        Param(5, self.0.clone())
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<Param> {
        self.0.go_off();
        (last.param.0 < 9).then(|| Param(last.param.0 + 1, self.0.clone()))
    }
    fn previous(&self, first: &Page<Self>, _: &[Page<Self>]) -> Option<Param> {
        self.0.go_off();
        (first.param.0 > 1).then(|| Param(first.param.0 - 1, self.0.clone()))
    }
    fn max_pages(&self) -> Option<usize> {
        self.0.go_off();
        Some(4)
    }
    fn order(&self) -> PageOrder {
        self.0.go_off();
        if self.1 == 0 { PageOrder::Parallel } else { PageOrder::Sequence }
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        self.0.go_off();
        defaults.retry(0)
    }
    async fn fetch(&self, param: Param, _: FetchContext) -> Result<Lit, Lit> {
        self.0.go_off();
        self.0.0.world.sleep(seconds(1)).await;
        drop(param);
        let lit = Lit::of(&self.0);
        if self.0.0.fails.get() { Err(lit) } else { Ok(lit) }
    }
}

#[test]
fn whatever_belongs_to_lists_folds_and_streams_may_call_the_client() {
    for seed in 0..200 {
        let world = ManualEnvironment::new(seed);
        let client = QueryClient::new(world.clone());
        let bomb = Bomb(Rc::new(Inner {
            world: world.clone(),
            client: client.downgrade(),
            fuel: Cell::new(0),
            went_off: Cell::new(0),
            lists: RefCell::default(),
            folds: RefCell::default(),
            fails: Cell::new(false),
        }));
        for step in 0..60 {
            bomb.0.fuel.set(20);
            match world.random() % 8 {
                0 => {
                    let told = bomb.clone();
                    let list = client.observe_pages(List(bomb.clone(), step % 2), move || told.go_off());
                    bomb.0.lists.borrow_mut().push(Rc::new(list));
                }
                1 => {
                    let (told, folds) = (bomb.clone(), bomb.clone());
                    let fold = client.observe_all(
                        (0..3).map(|id| Lit(id, bomb.clone())),
                        move |found| {
                            folds.go_off();
                            let sum = found.filter_map(|one| one.data()).map(|lit| lit.0).sum();
                            Sum(sum, folds.clone())
                        },
                        move || told.go_off(),
                    );
                    bomb.0.folds.borrow_mut().push(Rc::new(fold));
                }
                2 => bomb.0.fails.set(step % 3 == 0),
                3 => client.end_scope(),
                _ => {
                    let list = bomb.0.lists.borrow().last().cloned();
                    list.into_iter().for_each(|list| list.fetch_next());
                }
            }
            world.advance(std::time::Duration::from_millis(700));
        }
        assert!(bomb.0.went_off.get() > 100, "seed {seed}: {}", bomb.0.went_off.get());
        bomb.0.fuel.set(0);
        let (lists, folds) = (bomb.0.lists.take(), bomb.0.folds.take());
        drop((lists, folds));
        world.advance(minutes(60));
        let left: Vec<_> = client.find(QueryFilter::all()).iter().map(|info| info.key().clone()).collect();
        assert_eq!((left, client.observer_count()), (vec![], 0), "seed {seed}");
        drop(client);
        world.run();
        assert_eq!(world.task_count(), 0, "seed {seed}");
    }
}
