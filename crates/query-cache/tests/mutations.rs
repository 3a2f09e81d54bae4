//! Mutations, and the scopes that they are called in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::posting::{LINED, POST, Post};
use common::{Stage, one, stage, stage_with_seed};
use query_cache::{MutationContext, MutationFilter, MutationStatus, minutes, mutation};

const PATIENT: Post = Post { change: |options| options.retry(3), lined: true };

fn count(stage: &Stage) -> usize {
    stage.client.count_mutations(MutationFilter::all())
}

// ----- the end of a scope

#[test]
fn the_end_of_a_scope_throws_away_what_is_under_way_what_waits_and_what_is_over() {
    let stage = stage();
    let (journal, _) = stage.posts();
    let over = stage.post(POST, 1);
    stage.seconds(1);
    let sent = stage.client.mutate(LINED, 10);
    let viewer = stage.watch_post(sent.id());
    let sent = stage.outcome(sent);
    stage.post(LINED, 11);
    stage.server.fail(1);
    stage.post(PATIENT, 20);
    stage.millis(500);
    journal.take();

    stage.client.end_scope();
    assert_eq!(stage.server.aborted(), 2, "in the call");
    let mut dropped = journal.take();
    dropped.sort();
    assert_eq!(dropped, ["10 kept, dropped", "11 kept, dropped", "20 kept, dropped"], "and no callback");
    assert_eq!((count(&stage), stage.post_state(over), viewer.now()), (0, "idle".into(), "idle".into()));
    stage.seconds(100);
    assert_eq!((sent.take().as_deref(), journal.take()), (Some("error: Cancelled"), vec![]));
    assert_eq!(stage.server.asked_for(), [1, 10, 20]);

    // The next scope's line does not wait for the last one's.
    stage.post(LINED, 12);
    stage.seconds(1);
    assert_eq!((stage.server.asked_for(), stage.pending_posts()), (vec![1, 10, 20, 12], 0));
}

#[test]
fn a_late_result_is_nobodys_in_the_next_scope() {
    for seed in 0..200 {
        let stage = stage_with_seed(seed);
        let (journal, _) = stage.posts();
        let told = Rc::new(RefCell::new(Vec::new()));
        let lines = told.clone();
        let write = journal.clone();
        stage.client.mutate(POST, 1).then(move |_| write.write("then"));
        stage.world.advance(Duration::from_millis(if seed % 2 == 0 { 999 } else { 500 }));
        let _listening =
            stage.client.listen_to_mutations(move |event| lines.borrow_mut().push(event.clone()));
        let outcome = stage.outcome(stage.client.mutate(POST, 2));
        stage.client.end_scope();
        stage.seconds(10);
        let lines: Vec<_> = journal.take().into_iter().filter(|line| !line.ends_with("begins")).collect();
        assert!(lines.iter().all(|line| line.ends_with("dropped")), "seed {seed}: {lines:?}");
        assert_eq!(outcome.take().as_deref(), Some("error: Cancelled"), "seed {seed}");
        assert!(told.borrow().is_empty(), "seed {seed}: {told:?}");
    }
}

#[test]
fn an_outcome_that_was_there_but_not_taken_belongs_to_its_scope() {
    let stage = stage();
    stage.posts();
    let call = stage.client.mutate(POST, 1);
    stage.seconds(2);
    stage.client.end_scope();
    let outcome = stage.outcome(call);
    stage.world.run();
    assert_eq!(outcome.take().as_deref(), Some("error: Cancelled"));
}

#[test]
fn a_handle_whose_scope_is_over_calls_nothing() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.client.register_mutation(POST);
    let before = stage.client.in_this_scope();
    stage.client.set_online(false);
    stage.post(POST, 1);
    let saved = before.unfinished_mutations().saved;
    assert_eq!(saved.len(), 1);
    stage.client.end_scope();
    journal.take();
    let outcome = stage.outcome(before.mutate(POST, 2));
    let resumed = before.resume_mutation(&saved[0]);
    stage.client.set_online(true);
    stage.seconds(5);
    assert_eq!(outcome.take().as_deref(), Some("error: Cancelled"));
    assert!(matches!(resumed, Err(query_cache::ResumeError::Over)), "{resumed:?}");
    assert_eq!((journal.take(), stage.server.requests(), count(&stage)), (vec![], 0, 0));
    assert_eq!(before.unfinished_mutations().saved, []);
    assert_eq!(before.cancel_mutations(MutationFilter::all()), 0);
}

#[test]
fn queries_do_not_wait_for_mutations_of_a_scope_that_has_ended() {
    let stage = stage();
    stage.posts();
    let _viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.set_online(false);
    stage.post(POST, 10);
    stage.client.set_online(true);
    assert_eq!(stage.server.asked_for(), [1, 10]);
    stage.client.end_scope();
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 10, 1]);
}

