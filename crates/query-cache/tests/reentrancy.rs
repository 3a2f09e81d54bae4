//! User code may call the client from anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    Classify, ErrorClass, FetchContext, ManualEnvironment, Query, QueryClient, QueryFilter, QueryKey,
    QueryObserver, QueryOptions, WeakQueryClient, query, query_key, seconds,
};

/// Data, error and query that call the client when they are dropped, and the data when it is compared.
struct Bomb {
    client: WeakQueryClient,
    drops: Rc<Cell<usize>>,
    /// How often it may still go off: a fetch that invalidates itself has no end of its own.
    fuel: Rc<Cell<usize>>,
}

impl Bomb {
    fn new(client: &QueryClient, drops: &Rc<Cell<usize>>, fuel: &Rc<Cell<usize>>) -> Self {
        Bomb { client: client.downgrade(), drops: drops.clone(), fuel: fuel.clone() }
    }

    fn go_off(&self) {
        let Some(client) = self.client.upgrade() else { return };
        let Some(fuel) = self.fuel.get().checked_sub(1) else { return };
        self.fuel.set(fuel);
        let plain = query(query_key!["plain"], async |_| Ok::<u8, String>(1));
        client.set_data(&plain, 2);
        client.invalidate(QueryFilter::all());
        client.refetch(&plain);
        client.get_data(&plain);
        client.remove(&plain);
        client.set_online(true);
        client.alarm();
        client.provide(5_u8);
        drop(client.observe(plain, || {}));
        assert!(client.query_count() < 1000);
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        self.go_off();
    }
}

impl PartialEq for Bomb {
    fn eq(&self, _: &Self) -> bool {
        self.go_off();
        true
    }
}

impl Classify for Bomb {
    fn class(&self) -> ErrorClass {
        self.go_off();
        ErrorClass::RETRYABLE
    }
}

struct BombQuery {
    bomb: Bomb,
    world: ManualEnvironment,
    fails: Rc<Cell<bool>>,
}

impl Query for BombQuery {
    type Data = Bomb;
    type Error = Bomb;

    fn key(&self) -> QueryKey {
        self.bomb.go_off();
        query_key!["bomb"]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        self.bomb.go_off();
        defaults.retry(1)
    }
    async fn fetch(&self, _: FetchContext) -> Result<Bomb, Bomb> {
        let client = self.bomb.client.upgrade().expect("a client");
        let held = Bomb::new(&client, &self.bomb.drops, &self.bomb.fuel);
        drop(client);
        self.bomb.go_off();
        self.world.sleep(seconds(1)).await;
        if self.fails.get() { Err(held) } else { Ok(held) }
    }
}

#[test]
fn data_errors_queries_and_listeners_may_call_the_client() {
    for seed in 0..300 {
        let world = ManualEnvironment::new(seed);
        let client = QueryClient::new(world.clone());
        let drops = Rc::new(Cell::new(0));
        let fuel = Rc::new(Cell::new(0));
        let fails = Rc::new(Cell::new(false));
        let watch = |client: &QueryClient| {
            let in_listener = Bomb::new(client, &drops, &fuel);
            let bomb = Bomb::new(client, &drops, &fuel);
            let query = BombQuery { bomb, world: world.clone(), fails: fails.clone() };
            client.observe(query, move || in_listener.go_off())
        };
        let mut viewers: Vec<QueryObserver<BombQuery>> = vec![watch(&client)];
        for step in 0..40 {
            fuel.set(50);
            match query_cache::Environment::random(&world) % 10 {
                0 => viewers.push(watch(&client)),
                1 => drop(viewers.pop()),
                2 => client.end_scope(),
                3 => client.hold_scope(),
                4 => client.restore_scope(),
                5 => fails.set(step % 2 == 0),
                6 => client.set_online(step % 2 == 0),
                7 => client.clear(),
                8 => client.invalidate(QueryFilter::all()),
                _ => world.advance(Duration::from_millis(700)),
            }
        }
        fuel.set(50);
        client.set_online(true);
        client.restore_scope();
        drop(viewers);
        client.clear();
        world.advance(seconds(3600));
        assert_eq!((client.observer_count(), world.task_count()), (0, 0), "seed {seed}");
        assert!(drops.get() > 2, "seed {seed}: bombs went off");
        // What went off last has left entries behind; they go when their time is up.
        assert_eq!(client.query_count(), 0, "seed {seed}");
    }
}

