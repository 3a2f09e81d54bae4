//! What those who listen are told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{Happening, Query, query, query_key};

use crate::common::{BUSY, MISSING, Number, one, stage};
use crate::{fresh, two};

#[test]
fn a_query_is_told_to_come_change_and_go() {
    let stage = stage();
    let log = stage.log();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let n1 = |happening: &str| format!(r#"["number", 1] {happening}"#);
    let came = ["Added", "Watched", "Fetching { paused: false }", "Fetched"].map(n1);
    assert_eq!(log.take(), came);
    stage.client.set_data(&fresh(), 5);
    assert_eq!(log.take(), Vec::<String>::new(), "a turn later");
    stage.client.invalidate(&fresh());
    stage.millis(1);
    stage.client.cancel(&fresh());
    drop(viewer);
    stage.client.remove(&fresh());
    stage.world.run();
    let went =
        ["Written", "Invalidated", "Fetching { paused: false }", "Cancelled", "Unwatched", "Removed"].map(n1);
    assert_eq!(log.take(), went);
    drop(log.listening);
}

#[test]
fn answers_and_failures_are_told_once_however_many_watch() {
    let stage = stage();
    stage.server.say([Ok(7), Err(BUSY), Err(MISSING)]);
    let told = Rc::new(RefCell::new(Vec::new()));
    let note = told.clone();
    let _listening = stage.client.listen(move |event| match &event.happening {
        Happening::Fetched { data } => note.borrow_mut().push(format!("{:?}", data.downcast_ref::<u32>())),
        Happening::FetchFailed { error } => {
            note.borrow_mut().push(format!("{:?}", error.downcast_ref::<crate::common::Fault>()));
        }
        _ => {}
    });
    let viewers = [stage.watch(one()), stage.watch(one()), stage.watch(one())];
    stage.seconds(1);
    assert_eq!(told.take(), ["Some(7)"]);
    viewers[0].observer.refetch();
    stage.seconds(60);
    assert_eq!(told.take(), [format!("{:?}", Some(MISSING))], "the verdict, not each attempt");
    stage.client.set_data(&one(), 8);
    stage.client.update(&one(), |_| Some(9));
    stage.seconds(60);
    assert_eq!(told.take(), Vec::<String>::new());
}

#[test]
fn what_is_removed_is_that_query_and_what_is_asked_for_again_is_added_once() {
    let stage = stage();
    let text = || query(query_key!["number", 1], async |_| Ok::<_, String>("text"));
    stage.client.set_data(&one(), 1);
    stage.client.set_data(&text(), "text");
    let log = stage.log();
    stage.client.remove(&one());
    stage.client.remove(&one());
    assert_eq!(
        (stage.client.get_data(&one()), stage.client.get_data(&text()).as_deref()),
        (None, Some(&"text"))
    );
    for _ in 0..3 {
        stage.client.prefetch(fresh());
        stage.client.prefetch(Number(1, |defaults| defaults));
    }
    stage.world.run();
    let count = |lines: &[String], what: &str| lines.iter().filter(|line| line.ends_with(what)).count();
    let lines = log.take();
    assert_eq!((count(&lines, "Removed"), count(&lines, "Added")), (1, 1), "{lines:?}");
}

#[test]
fn the_answer_to_what_was_removed_does_not_bring_it_back() {
    let stage = stage();
    stage.client.prefetch(one());
    stage.millis(500);
    stage.client.remove(&one());
    stage.client.set_data(&one(), 70);
    stage.seconds(60);
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&70), "the one asked for later");
    assert_eq!((stage.client.query_count(), stage.server.aborted()), (1, 1));
}

#[test]
fn two_types_on_one_key_are_told_once() {
    let stage = stage();
    let log = stage.log();
    let text = || query(query_key!["number", 1], async |_| Ok::<_, String>("text"));
    stage.client.set_data(&one(), 1);
    for _ in 0..3 {
        stage.client.set_data(&text(), "text");
        drop(stage.watch(text()));
        drop(stage.watch(one().with_options(|options| options.enabled(false))));
    }
    stage.world.run();
    let clashes = log.take().iter().filter(|line| line.contains("Clash")).count();
    assert_eq!(clashes, 1);
}

#[test]
fn who_no_longer_listens_is_told_no_more() {
    let stage = stage();
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let others = [stage.log(), stage.log()];
    let listening = stage.client.listen(move |_| count.set(count.get() + 1));
    stage.client.set_data(&one(), 1);
    stage.world.run();
    let before = told.get();
    assert!(before > 0);
    stage.client.set_data(&two(), 1);
    drop(listening);
    stage.world.run();
    assert_eq!(told.get(), before);
    for other in others {
        assert_eq!(other.take().len(), 4, "the others go on");
    }
}

#[test]
fn each_attempt_is_told_and_whether_it_has_to_wait() {
    let stage = stage();
    stage.server.fail(1);
    let _viewer = stage.watch(one());
    let log = stage.log();
    stage.seconds(1);
    stage.client.set_online(false);
    stage.seconds(10);
    stage.client.set_online(true);
    stage.seconds(1);
    let told = ["Fetching { paused: true }", "Fetching { paused: false }", "Fetched"];
    assert_eq!(log.take(), told.map(|happening| format!(r#"["number", 1] {happening}"#)));
}

#[test]
fn what_is_called_off_and_what_a_source_says_is_told() {
    let stage = stage();
    let n1 = |happening: &str| format!(r#"["number", 1] {happening}"#);
    stage.client.prefetch(one());
    let log = stage.log();
    stage.client.cancel_as_failed(&one());
    stage.world.run();
    assert_eq!(log.take(), ["Cancelled"].map(n1));
    stage.client.prefetch(one());
    stage.client.remove(&one());
    stage.world.run();
    assert_eq!(log.take(), ["Fetching { paused: false }", "Cancelled", "Removed"].map(n1));
    stage.client.set_error(&one(), BUSY);
    stage.world.run();
    assert_eq!(log.take(), ["Added", "FetchFailed"].map(n1));
}
