//! Where options come from.

use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{FetchContext, Query, QueryFilter, QueryKey, minutes, query, query_key};

use crate::common::{one, shows, stage};
use crate::two;

/// Answers with the meta it was given.
fn echo(key: QueryKey) -> impl Query<Data = Option<u8>, Error = String> {
    query(key, async |cx: FetchContext| Ok::<_, String>(cx.meta::<u8>().as_deref().copied()))
}

#[test]
fn meta_is_kept_changed_inherited_and_handed_to_the_fetch() {
    let stage = stage();
    let key = || query_key!["echo"];
    let held = || stage.client.find(QueryFilter::exact(key()))[0].meta::<u8>().as_deref().copied();
    let viewer = stage.watch(echo(key()).with_options(|options| options.meta(1_u8)));
    stage.seconds(1);
    assert_eq!((shows(&viewer), held()), ("Some(1)".to_owned(), Some(1)));
    viewer.observer.follow(echo(key()).with_options(|options| options.meta(2_u8)));
    assert_eq!((shows(&viewer), held()), ("Some(1)".to_owned(), Some(2)));
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "Some(2)");

    let plain = stage.watch(echo(query_key!["plain"]));
    stage.client.set_default_options(|defaults| defaults.meta(9_u8));
    let inherits = stage.watch(echo(query_key!["inherits"]));
    stage.seconds(1);
    assert_eq!((shows(&plain), shows(&inherits)), ("None".to_owned(), "Some(9)".to_owned()));
    let by_meta = QueryFilter::all().matching(|info| info.meta::<u8>().is_some_and(|meta| *meta == 9));
    assert_eq!(stage.client.find(by_meta)[0].key(), &query_key!["inherits"]);
}

/// Writes down the order in which options are asked for, and how many attempts come of them.
struct Stages(Rc<RefCell<Vec<&'static str>>>);

impl Query for Stages {
    type Data = u32;
    type Error = &'static str;

    fn key(&self) -> QueryKey {
        query_key!["a", "b", "c"]
    }
    fn options(&self, defaults: query_cache::QueryOptions<Self>) -> query_cache::QueryOptions<Self> {
        self.0.borrow_mut().push("query");
        defaults.refetch_on_mount(query_cache::Refetch::No)
    }
    async fn fetch(&self, cx: FetchContext) -> Result<u32, &'static str> {
        Ok(u32::from(*cx.meta::<u8>().unwrap()))
    }
}

#[test]
fn options_come_from_the_client_then_prefixes_in_order_then_the_query_then_the_call() {
    let stage = stage();
    let order = Rc::new(RefCell::new(Vec::new()));
    let note = |what: &'static str| {
        let order = order.clone();
        move || order.borrow_mut().push(what)
    };
    let (first, second, client) = (note("long prefix"), note("short prefix"), note("client"));
    stage.client.set_prefix_options(query_key!["a", "b"], move |defaults| {
        first();
        defaults.meta(2_u8).stale_after(minutes(2))
    });
    stage.client.set_prefix_options(query_key!["a"], move |defaults| {
        second();
        defaults.meta(3_u8)
    });
    stage.client.set_default_options(move |defaults| {
        client();
        defaults.meta(1_u8).stale_after(minutes(1)).retry(7)
    });
    let options = Rc::new(RefCell::new(String::new()));
    let (seen, call) = (options.clone(), note("call"));
    let asked = Stages(order.clone()).with_options(move |options| {
        call();
        seen.replace(format!("{options:?}"));
        options
    });
    let viewer = stage.watch(asked);
    assert_eq!(*order.borrow(), ["client", "long prefix", "short prefix", "query", "call"]);
    stage.seconds(1);
    assert_eq!(shows(&viewer), "3", "the later prefix, though it is the shorter");
    let options = options.borrow();
    for set in ["retry: 7", "After(120s)", "on_mount: No", "on_focus: WhenStale"] {
        assert!(options.contains(set), "{set} in {options}");
    }
}

#[test]
fn a_later_default_for_the_same_prefix_replaces_the_earlier_and_holds_from_then_on() {
    let stage = stage();
    stage.server.fail(3);
    stage.client.set_prefix_options(query_key!["number"], |defaults| defaults.retry(5));
    let before = stage.watch(one());
    stage.client.set_prefix_options(query_key!["number"], |defaults| defaults.retry(0));
    let after = stage.watch(two());
    stage.seconds(600);
    assert_eq!((shows(&before), shows(&after)), ("4".to_owned(), "failed".to_owned()));
}

#[test]
fn a_prefix_says_nothing_of_shorter_or_other_keys() {
    let stage = stage();
    stage.client.set_prefix_options(query_key!["echo", 1], |defaults| defaults.meta(1_u8));
    let keys = [query_key!["echo"], query_key!["echo", 2], query_key!["echo", 1], query_key!["echo", 1, 5]];
    let shown: Vec<String> = keys
        .map(|key| stage.watch(echo(key)))
        .map(|viewer| {
            stage.seconds(1);
            shows(&viewer)
        })
        .into();
    assert_eq!(shown, ["None", "None", "Some(1)", "Some(1)"]);
}
