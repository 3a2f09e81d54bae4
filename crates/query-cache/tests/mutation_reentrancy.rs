//! Mutations whose own code calls the client, from wherever it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::posting::{LINED, POST, Post};
use common::{Stage, one, stage, stage_with_seed};
use query_cache::{
    Mutation, MutationContext, MutationFilter, MutationFuture, MutationStatus, QueryClient, QueryKey,
    minutes, mutation, query, query_key,
};

fn count(stage: &Stage) -> usize {
    stage.client.count_mutations(MutationFilter::all())
}

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

/// Makes two calls when it is dropped, one of them in the line of the tens.
struct Calls(QueryClient, Rc<RefCell<Vec<MutationFuture<Post>>>>);

impl Drop for Calls {
    fn drop(&mut self) {
        let calls = [self.0.mutate(LINED, 12), self.0.mutate(POST, 1)];
        self.1.borrow_mut().extend(calls);
    }
}

#[test]
fn what_is_called_in_the_new_scope_while_the_old_one_ends_is_the_new_ones() {
    let stage = stage();
    stage.posts();
    let made = Rc::<RefCell<Vec<_>>>::default();
    let (client, list) = (stage.client.clone(), made.clone());
    // Thrown away by the end of the scope, before the calls are.
    let held = query(query_key!["held"], async move |_| {
        let _calls = Calls(client.clone(), list.clone());
        std::future::pending::<Result<u32, String>>().await
    });
    stage.client.prefetch(held);
    stage.post(LINED, 10);
    stage.post(LINED, 11);
    stage.millis(500);
    let told = Rc::<RefCell<Vec<_>>>::default();
    let lines = told.clone();
    let _listening =
        stage.client.listen_to_mutations(move |event| lines.borrow_mut().push(format!("{event:?}")));

    stage.client.end_scope();
    let outcomes: Vec<_> = made.take().into_iter().map(|call| stage.outcome(call)).collect();
    assert_eq!((outcomes.len(), stage.pending_posts()), (2, 2));
    stage.seconds(5);
    for outcome in outcomes {
        assert!(outcome.take().is_some_and(|outcome| outcome.starts_with("success")));
    }
    assert_eq!(
        (stage.server.asked_for(), stage.pending_posts()),
        (vec![10, 1, 12], 0),
        "the line is its own"
    );
    assert_eq!(told.borrow().iter().filter(|line| **line == "post Added").count(), 2, "{told:?}");
}

#[test]
fn what_is_kept_is_dropped_with_its_call_though_somebody_holds_the_context() {
    struct Undo(Rc<Cell<usize>>);
    impl Drop for Undo {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let stage = stage();
    let held = Rc::<RefCell<Vec<MutationContext>>>::default();
    let undone = Rc::new(Cell::new(0));
    let keeps = || {
        let (held, undone) = (held.clone(), undone.clone());
        mutation("keeps", async move |(): &(), cx: MutationContext| {
            cx.keep(Undo(undone.clone()));
            held.borrow_mut().push(cx);
            std::future::pending::<Result<(), String>>().await
        })
    };
    let off = stage.client.mutate(keeps(), ()).detach();
    stage.client.mutate(keeps(), ()).detach();
    stage.client.cancel_mutations(off);
    assert_eq!(undone.get(), 1);
    stage.client.end_scope();
    assert_eq!((undone.get(), held.borrow().len()), (2, 2));
}
