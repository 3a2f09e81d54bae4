//! What the cache costs, and how that grows. `cargo xtask bench` compares the figures with their limits.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use query_cache::{
    Change, CombinedObserver, FetchContext, LocalBoxFuture, ManualEnvironment, Persist, Query, QueryClient,
    QueryFilter, QueryKey, QueryOptions, Results, ScopeName, StaleTime, Storage, StorageError, Stored,
    query_key,
};

/// One of many: `["group", id / 10, id]`, so that each group has ten.
struct Item(u32);

impl Query for Item {
    type Data = u32;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["group", self.0 / 10, self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale(StaleTime::WhenInvalidated)
    }
    async fn fetch(&self, _: FetchContext) -> Result<u32, String> {
        Ok(self.0)
    }
}

fn filled(entries: u32) -> (ManualEnvironment, QueryClient) {
    let world = ManualEnvironment::new(1);
    let client = QueryClient::new(world.clone());
    for id in 0..entries {
        client.set_data(&Item(id), id);
    }
    world.run();
    (world, client)
}

/// As many in a small cache as in a large one, each of a group of its own, spread over the whole: what differs
/// is how many others there are.
fn some(entries: u32) -> Vec<u32> {
    (0..64).map(|step| step * (entries / 64)).collect()
}

const SIZES: [u32; 2] = [1_000, 100_000];

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    for entries in SIZES {
        let (_world, client) = filled(entries);
        let ids = some(entries);
        group.bench_function(BenchmarkId::new("exact", entries), |bencher| {
            bencher.iter(|| {
                for id in &ids {
                    black_box(client.get_data(&Item(*id)));
                }
            });
        });
        group.bench_function(BenchmarkId::new("invalidate", entries), |bencher| {
            bencher.iter(|| {
                for id in &ids {
                    client.invalidate(&Item(*id));
                }
            });
        });
        group.bench_function(BenchmarkId::new("prefix", entries), |bencher| {
            bencher.iter(|| {
                for id in &ids {
                    client.invalidate(QueryFilter::prefix(query_key!["group", *id / 10]));
                }
            });
        });
    }
    group.finish();
}

/// Any of a hundred thousand, at random: what the processor's caches do not hold has to be fetched from memory,
/// and that costs a `HashMap` with the same keys several times as much as a small one, too. So it is the measure.
fn at_random(criterion: &mut Criterion) {
    const ENTRIES: u32 = 100_000;
    let mut group = criterion.benchmark_group("at random");
    let mut state = 1_u32;
    let mut any = move || {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        Item(state % ENTRIES)
    };
    let map: HashMap<QueryKey, Rc<u32>> = (0..ENTRIES).map(|id| (Item(id).key(), Rc::new(id))).collect();
    group.bench_function("map", |bencher| bencher.iter(|| map.get(&any().key()).cloned()));
    drop(map);
    let (_world, client) = filled(ENTRIES);
    group.bench_function("cache", |bencher| bencher.iter(|| client.get_data(&any())));
    group.finish();
}

const OBSERVERS: u32 = 10_000;

fn one() -> impl Query<Data = (u32, u32), Error = String> {
    query_cache::query(query_key!["one"], async |_| Ok::<_, String>((0, 0)))
        .with_options(|options| options.stale(StaleTime::WhenInvalidated))
}

/// A write that all see, and one of which nobody's selection has changed. To see is to make the text that is
/// shown, which is the least that a component does; one that renders does twenty times as much.
fn writes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    let told = Rc::new(Cell::new(0_u64));
    let world = ManualEnvironment::new(1);
    let client = QueryClient::new(world.clone());
    client.set_data(&one(), (0, 0));
    let watch = |_| {
        let (told, client) = (told.clone(), client.downgrade());
        client.upgrade().unwrap().observe_select(
            one(),
            |data| data.0,
            move || {
                told.set(told.get() + 1);
                let data = client.upgrade().and_then(|client| client.get_data(&one()));
                black_box(data.map(|data| format!("{} of {}", data.0, data.1)));
            },
        )
    };
    let all: Vec<_> = (0..OBSERVERS).map(watch).collect();
    world.run();
    let mut next = 0;
    group.bench_function("all see", |bencher| {
        bencher.iter(|| {
            next += 1;
            client.set_data(&one(), (next, 0));
            world.run();
        });
    });
    assert!(told.get() >= u64::from(OBSERVERS));
    client.set_data(&one(), (u32::MAX, 0));
    world.run();
    told.set(0);
    group.bench_function("nobody selected", |bencher| {
        bencher.iter(|| {
            next += 1;
            client.set_data(&one(), (u32::MAX, next));
            world.run();
        });
    });
    assert_eq!(told.get(), 0);
    drop(all);
    group.finish();
}

