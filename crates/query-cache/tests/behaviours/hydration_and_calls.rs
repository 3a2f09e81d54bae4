//! What is put in is in the cache, decoded or not: calls mean it, and decoding may call anything.

use std::cell::RefCell;

use query_cache::{Query, QueryClient, QueryFilter, ScopeName, Then, minutes, query, query_key};
use serde::{Deserialize, Deserializer, Serialize};

use crate::common::travels::number;
use crate::common::{Number, Stage, shows};
use crate::hydration::of;

/// Numbers 1 and 2, still JSON.
fn asleep() -> Stage {
    let (from, to) = (of("ada"), of("ada"));
    from.client.set_data(&number(1), 10);
    from.client.set_data(&number(2), 20);
    to.client.hydrate(&from.client.dehydrate(QueryFilter::all()).json).unwrap();
    to
}

#[test]
fn what_is_asleep_is_meant_by_every_filter_that_means_it() {
    type Case = (QueryFilter, [bool; 2]);
    let cases: [Case; 6] = [
        ((&number(1)).into(), [true, false]),
        (QueryFilter::exact(query_key!["number", 1]), [true, false]),
        (QueryFilter::prefix(query_key!["number"]), [true, true]),
        (QueryFilter::of::<Number>(), [true, true]),
        (QueryFilter::prefix(query_key!["number", 2]).query::<Number>(), [false, true]),
        (QueryFilter::all().active(), [false, false]),
    ];
    for (filter, meant) in cases {
        let stage = asleep();
        assert_eq!(stage.client.count(filter.clone()), meant.iter().filter(|meant| **meant).count());
        stage.client.invalidate_then(filter.clone(), Then::FetchAll);
        let outdated = [1, 2].map(|id| {
            stage.client.get_state(&number(id)).is_some() && {
                let snapshot = stage.client.snapshot(&number(id)).unwrap();
                snapshot.is_stale()
            }
        });
        assert_eq!(outdated, meant, "{filter:?}");
        assert_eq!(stage.server.requests(), 0);

        let stage = asleep();
        stage.client.remove(filter.clone());
        assert_eq!([1, 2].map(|id| stage.client.get_data(&number(id)).is_none()), meant, "{filter:?}");
        let stage = asleep();
        stage.client.reset(filter.clone());
        assert_eq!([1, 2].map(|id| stage.client.get_data(&number(id)).is_none()), meant, "{filter:?}");
    }
    let stage = asleep();
    stage.client.invalidate(QueryFilter::all().query::<Other>());
    assert!(!stage.client.snapshot(&number(1)).unwrap().is_stale(), "another type");
}

/// A type of query that nothing is of.
struct Other;

impl Query for Other {
    type Data = ();
    type Error = String;

    fn key(&self) -> query_cache::QueryKey {
        query_key!["other"]
    }
    async fn fetch(&self, _: query_cache::FetchContext) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn writes_and_updates_find_what_is_asleep() {
    let stage = asleep();
    let log = stage.log();
    stage.client.set_data(&number(1), 11);
    assert!(stage.client.update(&number(2), |held| Some(held? + 1)));
    stage.world.run();
    assert_eq!([1, 2].map(|id| stage.client.get_data(&number(id)).as_deref().copied()), [Some(11), Some(21)]);
    assert_eq!(log.take(), [r#"["number", 1] Written"#, r#"["number", 2] Written"#]);

    // What cannot be updated all at once, since nobody asked for it, is out of date at least.
    let stage = asleep();
    assert!(stage.client.get_data(&number(1)).is_some());
    assert_eq!(stage.client.update_all::<Number>(QueryFilter::all(), |held| Some(held + 1)), 1);
    assert_eq!(stage.client.get_data(&number(1)).as_deref(), Some(&11));
    let viewer = stage.watch(number(2));
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("20".to_owned(), true));
}

type Act = (QueryClient, fn(&QueryClient));

thread_local! {
    /// What decoding does.
    static DECODING: RefCell<Option<Act>> = const { RefCell::new(None) };
}

#[derive(Debug, PartialEq, Serialize)]
struct Nosy(u32);

impl<'de> Deserialize<'de> for Nosy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer)?;
        let act = DECODING.with_borrow(|act| act.clone());
        if let Some((client, act)) = act {
            act(&client);
        }
        Ok(Nosy(value))
    }
}

fn nosy() -> impl Query<Data = Nosy, Error = String> {
    query(query_key!["nosy"], async |_| Ok::<_, String>(Nosy(0)))
        .with_options(|options| options.dehydrated().stale_after(minutes(5)))
}

#[test]
fn decoding_may_call_the_client() {
    type Case = (fn(&QueryClient), Option<u32>);
    let cases: [Case; 7] = [
        (|client| drop(client.get_data(&nosy())), Some(7)),
        (|client| drop(client.observe(nosy(), || {})), Some(7)),
        (|client| client.set_data_of(&nosy(), Nosy(8), client.now()), Some(8)),
        (|client| client.remove(&nosy()), None),
        (QueryClient::clear, None),
        (QueryClient::end_scope, None),
        (
            |client| {
                client.end_scope();
                client.name_scope(ScopeName::new("grace"));
                client.set_data(&nosy(), Nosy(9));
            },
            Some(9),
        ),
    ];
    for (number, (act, left)) in cases.into_iter().enumerate() {
        let from = of("ada");
        from.client.set_data(&nosy(), Nosy(7));
        let json = from.client.dehydrate(QueryFilter::all()).json;
        let to = of("ada");
        to.seconds(1);
        to.client.hydrate(&json).unwrap();
        DECODING.set(Some((to.client.clone(), act)));
        let _found = to.client.get_data(&nosy());
        DECODING.set(None);
        to.world.run();
        let now = to.client.get_data(&nosy()).map(|data| data.0);
        assert_eq!(now, left, "case {number}");
        assert!(to.client.query_count() <= 1, "case {number}");
    }
}

#[test]
fn what_is_public_stays_public() {
    let public = |defaults: query_cache::QueryOptions<Number>| defaults.dehydrated().public(true);
    let (from, to) = (of("ada"), of("ada"));
    from.client.set_data(&Number(1, public), 10);
    to.client.hydrate(&from.client.dehydrate(QueryFilter::all()).json).unwrap();
    to.client.end_scope();
    assert_eq!(to.client.get_data(&Number(1, public)).as_deref(), Some(&10), "it outlives the scope, asleep");
    let again = of("grace");
    again.client.hydrate(&from.client.dehydrate(QueryFilter::all()).json).unwrap();
    assert_eq!(again.client.get_data(&number(1)), None, "a query that is somebody's is not made of it");
}
