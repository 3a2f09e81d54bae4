//! What a key is equal to, and what it begins with.

use query_cache::{QueryFilter, QueryKey, Segment, query, query_key};

use crate::common::stage;

fn map(pairs: &[(&'static str, Segment)]) -> Segment {
    Segment::map(pairs.iter().cloned())
}

#[test]
fn keys_are_equal_by_value_whatever_the_order_of_maps_and_not_whatever_that_of_lists() {
    let stage = stage();
    let nested = |first: &[(&'static str, Segment)]| query_key!["list", map(first), vec![1, 2]];
    let (page, sort) = (("page", Segment::from(1)), ("sort", map(&[("by", Segment::from("name"))])));
    let held = query(nested(&[page.clone(), sort.clone()]), async |_| Ok::<_, String>(0));
    stage.client.set_data(&held, 5);
    let read = |key: QueryKey| stage.client.count(QueryFilter::exact(key));
    assert_eq!(read(nested(&[sort.clone(), page.clone()])), 1);
    assert_eq!(read(nested(&[sort.clone(), ("page", Segment::from(2))])), 0);
    assert_eq!(read(nested(std::slice::from_ref(&page))), 0);
    assert_eq!(read(query_key!["list", map(&[page.clone(), sort.clone()]), vec![2, 1]]), 0);
    assert_eq!(read(query_key![map(&[page.clone(), sort.clone()]), "list", vec![1, 2]]), 0);
    assert_eq!(
        read(query_key!["list", map(&[page, sort, ("none", Segment::from(None::<u8>))]), vec![1, 2]]),
        0
    );
}

#[test]
fn a_prefix_takes_lists_by_their_beginning_maps_by_their_pairs_and_nothing_for_something() {
    let stage = stage();
    let held = [
        query_key!["todos", map(&[("done", Segment::from(true)), ("page", Segment::from(1))]), 1],
        query_key!["todos", map(&[("done", Segment::from(false))])],
        query_key!["todos", None::<u8>],
        query_key!["todos"],
        query_key!["todosomething"],
    ];
    for key in held {
        stage.client.set_data(&query(key, async |_| Ok::<_, String>(0)), 5);
    }
    let count = |key: QueryKey| stage.client.count(QueryFilter::prefix(key));
    assert_eq!(count(query_key!["todos"]), 4);
    assert_eq!(count(query_key!["todos", map(&[])]), 2);
    assert_eq!(count(query_key!["todos", map(&[("done", Segment::from(true))])]), 1);
    assert_eq!(
        count(query_key!["todos", map(&[("page", Segment::from(1)), ("done", Segment::from(true))]), 1]),
        1
    );
    assert_eq!(
        count(query_key!["todos", map(&[("done", Segment::from(true)), ("who", Segment::from(1))])]),
        0
    );
    assert_eq!(count(query_key!["todos", None::<u8>]), 1);
    assert_eq!(count(query_key!["todos", "done"]), 0);
    assert_eq!(count(query_key![None::<u8>]), 0);
}