// ----- a held scope

#[test]
fn a_held_scope_begins_nothing_shows_nothing_and_keeps_everything() {
    let stage = stage();
    let (journal, _) = stage.posts();
    let over = stage.post(POST, 1);
    stage.seconds(1);
    stage.server.fail(1);
    let again = stage.post(PATIENT, 20);
    stage.seconds(1);
    let sent = stage.client.mutate(LINED, 10);
    let viewers = [over, again, sent.id()].map(|id| stage.watch_post(id));
    let outcome = stage.outcome(sent);
    stage.post(LINED, 11);
    stage.millis(1);
    journal.take();

    stage.client.hold_scope();
    stage.world.run();
    assert_eq!(viewers.each_ref().map(|viewer| viewer.now()), ["idle", "paused", "paused"]);
    assert_eq!(count(&stage), 0);
    stage.post(POST, 2);
    stage.client.set_online(false);
    stage.client.set_online(true);
    stage.world.advance(minutes(60));
    assert_eq!((journal.take(), outcome.take()), (vec![], None), "no callback, no outcome, no attempt");
    assert_eq!(stage.server.asked_for(), [1, 20, 10]);

    stage.client.restore_scope();
    assert_eq!(
        journal.take(),
        ["10 succeeds: 3, 10 kept", "10 settles: well", "10 kept, dropped", "2 begins"]
    );
    assert_eq!(stage.server.asked_for(), [1, 20, 10, 20, 11, 2], "in the call, in order");
    stage.seconds(2);
    assert_eq!(outcome.take().as_deref(), Some("success: 3"));
    assert_eq!((stage.server.asked_for().len(), stage.pending_posts()), (6, 0));
    // What was over for an hour goes, once it is watched no more.
    assert_eq!(viewers[0].now(), "success: 1");
}

#[test]
fn a_held_scope_that_ends_never_begins_what_was_called_in_it() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.client.hold_scope();
    let outcome = stage.outcome(stage.client.mutate(POST, 1));
    stage.seconds(1);
    stage.client.end_scope();
    stage.seconds(1);
    assert_eq!((journal.take(), stage.server.requests()), (vec![], 0));
    assert_eq!(outcome.take().as_deref(), Some("error: Cancelled"));
}

#[test]
fn what_is_called_off_before_it_began_has_no_callbacks() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.client.hold_scope();
    let call = stage.client.mutate(POST, 1);
    assert_eq!(stage.client.cancel_mutations(call.id()), 1);
    let outcome = stage.outcome(call);
    stage.client.restore_scope();
    stage.seconds(1);
    assert_eq!((journal.take(), outcome.take().as_deref()), (vec![], Some("error: Cancelled")));
}

#[test]
fn what_a_held_scope_keeps_can_be_written_down() {
    let stage = stage();
    stage.posts();
    stage.client.register_mutation(POST);
    stage.client.set_online(false);
    stage.post(POST, 1);
    stage.client.hold_scope();
    assert_eq!(stage.client.unfinished_mutations().saved.len(), 1);
}

// ----- the rest of a call's life

#[test]
fn what_is_kept_is_taken_by_its_type_the_latest_first() {
    let stage = stage();
    let took = Rc::new(RefCell::new(Vec::new()));
    let list = took.clone();
    let keeps = mutation("keeps", async move |(): &(), cx: MutationContext| {
        cx.keep(1_u32);
        cx.keep("text");
        cx.keep(2_u32);
        assert_eq!(cx.kept::<u32>().as_deref(), Some(&2));
        let held = cx.kept::<u32>();
        // Not while somebody holds it.
        list.borrow_mut().push(cx.take::<u32>());
        drop(held);
        list.borrow_mut().push(cx.take::<u32>());
        list.borrow_mut().push(cx.take::<u32>());
        assert_eq!(cx.take::<&str>(), Some("text"));
        Ok::<_, String>(())
    });
    stage.client.mutate(keeps, ()).detach();
    stage.world.run();
    assert_eq!(took.take(), [Some(1), Some(2), None]);
}

#[test]
fn a_mutation_that_waits_for_a_query_that_waits_for_it_ends() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.set_online(false);
    stage.client.invalidate(&one());
    stage.seconds(5);
    let waits = mutation("waits", async |(): &(), cx: MutationContext| {
        cx.client().query(one()).await.map_err(|_| "no".to_owned()).map(|data| *data)
    });
    let id = stage.client.mutate(waits, ()).detach();
    stage.client.set_online(true);
    stage.world.advance(minutes(1));
    assert_eq!(stage.client.find_mutations(id)[0].status(), MutationStatus::Success);
    drop(viewer);
}
