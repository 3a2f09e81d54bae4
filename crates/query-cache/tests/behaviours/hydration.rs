//! The cache as JSON, and back.

use std::cell::Cell;

use query_cache::{
    HydrateError, Query, QueryFilter, QueryKey, ScopeName, Segment, StaleTime, minutes, query, query_key,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::common::travels::number;
use crate::common::{BUSY, Number, Stage, one, shows, stage};

/// A stage for somebody.
pub(crate) fn of(name: &str) -> Stage {
    let stage = stage();
    stage.client.name_scope(ScopeName::new(name));
    stage
}

thread_local! {
    static DECODED: Cell<usize> = const { Cell::new(0) };
}

/// Counts how often one is decoded.
#[derive(Debug, PartialEq)]
struct Counted(u32);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.set(DECODED.get() + 1);
        u32::deserialize(deserializer).map(Counted)
    }
}

fn counted(id: u32) -> impl Query<Data = Counted, Error = String> {
    query(query_key!["counted", id], async |_| Ok::<_, String>(Counted(0)))
        .with_options(|options| options.dehydrated().stale_after(minutes(5)))
}

fn all(stage: &Stage) -> String {
    stage.client.dehydrate(QueryFilter::all()).json
}

#[test]
fn what_is_taken_out_of_one_cache_can_be_put_in_another() {
    let keys: [QueryKey; 4] = [
        query_key!["plain", 7],
        query_key![Segment::map([("page", Segment::from(1.5)), ("tags", Segment::from(vec!["a", "b"]))])],
        query_key![f64::NAN, u64::MAX, Segment::null(), true],
        query_key!["quoted \" \u{1F980}"],
    ];
    let text = |key: &QueryKey| {
        query(key.clone(), async |_| Ok::<Option<Vec<String>>, String>(None))
            .with_options(|options| options.dehydrated())
    };
    let (from, to) = (of("ada"), of("ada"));
    for (place, key) in keys.iter().enumerate() {
        let data = (place > 0).then(|| vec![format!("{key:?}")]);
        from.client.set_data(&text(key), data);
    }
    let out = from.client.dehydrate(QueryFilter::all());
    assert_eq!((out.written, out.skipped), (4, 0));
    let report = to.client.hydrate(&out.json).unwrap();
    assert_eq!((report.taken, report.older, report.refused, report.broken), (4, 0, 0, 0));
    for (place, key) in keys.iter().enumerate() {
        let data = to.client.get_data(&text(key)).expect("it is there");
        assert_eq!(*data, (place > 0).then(|| vec![format!("{key:?}")]));
    }
    assert!(serde_json::from_str::<serde_json::Value>(&out.json).is_ok(), "one JSON value");
    assert!(!format!("{out:?}").contains("plain"), "no data in what is logged");
}

#[test]
fn only_what_has_data_opts_in_and_is_meant_is_taken_out() {
    let stage = of("ada");
    stage.client.set_data(&number(1), 10);
    stage.client.set_data(&number(2), 20);
    stage.client.set_data(&Number(3, |defaults| defaults), 30);
    stage.server.fail(4);
    let _failed = stage.watch(number(4));
    stage.seconds(60);
    let out = stage.client.dehydrate(QueryFilter::all());
    assert_eq!((out.written, out.skipped), (2, 2));
    let out = stage.client.dehydrate(&number(2));
    assert_eq!((out.written, out.skipped), (1, 0));
    let to = of("ada");
    to.client.hydrate(&out.json).unwrap();
    assert_eq!(
        (to.client.get_data(&number(1)), to.client.get_data(&number(2)).as_deref()),
        (None, Some(&20))
    );
    let not_two = QueryFilter::all().matching(|info| *info.key() != query_key!["number", 2]);
    assert_eq!(stage.client.dehydrate(not_two).written, 1);
}

#[test]
fn older_data_never_replaces_newer_whether_that_was_asked_for_or_not() {
    let from = of("ada");
    from.client.set_data(&number(1), 1);
    from.client.set_data(&number(2), 1);
    let old = all(&from);
    from.seconds(10);
    from.client.set_data(&number(1), 2);
    from.client.set_data(&number(2), 2);
    let new = all(&from);

    for asked in [false, true] {
        let to = of("ada");
        to.seconds(20);
        let put = |json: &str| {
            let report = to.client.hydrate(json).unwrap();
            if asked {
                assert!(to.client.get_data(&number(1)).is_some());
            }
            (report.taken, report.older)
        };
        assert_eq!((put(&old), put(&new), put(&old), put(&new)), ((2, 0), (2, 0), (0, 2), (0, 2)));
        assert_eq!(to.client.get_data(&number(1)).as_deref(), Some(&2));
        to.client.set_data(&number(2), 3);
        put(&new);
        assert_eq!(to.client.get_data(&number(2)).as_deref(), Some(&3), "written here, later");
    }
}

