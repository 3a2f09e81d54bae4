//! What a key is equal to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::rc::Rc;

use query_cache::{QueryKey, Segment, query_key};

#[test]
fn keys_are_equal_by_value() {
    let id = 7_u64;
    let name = String::from("posts");
    let same: [QueryKey; 4] = [
        query_key!["posts", 7],
        query_key!["posts", id],
        query_key![name, 7_i32],
        query_key![Rc::<str>::from("posts"), id as usize,],
    ];
    for key in &same {
        assert_eq!(key, &same[0]);
    }
    let others = [
        query_key![],
        query_key!["posts"],
        query_key!["posts", "7"],
        query_key!["posts", 8],
        query_key!["posts", 7.0],
        query_key!["posts", true],
        query_key!["posts", vec![7]],
        query_key!["posts", None::<i32>],
        query_key!["posts", 7, 7],
        query_key![7, "posts"],
    ];
    for (place, key) in others.iter().enumerate() {
        assert_ne!(key, &same[0]);
        for other in others.iter().skip(place + 1) {
            assert_ne!(key, other);
        }
    }
}

#[test]
fn the_order_of_a_map_is_no_part_of_it() {
    let one = Segment::map([("page", Segment::from(1)), ("sort", Segment::literal("name"))]);
    let two = Segment::map([("sort", Segment::from("name")), ("page", Segment::from(1_u8))]);
    assert_eq!(query_key!["list", one.clone()], query_key!["list", two]);
    assert_ne!(query_key!["list", one], query_key!["list", Segment::map([("page", 1)])]);
}

#[test]
fn numbers_are_one_number_whatever_their_type() {
    assert_eq!(Segment::from(5_u64), Segment::from(5_i8));
    assert_ne!(Segment::from(u64::MAX), Segment::from(-1));
    assert_eq!(Segment::from(f64::NAN), Segment::from(f64::NAN));
    assert_eq!(query_key![-1], query_key![-1_i64]);
    assert_eq!(Segment::from(Some(5)), Segment::from(5));
}

#[test]
fn keys_print_as_they_are_written() {
    assert_eq!(
        format!("{:?}", query_key!["posts", 7, vec![true], None::<u8>]),
        r#"["posts", 7, [true], null]"#
    );
}
