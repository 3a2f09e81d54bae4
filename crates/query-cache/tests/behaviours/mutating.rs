//! One call of a mutation, from its beginning to its end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    Classify, ErrorClass, Mutation, MutationContext, MutationError, MutationFilter, MutationStep, mutation,
    seconds,
};

use crate::common::posting::{Journal, POST, Post};
use crate::common::{BUSY, MISSING, stage};
use crate::{fresh, two};

const TWICE: Post = Post { change: |defaults| defaults.retry(1), lined: false };

#[test]
fn a_mutation_is_pending_until_its_last_callback_and_then_a_success_or_an_error() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.server.say([Ok(70), Err(MISSING)]);
    let done = stage.client.mutate(POST, 1);
    let viewer = stage.watch_post(done.id());
    let done = stage.outcome(done);
    assert_eq!((viewer.now(), stage.server.asked_for()), ("pending".to_owned(), vec![1]));
    stage.seconds(1);
    assert_eq!(journal.take(), ["1 begins", "1 succeeds: 70, 1 kept", "1 settles: well", "1 kept, dropped"]);
    assert_eq!((viewer.shown(), done.take()), (vec!["success: 70".to_owned()], Some("success: 70".into())));

    let failed = stage.client.mutate(POST, 2);
    viewer.follow(Some(failed.id()));
    let failed = stage.outcome(failed);
    stage.seconds(1);
    let told = ["2 begins", "2 fails: Permanent, 2 kept", "2 settles: not well", "2 kept, dropped"];
    assert_eq!(journal.take(), told);
    assert_eq!(viewer.shown(), ["pending", "error: Permanent"]);
    assert_eq!(failed.take().as_deref(), Some("error: Permanent"));
    assert_eq!(stage.server.requests(), 2);
}

#[test]
fn a_failed_attempt_is_repeated_only_if_asked_after_a_wait_and_that_is_shown() {
    let stage = stage();
    let (journal, keys) = stage.posts();
    stage.server.fail(1);
    stage.post(POST, 1);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), journal.take().len()), (1, 4), "not asked");

    stage.server.fail(1);
    let id = stage.post(TWICE, 2);
    let viewer = stage.watch_post(id);
    stage.seconds(60);
    let shown = ["pending", "1 of 2 failed, waiting", "1 of 2 failed, again", "success: 3"];
    assert_eq!(viewer.shown(), shown);
    assert_eq!(journal.take().len(), 4, "callbacks once, not for each attempt");
    let keys: Vec<_> = keys.0.take().into_iter().filter(|(number, _)| *number == 2).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]), "one idempotency key for both attempts");

    stage.server.fail(2);
    let id = stage.post(TWICE, 3);
    stage.seconds(60);
    assert_eq!(stage.post_state(id), "error: Retryable { after: None }");
    let found = &stage.client.find_mutations(id)[0];
    assert_eq!(found.details::<Post>().unwrap().failures, 2);
}

#[test]
fn a_server_that_says_when_to_come_back_is_obeyed() {
    let stage = stage();
    stage.posts();
    let busy = ErrorClass::Retryable { after: Some(seconds(100)) };
    stage.server.say([Err(crate::common::Fault(busy))]);
    stage.post(TWICE, 1);
    stage.seconds(100);
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 2);
}

#[test]
fn a_mutation_of_nothing_is_a_mutation() {
    let stage = stage();
    let nothing = mutation("nothing", async |&(): &(), _| Ok::<_, String>(()));
    let outcome = stage.spawn(stage.client.mutate(nothing, ()));
    stage.world.run();
    assert!(matches!(outcome.take(), Some(Ok(_))));
}

#[test]
fn an_answer_that_is_there_at_once_is_pending_first_and_needs_nobody_who_waits() {
    let stage = stage();
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    let at_once = mutation("at once", async move |number: &u32, _| {
        count.set(count.get() + number);
        Ok::<_, String>(*number)
    });
    let id = stage.client.mutate(at_once, 3).detach();
    assert_eq!((runs.get(), stage.pending_posts()), (3, 1), "begun in the call, and not over in it");
    stage.world.run();
    assert_eq!(
        stage.client.find_mutations(id)[0].snapshot().state::<u32, String>().data(),
        Some(&Rc::new(3))
    );
}

#[test]
fn dropping_the_future_calls_nothing_off() {
    let stage = stage();
    let (journal, _) = stage.posts();
    drop(stage.client.mutate(POST, 1));
    let second = stage.client.mutate(POST, 2);
    stage.millis(500);
    drop(second);
    stage.seconds(1);
    assert_eq!((stage.server.aborted(), stage.pending_posts()), (0, 0));
    assert_eq!(journal.take().iter().filter(|line| line.contains("settles: well")).count(), 2);
}

#[test]
fn the_first_callback_runs_in_the_call() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.client.set_online(false);
    stage.post(POST, 1);
    assert_eq!(journal.take(), ["1 begins"], "with no network either");
    assert_eq!(stage.server.requests(), 0);
}

/// Takes 100 ms for each of its callbacks.
struct Slow;

impl Mutation for Slow {
    type Variables = bool;
    type Data = u32;
    type Error = String;