/// Mounting and unmounting, in all and by observer.
fn observers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("observers");
    for number in [1_000, OBSERVERS] {
        group.bench_function(BenchmarkId::new("mount", number), |bencher| {
            bencher.iter_custom(|rounds| timed(rounds, number).0);
        });
        group.bench_function(BenchmarkId::new("unmount", number), |bencher| {
            bencher.iter_custom(|rounds| timed(rounds, number).1);
        });
        group.bench_function(BenchmarkId::new("unmount in order", number), |bencher| {
            bencher.iter_custom(|rounds| timed_in_order(rounds, number));
        });
    }
    group.finish();
}

fn timed(rounds: u64, number: u32) -> (Duration, Duration) {
    let (mut mounting, mut unmounting) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let (world, client) = filled(1);
        let start = Instant::now();
        let all: Vec<_> = (0..number).map(|_| client.observe(Item(0), || {})).collect();
        mounting += start.elapsed();
        world.run();
        let start = Instant::now();
        for observer in all.into_iter().rev() {
            drop(observer);
        }
        world.run();
        unmounting += start.elapsed();
    }
    (mounting, unmounting)
}

fn timed_in_order(rounds: u64, number: u32) -> Duration {
    let mut unmounting = Duration::ZERO;
    for _ in 0..rounds {
        let (world, client) = filled(1);
        let all: Vec<_> = (0..number).map(|_| client.observe(Item(0), || {})).collect();
        world.run();
        let start = Instant::now();
        drop(all);
        world.run();
        unmounting += start.elapsed();
    }
    unmounting
}

const FEW: u32 = 100;

/// The sum of as many as there are: what is asked of each is its data.
fn total(client: &QueryClient, number: u32) -> CombinedObserver<Item, u64> {
    let sum =
        |items: Results<'_, Item>| items.filter_map(|item| item.data()).map(|data| u64::from(*data)).sum();
    client.observe_all((0..number).map(Item), sum, || {})
}

/// Many folded into one, in all by item, and one answer among many, by a fold that looks at one of them.
fn combined(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("combined");
    for number in [FEW, OBSERVERS] {
        group.bench_function(BenchmarkId::new("mount", number), |bencher| {
            bencher.iter_custom(|rounds| timed_total(rounds, number)[0]);
        });
        group.bench_function(BenchmarkId::new("all change", number), |bencher| {
            bencher.iter_custom(|rounds| timed_total(rounds, number)[1]);
        });
        group.bench_function(BenchmarkId::new("all again", number), |bencher| {
            bencher.iter_custom(|rounds| timed_total(rounds, number)[2]);
        });
        group.bench_function(BenchmarkId::new("unmount", number), |bencher| {
            bencher.iter_custom(|rounds| timed_total(rounds, number)[3]);
        });
        let (world, client) = filled(number);
        let one = number / 2;
        let fold = move |items: Results<'_, Item>| {
            items.get(one as usize).and_then(|item| item.data()).map(|data| *data)
        };
        let folded = client.observe_all((0..number).map(Item), fold, || {});
        world.run();
        let mut next = 0;
        group.bench_function(BenchmarkId::new("one answer", number), |bencher| {
            bencher.iter(|| {
                next += 1;
                client.set_data(&Item(one), next);
                world.run();
            });
        });
        assert_eq!(folded.get().as_deref(), Some(&Some(next)));
    }
    group.finish();
}

/// Mounting, a change of each in one turn, the same queries given anew, unmounting. By the clock, in that order.
fn timed_total(rounds: u64, number: u32) -> [Duration; 4] {
    let mut times = [Duration::ZERO; 4];
    // As many items in all, whatever the number: a hundred of hundred, or one of ten thousand.
    let repeats = OBSERVERS / number;
    for _ in 0..rounds {
        for _ in 0..repeats {
            let (world, client) = filled(number);
            let start = Instant::now();
            let sum = total(&client, number);
            world.run();
            times[0] += start.elapsed() / repeats;
            (0..number).for_each(|id| client.set_data(&Item(id), id + 1));
            let start = Instant::now();
            world.run();
            times[1] += start.elapsed() / repeats;
            assert_eq!(sum.get().as_deref(), Some(&(1..=u64::from(number)).sum()));
            let start = Instant::now();
            sum.follow((0..number).map(Item));
            times[2] += start.elapsed() / repeats;
            let start = Instant::now();
            drop(sum);
            world.run();
            times[3] += start.elapsed() / repeats;
        }
    }
    times
}

