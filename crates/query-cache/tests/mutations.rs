//! Mutations and scopes, and user code that calls the client from wherever it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use common::posting::{LINED, POST, Post};
use common::{Stage, one, stage, stage_with_seed};
use query_cache::{
    Mutation, MutationContext, MutationFilter, MutationStatus, QueryClient, QueryKey, minutes, mutation,
    query_key,
};

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

// ----- user code that calls the client

/// Signs out when the server has done it.
struct SignOut;

impl Mutation for SignOut {
    type Variables = ();
    type Data = ();
    type Error = String;

    fn name(&self) -> &'static str {
        "sign out"
    }
    async fn mutate(&self, (): &(), _: MutationContext) -> Result<(), String> {
        Ok(())
    }
    async fn on_success(&self, (): &(), (): &(), cx: MutationContext) {
        let open = cx.client().clone();
        open.end_scope();
        assert!(cx.client().is_over());
        cx.client().set_data(&one(), 7);
    }
    async fn on_settled(
        &self,
        _: Result<&(), &query_cache::MutationError<String>>,
        (): &(),
        _: MutationContext,
    ) {
        // Still within the poll that ended the scope: whatever it does, it does to a scope that is over.
    }
}

#[test]
fn a_mutation_may_end_its_own_scope() {
    let stage = stage();
    let outcome = stage.spawn(stage.client.mutate(SignOut, ()));
    stage.world.run();
    assert!(matches!(outcome.take(), Some(Err(query_cache::MutationError::Cancelled))));
    assert_eq!((stage.client.get_data(&one()), count(&stage), stage.world.task_count()), (None, 0, 0));
}

#[test]
fn a_mutation_may_call_itself_off_and_another_of_its_line_in_its_callbacks() {
    let stage = stage();
    stage.posts();
    let dropped = Rc::new(Cell::new(0));
    struct Count(Rc<Cell<usize>>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let counted = dropped.clone();
    let off = mutation("off", async move |(): &(), cx: MutationContext| {
        let _held = Count(counted.clone());
        assert_eq!(cx.client().cancel_mutations(cx.id()), 1);
        std::future::pending::<()>().await;
        Ok::<_, String>(())
    });
    let id = stage.client.mutate(off, ()).detach();
    stage.world.run();
    assert_eq!((dropped.get(), stage.client.find_mutations(id)[0].status()), (1, MutationStatus::Error));

    let chain = stage.client.mutate(Chain, 3).detach();
    stage.world.run();
    assert_eq!(stage.client.find_mutations(chain)[0].status(), MutationStatus::Success);
    assert_eq!(
        stage.client.count_mutations(MutationFilter::of::<Chain>().status(MutationStatus::Success)),
        4
    );
}

/// Calls the next of its line when it is done.
struct Chain;

impl Mutation for Chain {
    type Variables = u32;
    type Data = ();
    type Error = String;

    fn name(&self) -> &'static str {
        "chain"
    }
    fn line(&self, _: &u32) -> Option<QueryKey> {
        Some(query_key!["chain"])
    }
    async fn mutate(&self, _: &u32, _: MutationContext) -> Result<(), String> {
        Ok(())
    }
    async fn on_success(&self, (): &(), left: &u32, cx: MutationContext) {
        if *left > 0 {
            cx.client().mutate(Chain, left - 1).detach();
        }
    }
}

/// Whose every part calls the client.
#[derive(Clone)]
struct Nosy(QueryClient, Rc<Cell<usize>>);

impl Nosy {
    fn look(&self) {
        self.1.set(self.1.get() + 1);
        self.0.count_mutations(MutationFilter::all().matching(|_| true));
        self.0.mutate(mutation("nosy's", async |(): &(), _| Ok::<_, String>(())), ()).detach();
        self.0.cancel_mutations(MutationFilter::named("nobody's"));
        self.0.set_online(false);
        self.0.set_online(true);
        drop(self.0.observe_mutation(Rc::new(|| {})));
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.look();
    }
}

struct Ask;

impl Mutation for Ask {
    type Variables = Nosy;
    type Data = Nosy;
    type Error = String;

    fn name(&self) -> &'static str {
        "ask"
    }
    fn line(&self, nosy: &Nosy) -> Option<QueryKey> {
        nosy.look();
        Some(query_key!["ask"])
    }
    async fn mutate(&self, nosy: &Nosy, cx: MutationContext) -> Result<Nosy, String> {
        nosy.look();
        cx.keep(nosy.clone());
        if cx.attempt() == 0 { Err("never".to_owned()) } else { Ok(nosy.clone()) }
    }
    async fn on_mutate(&self, nosy: &Nosy, cx: MutationContext) {
        nosy.look();
        cx.keep(nosy.clone());
        drop(cx.take::<Nosy>());
        cx.keep(nosy.clone());
    }
    async fn on_success(&self, data: &Nosy, _: &Nosy, _: MutationContext) {
        data.look();
    }
}

#[test]
fn no_user_code_runs_while_the_store_is_borrowed() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let looks = Rc::new(Cell::new(0));
        let nosy = || Nosy(stage.client.clone(), looks.clone());
        let listener = nosy();
        let _listening = stage.client.listen_to_mutations(move |event| {
            if event.name == "ask" {
                listener.look();
            }
        });
        stage.client.mutate(Ask, nosy()).detach();
        stage.client.mutate(Ask, nosy()).then(|_| {});
        stage.client.set_online(false);
        stage.client.mutate(Ask, nosy()).detach();
        let last = stage.client.mutate(Ask, nosy());
        stage.client.cancel_mutations(last.id());
        drop(last);
        stage.seconds(1);
        stage.client.hold_scope();
        stage.client.mutate(Ask, nosy()).detach();
        stage.client.restore_scope();
        stage.seconds(1);
        assert_eq!(stage.client.count_mutations(MutationFilter::of::<Ask>().pending()), 0, "seed {seed}");
        stage.client.mutate(Ask, nosy()).detach();
        stage.client.end_scope();
        stage.world.advance(minutes(20));
        assert!(looks.get() > 30, "seed {seed}: {}", looks.get());
        stage.client.end_scope();
        stage.world.run();
        assert_eq!(stage.world.task_count(), 0, "seed {seed}");
    }
}

#[test]
fn options_and_lines_may_end_the_scope_they_are_asked_in() {
    struct Ends(Rc<RefCell<Option<QueryClient>>>, Rc<Cell<usize>>);
    impl Mutation for Ends {
        type Variables = ();
        type Data = ();
        type Error = String;
        fn name(&self) -> &'static str {
            "ends"
        }
        fn line(&self, (): &()) -> Option<QueryKey> {
            self.0.take().unwrap().end_scope();
            None
        }
        async fn mutate(&self, (): &(), _: MutationContext) -> Result<(), String> {
            self.1.set(self.1.get() + 1);
            Ok(())
        }
    }
    let stage = stage();
    let sent = Rc::new(Cell::new(0));
    let ends = Ends(Rc::new(RefCell::new(Some(stage.client.clone()))), sent.clone());
    let outcome = stage.spawn(stage.client.mutate(ends, ()));
    stage.world.run();
    assert!(matches!(outcome.take(), Some(Err(query_cache::MutationError::Cancelled))));
    assert_eq!((sent.get(), count(&stage)), (0, 0));
}

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