#[test]
fn newer_data_is_shown_and_a_fetch_under_way_goes_on_and_wins() {
    let from = of("ada");
    from.seconds(30);
    from.client.set_data(&number(1), 70);
    let json = all(&from);

    let to = of("ada");
    let viewer = to.watch(number(1));
    to.seconds(1);
    assert_eq!(shows(&viewer), "1");
    to.seconds(60);
    viewer.observer.refetch();
    viewer.told();
    let log = to.log();
    assert_eq!(to.client.hydrate(&json).unwrap().taken, 1);
    assert_eq!((shows(&viewer), viewer.observer.is_fetching()), ("70".to_owned(), true));
    to.world.run();
    assert_eq!((viewer.told(), log.take()), (1, vec![r#"["number", 1] Restored"#.to_owned()]));
    to.seconds(1);
    assert_eq!((shows(&viewer), to.server.requests()), ("2".to_owned(), 2));
}

#[test]
fn what_is_put_in_does_not_clear_what_was_said_to_be_out_of_date_here() {
    let from = of("ada");
    from.seconds(30);
    from.client.set_data(&number(1), 70);
    from.client.set_data(&number(2), 70);
    let json = all(&from);
    let to = of("ada");
    to.client.set_data(&number(1), 10);
    let old = all(&to);
    to.client.set_data(&number(2), 10);
    to.seconds(60);
    // One that was asked for, and one that is still JSON.
    let asleep = of("ada");
    asleep.seconds(60);
    asleep.client.hydrate(&old).unwrap();
    for stage in [to, asleep] {
        stage.client.invalidate(&number(1));
        assert!(stage.client.hydrate(&json).unwrap().taken > 0);
        let viewers = [1, 2].map(|id| stage.watch(number(id).with_options(|options| options.enabled(false))));
        let outdated = viewers.each_ref().map(|viewer| viewer.observer.details().invalidated);
        assert_eq!(
            (viewers.each_ref().map(shows), outdated),
            (["70", "70"].map(str::to_owned), [true, false])
        );
    }
}

#[test]
fn what_is_put_in_is_idle_and_nothing_is_fetched_for_it() {
    let from = of("ada");
    from.client.set_data(&number(1), 10);
    from.client.invalidate(&number(1));
    let to = of("ada");
    to.client.hydrate(&all(&from)).unwrap();
    to.client.refetch(QueryFilter::all());
    to.client.set_focused(false);
    to.client.set_focused(true);
    to.seconds(10);
    assert_eq!((to.server.requests(), to.client.count(QueryFilter::all().fetching())), (0, 0));
    let viewer = to.watch(number(1).with_options(|options| options.enabled(false)));
    assert_eq!(shows(&viewer), "10");
    assert!(viewer.observer.details().invalidated, "out of date there, out of date here");
    let details = viewer.observer.details();
    assert_eq!((details.data_updates, details.updated_at.is_some()), (0, true));
}

#[test]
fn what_is_put_in_has_the_clients_defaults() {
    let from = of("ada");
    from.client.set_data(&number(1), 10);
    from.client.set_data(&number(2), 10);
    let to = of("ada");
    to.client.set_default_options(|defaults| defaults.gc_after(minutes(60)));
    to.client.set_prefix_options(query_key!["number", 2], |defaults| defaults.gc_after(minutes(1)));
    to.client.hydrate(&all(&from)).unwrap();
    to.world.advance(minutes(2));
    assert_eq!(to.client.query_count(), 1, "what nobody asks for goes in its time");
    assert_eq!(to.client.get_data(&number(1)).as_deref(), Some(&10));
    to.world.advance(minutes(61));
    assert_eq!(to.client.query_count(), 0);
}

#[test]
fn what_is_still_being_fetched_is_not_taken_out() {
    let stage = of("ada");
    let _first = stage.watch(number(1));
    stage.client.set_data(&number(2), 20);
    let refreshed = stage.watch(number(2));
    refreshed.observer.refetch();
    let out = stage.client.dehydrate(QueryFilter::all());
    assert_eq!((out.written, out.skipped), (1, 1), "the data there is, without the fetch");
}

#[test]
fn what_was_put_in_is_there_at_the_first_look_with_its_own_time() {
    let from = of("ada");
    from.client.set_data(&number(1), 10);
    let json = all(&from);
    for (passed, requests) in [(299, 0), (300, 1)] {
        let to = of("ada");
        to.seconds(passed);
        to.client.hydrate(&json).unwrap();
        let viewer = to.watch(number(1));
        assert_eq!(shows(&viewer), "10", "not pending, not for a moment");
        assert_eq!(viewer.observer.is_fetching(), requests == 1);
        assert_eq!(viewer.observer.details().updated_at, Some(from.client.now()));
        to.seconds(1);
        assert_eq!((to.server.requests(), viewer.told() > 0), (requests, requests == 1));
    }
    // A clock that was ahead does not make data the newest for ever.
    let (ahead, to) = (of("ada"), of("ada"));
    ahead.world.advance(minutes(600));
    ahead.client.set_data(&number(1), 10);
    to.client.hydrate(&all(&ahead)).unwrap();
    to.seconds(1);
    to.client
        .hydrate(&all(&{
            let later = of("ada");
            later.seconds(1);
            later.client.set_data(&number(1), 11);
            later
        }))
        .unwrap();
    assert_eq!(to.client.get_data(&number(1)).as_deref(), Some(&11));
}

#[test]
fn errors_are_never_taken_out() {
    let stage = of("ada");
    stage.client.set_data(&number(1), 10);
    stage.client.set_error(&number(1), BUSY);
    stage.client.set_error(&number(2), BUSY);
    let out = stage.client.dehydrate(QueryFilter::all());
    assert_eq!((out.written, out.skipped), (1, 1));
    let to = of("ada");
    to.client.hydrate(&out.json).unwrap();
    let viewer = to.watch(number(1));
    assert_eq!(shows(&viewer), "10");
    assert!(viewer.observer.is_fetching(), "it could not be refreshed there, so it is stale here");
}

#[test]
fn what_nobody_asks_for_is_never_decoded_and_what_is_is_once() {
    let from = of("ada");
    for id in 0..100 {
        from.client.set_data(&counted(id), Counted(id));
    }
    let json = all(&from);
    let to = of("ada");
    DECODED.set(0);
    assert_eq!(to.client.hydrate(&json).unwrap().taken, 100);
    assert_eq!((to.client.query_count(), to.client.find(QueryFilter::all()).len()), (100, 100));
    assert_eq!(to.client.dehydrate(QueryFilter::all()).written, 100, "passed on as it came");
    to.client.invalidate(QueryFilter::prefix(query_key!["counted"]));
    assert_eq!(DECODED.get(), 0);
    assert_eq!(to.client.get_data(&counted(7)).as_deref(), Some(&Counted(7)));
    let viewer = to.watch(counted(7));
    let call = to.spawn(to.client.query(counted(7).with_options(|options| options.stale(StaleTime::Static))));
    to.world.run();
    assert_eq!((DECODED.get(), call.word()), (1, "Counted(7)".to_owned()));
    drop(viewer);
    assert_eq!(to.client.query_count(), 100, "it is the same entry");
}

#[test]
fn what_does_not_decode_is_dropped_told_and_fetched() {
    let text = |id: u32| {
        query(query_key!["number", id], async |_| Ok::<_, crate::common::Fault>("text".to_owned()))
            .with_options(|options| options.dehydrated().stale_after(minutes(5)))
    };
    let from = of("ada");
    for id in [1, 2, 3] {
        from.client.set_data(&text(id), "text".to_owned());
    }
    let json = all(&from);

    let to = of("ada");
    to.client.hydrate(&json).unwrap();
    let log = to.log();
    assert_eq!(to.client.get_data(&number(1)), None);
    let viewer = to.watch(number(2));
    assert_eq!(shows(&viewer), "pending");
    to.seconds(1);
    assert_eq!(shows(&viewer), "1");
    let lines = log.take();
    let told: Vec<_> = lines.iter().filter(|line| line.contains("NotDecoded")).collect();
    assert_eq!(told.len(), 2, "{lines:?}");
    assert!(told[0].contains("invalid type"), "{told:?}");
    assert!(!lines.iter().any(|line| line.contains("Clash")), "{lines:?}");

    // Where it is asked for already it is decoded at once, and what is there stays.
    to.seconds(600);
    let newer = of("ada");
    newer.seconds(300);
    newer.client.set_data(&text(2), "newer".to_owned());
    let report = to.client.hydrate(&all(&newer)).unwrap();
    assert_eq!((report.taken, report.broken, shows(&viewer)), (0, 1, "1".to_owned()));

    // One that does not opt in takes nothing.
    assert_eq!(to.client.get_data(&Number(3, |defaults| defaults)), None);
    assert_eq!(to.client.count(QueryFilter::exact(query_key!["number", 3])), 0);
}

#[test]
fn json_that_is_none_is_an_error_and_an_entry_that_is_none_spoils_nothing() {
    let stage = of("ada");
    for json in ["", "[1", "{}", "7", r#"{"version":1}"#, r#"{"version":1,"entries":7}"#] {
        let error = stage.client.hydrate(json).unwrap_err();
        assert!(matches!(error, HydrateError::NotReadable(_)), "{json}: {error}");
    }
    let error = stage.client.hydrate(r#"{"version":2,"entries":"in another way"}"#).unwrap_err();
    assert_eq!(error, HydrateError::OtherVersion(2));
    assert_eq!(error.to_string(), "this cache was dehydrated in version 2, and only 1 can be read");
    let json = r#"{"version":1,"scope":"ada","entries":[7,{"key":7,"query":1,"at":0,"data":1},{},
        {"key":["number",1],"query":1,"at":0,"data":10},{"key":["number",2],"query":1,"at":-1,"data":10}]}"#;
    let report = stage.client.hydrate(json).unwrap();
    assert_eq!((report.taken, report.broken), (1, 4));
    assert_eq!(stage.client.get_data(&number(1)).as_deref(), Some(&10));
}

#[test]
fn nothing_of_anybodys_leaves_without_a_name_nor_comes_in_under_another() {
    let public = || Number(9, |defaults| defaults.dehydrated().public(true));
    let from = of("ada");
    from.client.set_data(&number(1), 10);
    from.client.set_data(&public(), 90);
    let json = all(&from);

    let nobody = stage();
    nobody.client.set_data(&number(1), 10);
    nobody.client.set_data(&public(), 90);
    let out = nobody.client.dehydrate(QueryFilter::all());
    assert_eq!((out.written, out.skipped), (1, 1));

    for (name, taken) in [(Some("ada"), 2), (Some("grace"), 1), (Some(""), 1), (None, 1)] {
        let to = stage();
        if let Some(name) = name {
            to.client.name_scope(ScopeName::new(name));
        }
        let report = to.client.hydrate(&json).unwrap();
        assert_eq!((report.taken, report.refused), (taken, 2 - taken), "{name:?}");
        assert_eq!(to.client.get_data(&public()).as_deref(), Some(&90));
        assert_eq!(to.client.get_data(&number(1)).is_some(), taken == 2);
    }
    // Of nobody, and for nobody, is no name.
    let json = json.replace(r#""scope":"ada""#, r#""scope":null"#);
    assert_eq!(stage().client.hydrate(&json).unwrap().taken, 1);
}

#[test]
fn the_name_and_what_is_asleep_go_with_the_scope() {
    let from = of("ada");
    from.client.set_data(&number(1), 10);
    let json = all(&from);
    let to = of("ada");
    let of_ada = to.client.in_this_scope();
    to.client.hydrate(&json).unwrap();
    to.client.end_scope();
    assert_eq!((to.client.scope_name(), to.client.query_count()), (None, 0));
    assert_eq!(to.client.hydrate(&json).unwrap().refused, 1);
    to.client.name_scope(ScopeName::new("ada"));
    assert_eq!(of_ada.hydrate(&json).unwrap().refused, 1, "by a handle of the scope that is over");
    assert_eq!(of_ada.dehydrate(QueryFilter::all()).written, 0);
    assert_eq!(to.client.get_data(&number(1)), None);

    // Held, it shows nothing.
    to.client.hydrate(&json).unwrap();
    to.client.hold_scope();
    assert_eq!((to.client.get_data(&number(1)), to.client.dehydrate(QueryFilter::all()).written), (None, 0));
    to.client.restore_scope();
    assert_eq!(to.client.get_data(&number(1)).as_deref(), Some(&10));
}

#[test]
fn what_is_confidential_neither_leaves_nor_comes_in() {
    let (from, to) = (of("ada"), of("ada"));
    from.client.set_data(&number(1), 10);
    from.client.set_data(&counted(1), Counted(1));
    let json = all(&from);
    from.client.keep_confidential(query_key!["number"]);
    let out = from.client.dehydrate(QueryFilter::all());
    assert_eq!((out.written, out.skipped, out.json.contains("number")), (1, 1, false));
    to.client.keep_confidential(query_key!["number", 1]);
    let report = to.client.hydrate(&json).unwrap();
    assert_eq!((report.taken, report.refused), (1, 1));
    assert_eq!(one().key().segments().len(), 2);
}
