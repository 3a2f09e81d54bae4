//! The queries: seven keys, each with a policy of its own.

use std::rc::Weak;

use query_cache::{
    FetchContext, GcTime, NetworkMode, Query, QueryKey, QueryOptions, Refetch, StaleTime, Timestamp,
    query_key, seconds,
};

use super::model::{MILLIS, SHORTEST_GC};
use super::server;
use super::value::{Fault, Live, Origin, Value};
use super::world::{Place, World, spark};

pub const KEYS: usize = 7;

/// What belongs to everybody.
pub const PUBLIC: usize = 4;
/// What an outside source feeds.
pub const FED: usize = 2;
/// What is never stale.
pub const FIXED: usize = 5;
/// What is fetched whether there is a network or not, begins with data, and judges its errors.
pub const OWN: usize = 6;
/// What goes on when nobody wants it any more, and tries once without a network.
pub const DEAR: usize = 3;
/// What is not thrown away.
pub const KEPT: usize = FED;

const NAMES: [(&str, u32); KEYS] =
    [("list", 0), ("list", 1), ("item", 2), ("item", 3), ("open", 4), ("item", 5), ("own", 6)];

pub fn name_of(key: usize) -> String {
    format!("{}/{}", NAMES[key].0, NAMES[key].1)
}

pub fn key_of(key: usize) -> QueryKey {
    query_key![NAMES[key].0, NAMES[key].1]
}

pub fn prefix_of(key: usize) -> QueryKey {
    query_key![NAMES[key].0]
}

pub fn have_prefix_of(key: usize) -> impl Iterator<Item = usize> {
    (0..KEYS).filter(move |other| NAMES[*other].0 == NAMES[key].0)
}

pub fn retries(key: usize) -> u32 {
    [1, 2, 0, 2, 1, 1, 2][key]
}

pub fn network(key: usize) -> NetworkMode {
    match key {
        OWN => NetworkMode::Always,
        DEAR => NetworkMode::OfflineFirst,
        _ => NetworkMode::Online,
    }
}

/// What an observer has a say in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub enabled: bool,
    pub interval: bool,
    pub on_mount: Refetch,
    pub previous: bool,
    pub placeholder: bool,
    pub select: bool,
}

impl Look {
    pub const PLAIN: Look = Look {
        enabled: true,
        interval: false,
        on_mount: Refetch::WhenStale,
        previous: false,
        placeholder: false,
        select: false,
    };
}

pub struct Item {
    pub key: usize,
    look: Look,
    world: Weak<World>,
    _live: Live,
}

impl World {
    pub fn item(&self, key: usize, look: Look) -> Item {
        Item { key, look, world: self.me(), _live: self.live("query") }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        spark(&self.world, Place::Drop);
    }
}

impl Query for Item {
    type Data = Value;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        key_of(self.key)
    }

    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        spark(&self.world, Place::Options);
        let Look { enabled, interval, on_mount, previous, placeholder, .. } = self.look;
        let options = defaults
            .retry(retries(self.key))
            .backoff(100 * MILLIS, 400 * MILLIS)
            .network(network(self.key))
            .enabled(enabled)
            .interval(if interval { seconds(9) } else { seconds(0) })
            .refetch_on_mount(on_mount)
            .keep_previous(previous);
        let (key, world) = (self.key, self.world.clone());
        let options = if placeholder {
            let world = world.clone();
            options.placeholder(move || {
                let made = world.upgrade().map(|world| world.value(key, Origin::StandIn));
                spark(&world, Place::Begin);
                made
            })
        } else {
            options
        };
        match self.key {
            0 => options.gc_after(seconds(30)),
            1 => options.stale_after(seconds(20)).gc_after(SHORTEST_GC).keep_equal(),
            FED => options
                .stale(StaleTime::WhenInvalidated)
                .gc(GcTime::Never)
                .fed_by(move |cx| world.upgrade().map(|world| world.open(cx))),
            DEAR => options.stale_after(seconds(5)).finishes_unwatched(true),
            PUBLIC => options.stale_after(seconds(10)).gc_after(seconds(20)).public(true),
            FIXED => options.stale(StaleTime::Static).gc_after(seconds(15)),
            _ => {
                let judge = self.world.clone();
                let options = options.stale_after(seconds(2)).initial_data_of(move || {
                    let made = world.upgrade().map(|world| (world.value(key, Origin::Begun), OLD));
                    spark(&world, Place::Begin);
                    made
                });
                options.retry_if(move |fault| {
                    spark(&judge, Place::Judge);
                    !fault.hopeless
                })
            }
        }
    }

    async fn fetch(&self, cx: FetchContext) -> Result<Value, Fault> {
        server::answer(self.world.clone(), self.key, cx).await
    }
}

/// Long before the simulation begins.
const OLD: Timestamp = Timestamp::from_millis(1_000_000);
