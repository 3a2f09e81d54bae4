//! What is shown while there is nothing.

use std::rc::Rc;

use query_cache::{AnyQuery, Query, Selector, Status};

use crate::common::{Fault, Number, Viewer, one, shows, stage};
use crate::two;

/// What is shown, with a question mark where it is not the query's own.
fn marked(viewer: &Viewer<Number>) -> String {
    let mark = if viewer.observer.state().is_placeholder() { "?" } else { "" };
    format!("{}{mark}", shows(viewer))
}

fn keeping(id: u32) -> Number {
    Number(id, |defaults| defaults.keep_previous(true))
}

#[test]
fn a_placeholder_is_shown_and_not_kept() {
    let stage = stage();
    let viewer = stage.watch(Number(1, |defaults| defaults.placeholder(|| Some(99))));
    let other = stage.watch(one());
    assert_eq!((marked(&viewer), shows(&other)), ("99?".to_owned(), "pending".to_owned()));
    assert_eq!(stage.client.get_data(&one()), None);
    assert_eq!(viewer.observer.snapshot().details::<Fault>().status, Status::Pending);
    assert_eq!(stage.server.requests(), 1, "it is no reason not to fetch");
    let placeholder = Rc::downgrade(viewer.observer.state().data().unwrap());
    stage.seconds(1);
    assert_eq!((marked(&viewer), viewer.told()), ("1".to_owned(), 1));
    assert!(placeholder.upgrade().is_none(), "nobody holds it any more");

    let viewer = stage.watch(Number(2, |defaults| defaults.enabled(false).placeholder(|| Some(99))));
    let placeholder = Rc::downgrade(viewer.observer.state().data().unwrap());
    stage.client.set_data(&two(), 5);
    stage.world.run();
    assert_eq!((marked(&viewer), viewer.told(), placeholder.upgrade()), ("5".to_owned(), 1, None));
}

#[test]
fn a_placeholder_can_be_made_of_another_querys_data() {
    let stage = stage();
    stage.client.set_data(&one(), 41);
    let client = stage.client.downgrade();
    let query = two().with_options(move |options| {
        let client = client.clone();
        options.placeholder(move || client.upgrade()?.get_data(&one()).map(|number| *number + 1))
    });
    let viewer = stage.watch(query);
    assert_eq!((shows(&viewer), viewer.observer.state().is_placeholder()), ("42".to_owned(), true));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.state().is_placeholder()), ("1".to_owned(), false));
}

#[test]
fn the_previous_data_stands_in_through_select() {
    let stage = stage();
    let selector = Selector::new::<Number, u32>(|number| number * 10);
    let selection = stage.client.observe_selection(&AnyQuery::new(keeping(1)), selector, Box::new(|| {}));
    stage.seconds(1);
    selection.observer().unwrap().follow(&AnyQuery::new(keeping(2)));
    let (snapshot, made) = selection.get();
    assert_eq!(made.unwrap().downcast_ref(), Some(&10_u32));
    assert!(snapshot.state::<u32, Fault>().is_placeholder());
    stage.seconds(1);
    assert_eq!(selection.get().1.unwrap().downcast_ref(), Some(&20_u32));
}

#[test]
fn quick_switches_keep_showing_the_last_data_there_was() {
    let stage = stage();
    let viewer = stage.watch(keeping(1));
    stage.seconds(1);
    viewer.observer.follow(keeping(2));
    assert_eq!(marked(&viewer), "1?");
    stage.millis(500);
    viewer.observer.follow(keeping(3));
    assert_eq!(marked(&viewer), "1?");
    stage.millis(500);
    assert_eq!((marked(&viewer), stage.server.aborted()), ("1?".to_owned(), 1), "2 is of no use to anybody");
    stage.millis(500);
    assert_eq!((marked(&viewer), stage.server.asked_for()), ("3".to_owned(), vec![1, 2, 3]));
    viewer.observer.follow(two());
    assert_eq!(marked(&viewer), "pending", "only where it is asked for");
}

#[test]
fn who_turns_to_something_disabled_keeps_the_previous_data_too() {
    let stage = stage();
    let viewer = stage.watch(keeping(1));
    stage.seconds(1);
    viewer.observer.follow(Number(2, |defaults| defaults.keep_previous(true).enabled(false)));
    stage.seconds(60);
    assert_eq!((marked(&viewer), stage.server.requests()), ("1?".to_owned(), 1));
    assert!(!viewer.observer.is_fetching());
    let data = viewer.observer.state().data().cloned().unwrap();
    assert!(Rc::ptr_eq(&data, &stage.client.get_data(&one()).unwrap()));
}

#[test]
fn the_previous_data_goes_when_the_query_turned_to_fails() {
    let stage = stage();
    stage.server.say([Ok(1), Err(crate::common::MISSING)]);
    let viewer = stage.watch(keeping(1));
    stage.seconds(1);
    viewer.observer.follow(keeping(2));
    stage.seconds(1);
    assert_eq!(marked(&viewer), "failed");
}