    fn name(&self) -> &'static str {
        "slow"
    }
    async fn mutate(&self, fails: &bool, cx: MutationContext) -> Result<u32, String> {
        step(&cx, "mutate").await;
        if *fails { Err("no".to_owned()) } else { Ok(1) }
    }
    async fn on_mutate(&self, _: &bool, cx: MutationContext) {
        step(&cx, "on_mutate").await;
    }
    async fn on_success(&self, _: &u32, _: &bool, cx: MutationContext) {
        step(&cx, "on_success").await;
    }
    async fn on_error(&self, _: &String, _: &bool, cx: MutationContext) {
        step(&cx, "on_error").await;
    }
    async fn on_settled(&self, _: Result<&u32, &MutationError<String>>, _: &bool, cx: MutationContext) {
        step(&cx, "on_settled").await;
    }
}

async fn step(cx: &MutationContext, what: &str) {
    let journal = cx.get::<Journal>().unwrap();
    journal.write(what);
    cx.get::<query_cache::ManualEnvironment>().unwrap().sleep(Duration::from_millis(100)).await;
    journal.write(format!("{what}, over"));
}

#[test]
fn each_callback_is_waited_for_those_of_all_mutations_first() {
    for fails in [false, true] {
        let stage = stage();
        let (journal, _) = stage.posts();
        stage.client.provide(stage.world.clone());
        stage.client.on_each_mutation(async |told: MutationStep, cx: MutationContext| {
            step(&cx, &format!("{told:?}")).await;
        });
        stage.client.mutate(Slow, fails).then(move |outcome| {
            assert_eq!(outcome.is_err(), fails);
        });
        let (then, callback) = if fails { ("Failed", "on_error") } else { ("Succeeded", "on_success") };
        let steps = ["Begun", "on_mutate", "mutate", then, callback, "Settled", "on_settled"];
        for what in steps {
            assert_eq!(journal.take(), [what], "and nothing else before it is over");
            assert_eq!(stage.pending_posts(), 1);
            stage.millis(99);
            assert_eq!(journal.take(), Vec::<String>::new());
            stage.millis(1);
            let over = journal.0.borrow_mut().remove(0);
            assert_eq!(over, format!("{what}, over"));
        }
        assert_eq!((journal.take(), stage.pending_posts()), (vec![], 0));
    }
}

/// Whose callback has a problem of its own.
struct Careless;

impl Mutation for Careless {
    type Variables = ();
    type Data = ();
    type Error = String;

    fn name(&self) -> &'static str {
        "careless"
    }
    async fn mutate(&self, (): &(), _: MutationContext) -> Result<(), String> {
        Ok(())
    }
    async fn on_success(&self, (): &(), (): &(), cx: MutationContext) {
        let failed = cx.client().query(two()).await;
        cx.get::<Journal>().unwrap().write(format!("fetched: {}", failed.is_ok()));
    }
    async fn on_settled(&self, outcome: Result<&(), &MutationError<String>>, (): &(), cx: MutationContext) {
        cx.get::<Journal>().unwrap().write(format!("settled: {}", outcome.is_ok()));
    }
}

#[test]
fn what_goes_wrong_in_a_callback_makes_no_failure_of_what_the_server_has_done() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.server.say([Err(MISSING)]);
    let outcome = stage.spawn(stage.client.mutate(Careless, ()));
    stage.seconds(60);
    assert_eq!(journal.take(), ["fetched: false", "settled: true"]);
    assert!(matches!(outcome.take(), Some(Ok(_))));
}

#[test]
fn a_callback_that_waits_for_what_it_made_out_of_date_keeps_it_pending_until_that_is_shown() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    let save = mutation("save", async |(): &(), cx: MutationContext| {
        cx.client().invalidate(&fresh());
        cx.client().settled(&fresh()).await;
        Ok::<_, String>(())
    });
    let id = stage.client.mutate(save, ()).detach();
    stage.millis(999);
    assert_eq!((stage.server.requests(), stage.pending_posts()), (2, 1));
    stage.millis(1);
    assert_eq!((crate::common::shows(&viewer), stage.pending_posts()), ("2".to_owned(), 0));
    assert!(stage.client.find_mutations(id)[0].snapshot().state::<(), String>().data().is_some());
}

#[test]
fn what_is_to_be_done_after_one_call_is_told_its_outcome_after_the_mutations_own_callbacks() {
    let stage = stage();
    let (journal, _) = stage.posts();
    for (answer, ends) in [(Ok(7), "1 settles: well"), (Err(MISSING), "1 settles: not well")] {
        stage.server.say([answer.clone()]);
        let told = journal.clone();
        stage.client.mutate(POST, 1).then(move |outcome| {
            told.write(format!("{:?}", outcome.map(|data| *data).map_err(|error| error.failed().unwrap().0)));
        });
        stage.seconds(1);
        let lines = journal.take();
        let last = format!("{:?}", answer.map_err(|fault| fault.0));
        assert_eq!(lines[2..], [ends.to_owned(), "1 kept, dropped".to_owned(), last]);
    }
}