/// One of many that travel.
struct Row(u32);

impl Query for Row {
    type Data = (u32, String);
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["row", self.0 / 10, self.0]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        defaults.stale(StaleTime::WhenInvalidated).dehydrated()
    }
    async fn fetch(&self, _: FetchContext) -> Result<(u32, String), String> {
        Ok((0, String::new()))
    }
}

/// 90 bytes of JSON.
fn title(id: u32) -> (u32, String) {
    (id, format!("The title of row {id}, as long as titles are, \"quotes\" and all"))
}

/// The whole cache as JSON and back: what it costs to write, to take in, and to decode where all is asked for.
fn hydration(criterion: &mut Criterion) {
    const ENTRIES: u32 = 10_000;
    let client = || {
        let client = QueryClient::new(ManualEnvironment::new(1));
        client.name_scope(ScopeName::new("user_1"));
        client
    };
    let full = client();
    for id in 0..ENTRIES {
        full.set_data(&Row(id), title(id));
    }
    let json = full.dehydrate(QueryFilter::all()).json;
    let mut group = criterion.benchmark_group("hydration");
    group.bench_function("dehydrate 10000", |bencher| {
        bencher.iter(|| black_box(full.dehydrate(QueryFilter::all())).written);
    });
    group.bench_function("hydrate 10000", |bencher| {
        bencher.iter_with_large_drop(|| {
            let client = client();
            assert_eq!(client.hydrate(&json).unwrap().taken, ENTRIES as usize);
            client
        });
    });
    group.bench_function("hydrate 10000 and read all", |bencher| {
        bencher.iter_with_large_drop(|| {
            let client = client();
            client.hydrate(&json).unwrap();
            assert!((0..ENTRIES).all(|id| client.get_data(&Row(id)).is_some()));
            client
        });
    });
    group.finish();
}

/// A storage that has no more to do than it must.
#[derive(Clone, Default)]
struct Shelf(Rc<RefCell<BTreeMap<String, String>>>);

impl Storage for Shelf {
    fn get(&self, name: &str) -> LocalBoxFuture<Result<Option<String>, StorageError>> {
        let found = self.0.borrow().get(name).cloned();
        Box::pin(async { Ok(found) })
    }
    fn write(&self, changes: Rc<[Change]>) -> LocalBoxFuture<Result<(), StorageError>> {
        let mut held = self.0.borrow_mut();
        for change in &*changes {
            match change {
                Change::Put(Stored { name, text }) => drop(held.insert(name.clone(), text.clone())),
                Change::Remove(name) => drop(held.remove(name)),
            }
        }
        Box::pin(async { Ok(()) })
    }
    fn list(&self, _: &str) -> LocalBoxFuture<Result<Vec<Stored>, StorageError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn clear(&self, _: &str) -> LocalBoxFuture<Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
    }
}

/// One write among many that are stored: encoded, and put on the storage.
fn storage(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("storage");
    for entries in [FEW, OBSERVERS] {
        let world = ManualEnvironment::new(1);
        let client = QueryClient::new(world.clone());
        client.name_scope(ScopeName::new("user_1"));
        let shelf = Shelf::default();
        client.persist(Persist::new(shelf.clone(), "build 1").budget(usize::MAX));
        world.run();
        (0..entries).for_each(|id| client.set_data(&Row(id), title(id)));
        world.run();
        assert_eq!(shelf.0.borrow().len(), 2 * entries as usize);
        let mut next = 0;
        group.bench_function(BenchmarkId::new("one dirty", entries), |bencher| {
            bencher.iter(|| {
                next += 1;
                client.set_data(&Row(entries / 2), title(next));
                world.run();
            });
        });
        let last = title(next).1;
        let held = shelf.0.borrow();
        assert!(held.values().any(|text| text.contains(&last[..24])), "what was written last is there");
    }
    group.finish();
}

criterion_group! {
    name = costs;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3));
    targets = lookups, at_random, writes, observers, combined, hydration, storage
}
criterion_main!(costs);