#[test]
fn an_observer_may_be_dropped_in_its_own_callback() {
    let stage = common::stage();
    let held: Rc<RefCell<Option<QueryObserver<common::Number>>>> = Rc::default();
    let slot = held.clone();
    let observer = stage.client.observe(common::one(), move || drop(slot.borrow_mut().take()));
    *held.borrow_mut() = Some(observer);
    stage.seconds(1);
    assert!(held.borrow().is_none());
    assert_eq!(stage.client.observer_count(), 0);
}

#[test]
fn a_listener_dropped_by_an_earlier_one_is_not_called() {
    for seed in 0..20 {
        let stage = common::stage_with_seed(seed);
        let held: Rc<RefCell<Option<QueryObserver<common::Number>>>> = Rc::default();
        let slot = held.clone();
        let _first = stage.client.observe(common::one(), move || drop(slot.borrow_mut().take()));
        let second = stage.client.observe(common::one(), || panic!("told after it let go"));
        *held.borrow_mut() = Some(second);
        stage.seconds(1);
        assert!(held.borrow().is_none());
    }
}

#[test]
fn a_fetch_may_call_itself_off() {
    let stage = common::stage();
    let dropped = Rc::new(Cell::new(false));
    let guard = dropped.clone();
    let client = stage.client.downgrade();
    let world = stage.world.clone();
    let fetch = async move |_: FetchContext| {
        struct Guard(Rc<Cell<bool>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let _guard = Guard(guard.clone());
        world.sleep(seconds(1)).await;
        if let Some(client) = client.upgrade() {
            client.hold_scope();
            client.end_scope();
            client.hold_scope();
        }
        world.sleep(seconds(1)).await;
        Ok::<u8, String>(1)
    };
    let viewer = stage.watch(query(query_key!["self"], fetch));
    stage.seconds(1);
    assert!(dropped.get(), "dropped as soon as it let go of the thread");
    stage.seconds(10);
    assert_eq!((common::shows(&viewer), stage.world.task_count()), ("pending".to_owned(), 0));
}

#[test]
fn data_may_call_the_client_while_what_is_written_is_compared_with_it() {
    type Act = fn(&QueryClient);
    struct Compared(u32, Rc<Cell<Option<(QueryClient, Act)>>>);
    impl PartialEq for Compared {
        fn eq(&self, other: &Self) -> bool {
            if let Some((client, act)) = self.1.take().or_else(|| other.1.take()) {
                act(&client);
            }
            self.0 == other.0
        }
    }
    let held = || query(query_key!["held"], async |_| Err::<Compared, _>("never".to_owned()));
    let keeping = || held().with_options(|options| options.keep_equal());
    // What is left of a write, and of an update, which brings nothing back.
    let acts: [(Act, [Option<u32>; 2]); 3] = [
        (QueryClient::end_scope, [None, None]),
        (QueryClient::clear, [Some(2), None]),
        (|client| client.invalidate(QueryFilter::all()), [Some(2), Some(2)]),
    ];
    for (act, left) in acts {
        for (by_update, left) in [false, true].into_iter().zip(left) {
            let world = ManualEnvironment::new(1);
            let client = QueryClient::new(world.clone());
            let acts = Rc::new(Cell::new(None));
            client.set_data(&keeping(), Compared(1, acts.clone()));
            acts.set(Some((client.clone(), act)));
            if by_update {
                client.update(&keeping(), |_| Some(Compared(2, Rc::default())));
            } else {
                client.set_data(&keeping(), Compared(2, Rc::default()));
            }
            assert!(acts.take().is_none(), "it was compared");
            assert_eq!(client.get_data(&held()).map(|held| held.0), left);
        }
    }
}
