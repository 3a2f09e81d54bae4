//! Whose data this is: scopes that are held, restored and ended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Number, one, shows, stage, stage_with_seed};
use query_cache::{minutes, query, query_key};

fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(minutes(5)))
}

#[test]
fn the_end_of_a_scope_drops_fetches_and_data_in_the_same_call() {
    let stage = stage();
    let loaded = stage.watch(fresh());
    stage.seconds(1);
    let loading = stage.watch(Number(2, |defaults| defaults));
    stage.client.set_data(&Number(3, |defaults| defaults), 3);
    loaded.told();

    stage.client.end_scope();
    assert_eq!(stage.server.aborted(), 1);
    assert_eq!((shows(&loaded), shows(&loading)), ("pending".to_owned(), "pending".to_owned()));
    assert_eq!(stage.client.get_data(&fresh()), None);
    assert_eq!(stage.client.get_data(&Number(3, |defaults| defaults)), None);
    assert_eq!(stage.server.requests(), 2, "nothing is fetched in the call");

    drop(loading);
    stage.world.run();
    assert_eq!(loaded.told(), 1);
    assert_eq!(stage.server.asked_for(), [1, 2, 1], "only what is still watched, in the new scope");
    stage.seconds(1);
    assert_eq!(shows(&loaded), "3");
    assert_eq!(stage.client.query_count(), 2, "the entry of the other key is pending and unwatched");
}

#[test]
fn an_answer_of_the_old_scope_never_arrives() {
    let stage = stage();
    stage.server.say([Ok(70), Ok(71)]);
    let viewer = stage.watch(fresh());
    stage.world.advance(Duration::from_millis(999));
    stage.client.end_scope();
    stage.world.advance(Duration::from_millis(500));
    assert_eq!(shows(&viewer), "pending");
    stage.world.advance(Duration::from_millis(500));
    assert_eq!(shows(&viewer), "70", "what the server said to the second request");
    assert_eq!(stage.server.requests(), 2);
}

#[test]
fn an_answer_that_was_there_but_not_taken_in_belongs_to_its_scope() {
    for seed in 0..100 {
        let stage = stage_with_seed(seed);
        let answers = std::cell::Cell::new(0);
        let at_once = query(query_key!["at once"], async move |_| {
            answers.set(answers.get() + 1);
            Ok::<_, String>(answers.get())
        });
        let viewer = stage.watch(at_once);
        stage.client.end_scope();
        stage.world.run();
        assert_eq!(shows(&viewer), "2", "seed {seed}");
    }
}

#[test]
fn a_held_scope_shows_nothing_fetches_nothing_and_keeps_everything() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let data = viewer.observer.state().data().cloned().unwrap();
    viewer.told();

    stage.client.hold_scope();
    assert_eq!((shows(&viewer), stage.client.get_data(&fresh())), ("pending".to_owned(), None));
    stage.world.run();
    assert_eq!(viewer.told(), 1);
    viewer.observer.refetch();
    stage.client.invalidate(&fresh());
    let second = stage.watch(Number(2, |defaults| defaults));
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.world.advance(minutes(60));
    assert_eq!((stage.server.requests(), shows(&second)), (1, "pending".to_owned()));

    stage.client.restore_scope();
    assert!(std::rc::Rc::ptr_eq(viewer.observer.state().data().unwrap(), &data));
    stage.world.run();
    assert_eq!(viewer.told(), 1);
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 1, 2], "what was asked for while it was held");
    assert_eq!((shows(&viewer), shows(&second)), ("2".to_owned(), "3".to_owned()));
}

#[test]
fn an_answer_to_what_was_asked_before_is_kept_unseen() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.client.hold_scope();
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.told()), ("pending".to_owned(), 0));
    stage.client.restore_scope();
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()));
}

#[test]
fn a_held_scope_forgets_nothing_however_long_it_lasts() {
    let stage = stage();
    drop(stage.watch(fresh()));
    stage.client.set_data(&fresh(), 70);
    stage.client.hold_scope();
    stage.world.advance(minutes(60));
    assert_eq!(stage.client.query_count(), 1);
    stage.client.restore_scope();
    assert_eq!(stage.client.get_data(&fresh()).as_deref(), Some(&70));
    stage.seconds(1);
    assert_eq!(stage.client.query_count(), 0, "its time was up long ago");
}

#[test]
fn a_retry_waits_for_a_held_scope() {
    let stage = stage();
    stage.server.fail(1);
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.hold_scope();
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 1);
    stage.client.restore_scope();
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}

#[test]
fn a_held_scope_that_ends_is_gone() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.hold_scope();
    stage.client.end_scope();
    assert_eq!(stage.client.get_data(&fresh()), None);
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
    stage.client.restore_scope();
    assert_eq!(shows(&viewer), "2", "nothing to restore");
}

#[test]
fn a_new_scope_that_is_held_at_once_fetches_nothing() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.end_scope();
    stage.client.hold_scope();
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "pending".to_owned()));
    stage.client.restore_scope();
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (2, "2".to_owned()));
}
