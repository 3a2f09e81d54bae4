//! Looking things up.

use query_cache::{FetchStatus, Query, QueryFilter, QueryInfo, minutes, query, query_key};

use crate::common::{Number, Stage, one, stage};
use crate::{disabled, fresh, two};

fn keys(found: &[QueryInfo]) -> Vec<String> {
    let mut keys: Vec<String> = found.iter().map(|info| format!("{:?}", info.key())).collect();
    keys.sort();
    keys
}

fn found(stage: &Stage, filter: impl Into<QueryFilter>) -> Vec<String> {
    let filter = filter.into();
    let found = stage.client.find(filter.clone());
    assert_eq!(stage.client.count(filter), found.len());
    keys(&found)
}

#[test]
fn a_query_means_itself_a_key_whatever_has_it_and_a_prefix_all_that_begin_with_it() {
    let stage = stage();
    let text = || query(query_key!["number", 1], async |_| Ok::<_, String>("text"));
    let parent = || query(query_key!["number"], async |_| Ok::<_, String>("parent"));
    stage.client.set_data(&one(), 1);
    stage.client.set_data(&two(), 2);
    stage.client.set_data(&text(), "text");
    stage.client.set_data(&parent(), "parent");
    assert_eq!(found(&stage, &one()), [r#"["number", 1]"#]);
    assert_eq!(stage.client.find(&one())[0].data::<u32>().as_deref(), Some(&1));
    assert_eq!(found(&stage, QueryFilter::exact(query_key!["number", 1])).len(), 2);
    assert_eq!(found(&stage, QueryFilter::exact(query_key!["number"])).len(), 1);
    assert_eq!(found(&stage, QueryFilter::prefix(query_key!["number"])).len(), 4);
    assert_eq!(found(&stage, QueryFilter::prefix(query_key!["num"])).len(), 0);
    assert_eq!(found(&stage, QueryFilter::prefix(query_key![])).len(), 4);
    assert_eq!(found(&stage, QueryFilter::all()).len(), 4);
    assert_eq!(found(&stage, QueryFilter::of::<Number>()), [r#"["number", 1]"#, r#"["number", 2]"#]);
    assert_eq!(found(&stage, &Number(9, |defaults| defaults)).len(), 0);
}

#[test]
fn data_is_read_by_its_own_query_only() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let text = query(query_key!["number", 1], async |_| Ok::<_, String>("text"));
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&1));
    assert_eq!(stage.client.get_data(&two()), None);
    assert_eq!(stage.client.get_data(&text), None);
    assert_eq!(stage.client.query_count(), 1, "looking makes no entry");
}

#[test]
fn filters_narrow_by_activity_staleness_what_is_being_done_and_a_predicate() {
    let stage = stage();
    let _active = stage.watch(fresh());
    let _disabled = stage.watch(Number(2, |defaults| defaults.enabled(false)));
    stage.seconds(1);
    stage.client.set_data(&Number(3, |defaults| defaults), 3);
    stage.client.prefetch(Number(4, |defaults| defaults.stale_after(minutes(1))));
    stage.client.set_online(false);
    stage.client.prefetch(Number(5, |defaults| defaults));
    let all = QueryFilter::all;
    let ids = |filter: QueryFilter| -> Vec<String> {
        found(&stage, filter).iter().map(|key| key[11..12].to_owned()).collect()
    };
    assert_eq!(ids(all().active()), ["1"]);
    assert_eq!(ids(all().inactive()), ["2", "3", "4", "5"]);
    assert_eq!(ids(all().stale()), ["3", "4", "5"], "what only the disabled watch needs nothing newer");
    assert_eq!(ids(all().fresh()), ["1", "2"]);
    assert_eq!(ids(all().fetching()), ["4"]);
    assert_eq!(ids(all().fetch_status(FetchStatus::Paused)), ["5"]);
    assert_eq!(ids(all().fetch_status(FetchStatus::Idle).inactive()), ["2", "3"]);
    assert_eq!(ids(all().matching(|info| info.data::<u32>().is_some())), ["1", "3"]);
    assert_eq!(ids(all().stale().matching(|info| info.data::<u32>().is_some())), ["3"]);
    assert_eq!(ids(all().matching(|info| info.type_name().ends_with("Number"))).len(), 5);
}

#[test]
fn what_is_being_fetched_can_be_counted() {
    let stage = stage();
    let count = || stage.client.count(QueryFilter::all().fetching());
    assert_eq!(count(), 0);
    let _one = stage.watch(one());
    let _two = stage.watch(two().with_options(|options| options.retry(0)));
    let _off = stage.watch(disabled());
    assert_eq!(count(), 2);
    stage.client.cancel(&two());
    assert_eq!(count(), 1);
    stage.seconds(1);
    assert_eq!(count(), 0);
}
