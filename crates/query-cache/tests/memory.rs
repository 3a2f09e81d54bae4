//! What an idle query takes. Alone in its file: the allocator counts for the whole program.
#![allow(clippy::unwrap_used)]

use query_cache::{FetchContext, ManualEnvironment, Query, QueryClient, QueryKey, query_key};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

struct Number(u32);

impl Query for Number {
    type Data = u32;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["number", self.0]
    }
    async fn fetch(&self, _: FetchContext) -> Result<u32, String> {
        Ok(self.0)
    }
}

/// Ten thousand queries, each with data and one observer; the observers' own handles are counted, too.
#[test]
fn an_idle_query_with_one_observer_takes_less_than_a_thousand_bytes() {
    const ENTRIES: u32 = 10_000;
    let _profiler = dhat::Profiler::builder().testing().build();
    let world = ManualEnvironment::new(1);
    let client = QueryClient::new(world.clone());
    let bytes = || dhat::HeapStats::get().curr_bytes;
    let before = bytes();
    let all: Vec<_> = (0..ENTRIES).map(|number| client.observe(Number(number), || {})).collect();
    world.run();
    let each = (bytes() - before) / all.len();
    assert!(all.iter().all(|one| one.state().data().is_some()));
    println!("{each} bytes");
    assert!(each < 1000, "{each} bytes");
    if cfg!(target_pointer_width = "64") {
        assert!(each > 300, "{each} bytes: too good to be true");
    }

    // What goes leaves nothing behind but room for as many: it does not grow when they come again.
    let room = |all: Vec<_>| {
        drop::<Vec<query_cache::QueryObserver<Number>>>(all);
        client.clear();
        world.run();
        bytes()
    };
    let first = room(all);
    let again = room((0..ENTRIES).map(|number| client.observe(Number(number), || {})).collect());
    assert!(again <= first + first / 20, "{first} bytes, then {again}");
}