#[test]
fn what_runs_keeps_to_the_options_and_the_meta_it_was_called_with() {
    let stage = stage();
    let (_, keys) = stage.posts();
    stage.server.fail(3);
    let metas = Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = metas.clone();
    stage.client.on_each_mutation(async move |step: MutationStep, cx: MutationContext| {
        if let MutationStep::Settled(_) = step {
            seen.borrow_mut().push(*cx.meta::<u32>().unwrap());
        }
    });
    let post = |meta: u32, retry: u32| POST.with_options(move |o| o.retry(retry).meta(meta));
    stage.client.mutate(post(1, 0), 1).detach();
    stage.client.set_mutation_options_of("post", |options| options.retry(5));
    stage.client.mutate(post(2, 1), 2).detach();
    stage.seconds(60);
    assert_eq!(metas.take(), [1, 2]);
    let sent = |wanted: u32| keys.0.borrow().iter().filter(|(number, _)| *number == wanted).count();
    assert_eq!((sent(1), sent(2)), (1, 2), "the name's five and the client's none give way to its own");
}

#[test]
fn mutations_have_defaults_by_client_and_by_name_the_later_replaces_the_earlier() {
    let stage = stage();
    stage.posts();
    let requests = |sends: usize| {
        let before = stage.server.requests();
        stage.server.fail(sends);
        stage.post(POST, 1);
        stage.seconds(600);
        stage.server.requests() - before
    };
    stage.client.set_mutation_options_of("post", |options| options.retry(2));
    stage.client.set_mutation_options(|options| options.retry(4));
    assert_eq!(requests(3), 3, "the name's on top of the client's, whatever was said first");
    stage.client.set_mutation_options_of("post", |options| options.retry(1));
    assert_eq!(requests(2), 2);
    stage.client.set_mutation_options_of("another", |options| options.retry(0));
    assert_eq!(requests(2), 2);
    stage.client.set_mutation_options_of("post", |options| options);
    assert_eq!(requests(5), 5);
}

#[test]
fn what_its_own_judgement_does_not_think_worth_it_is_not_tried_again() {
    let stage = stage();
    stage.posts();
    stage.server.say([Err(BUSY)]);
    stage.client.mutate(TWICE.with_options(|o| o.retry_if(|fault| fault.class() != BUSY.0)), 1).detach();
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 1);
}

#[test]
fn what_is_called_off_is_dropped_and_over_and_what_has_its_answer_is_not_called_off() {
    let stage = stage();
    let (journal, _) = stage.posts();
    let call = stage.client.mutate(POST, 1);
    let id = call.id();
    let outcome = stage.outcome(call);
    stage.millis(500);
    assert_eq!((stage.client.cancel_mutations(id), stage.server.aborted()), (1, 1), "in the call");
    stage.world.run();
    assert_eq!(journal.take(), ["1 begins", "1 settles: not well", "1 kept, dropped"]);
    assert_eq!(outcome.take().as_deref(), Some("error: Cancelled"));
    assert_eq!((stage.post_state(id), stage.client.cancel_mutations(id)), ("error: Cancelled".to_owned(), 0));

    let done = stage.post(POST, 2);
    stage.seconds(2);
    assert_eq!(stage.client.cancel_mutations(MutationFilter::all()), 0);
    assert_eq!(stage.post_state(done), "success: 2");
}

#[test]
fn two_calls_are_two_mutations_whatever_comes_of_the_other() {
    let stage = stage();
    let (_, keys) = stage.posts();
    stage.server.say([Err(MISSING), Ok(8)]);
    let viewer = stage.watch_post(stage.post(POST, 1));
    let second = stage.post(POST, 1);
    let keys = keys.0.take();
    assert_ne!(keys[0].1, keys[1].1, "each has its idempotency key");
    viewer.follow(Some(second));
    stage.seconds(1);
    assert_eq!(viewer.shown(), ["pending", "success: 8"], "only what is followed now");
}

#[test]
fn following_the_same_call_again_tells_nobody() {
    let stage = stage();
    stage.posts();
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let events = Rc::new(Cell::new(0));
    let counted = events.clone();
    let id = stage.post(POST, 1);
    stage.seconds(1);
    let _listening = stage.client.listen_to_mutations(move |_| counted.set(counted.get() + 1));
    let observer = stage.client.observe_mutation(Rc::new(move || count.set(count.get() + 1)));
    observer.watch_details();
    for _ in 0..3 {
        observer.follow(Some(id));
    }
    stage.world.run();
    assert_eq!((told.get(), events.get()), (1, 0), "once, of what it was turned to");
    observer.show();
    observer.follow(Some(id));
    stage.world.run();
    assert_eq!((told.get(), events.get()), (1, 0));
}

#[test]
fn an_idempotency_key_reads_as_a_random_uuid() {
    let stage = stage();
    let (_, keys) = stage.posts();
    for number in 0..100 {
        stage.post(POST, number);
    }
    let keys: std::collections::BTreeSet<String> = keys.0.take().into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys.len(), 100);
    for key in keys {
        let parts: Vec<usize> = key.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{key}");
        assert_eq!(&key[14..15], "4");
        assert!("89ab".contains(&key[19..20]), "{key}");
    }
}
