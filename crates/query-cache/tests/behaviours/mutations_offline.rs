//! Mutations without a network, and over a reload.

use query_cache::{MutationFilter, NetworkMode, QueryFilter, ResumeError, SavedMutation, ScopeName, minutes};

use crate::common::posting::{LINED, POST, Post};
use crate::common::{Fault, Stage, one, stage};
use query_cache::ErrorClass;

#[test]
fn what_waited_for_the_network_is_sent_in_order_before_anything_is_fetched_again() {
    let stage = stage();
    stage.posts();
    let _viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.set_online(false);
    for number in [10, 20, 11, 30] {
        stage.post(LINED, number);
    }
    stage.seconds(100);
    assert_eq!(stage.server.requests(), 1);
    let paused = MutationFilter::named("post").paused();
    assert_eq!(stage.client.count_mutations(paused), 4);
    stage.client.set_online(true);
    assert_eq!(stage.server.asked_for(), [1, 10, 20, 30], "in the call, side by side, in order");
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 10, 20, 30, 11], "the query waits for the line");
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 10, 20, 30, 11, 1]);
    assert_eq!(stage.pending_posts(), 0);
}

#[test]
fn a_mutation_that_takes_too_long_or_tries_again_holds_up_no_query_for_good() {
    let stage = stage();
    stage.posts();
    let _viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.set_online(false);
    stage.post(POST, 10);
    stage.server.set_latency(minutes(60));
    stage.client.set_online(true);
    stage.seconds(9);
    assert_eq!(stage.server.asked_for(), [1, 10]);
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 10, 1]);

    let stage = crate::common::stage();
    stage.posts();
    let _viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.set_online(false);
    let hour = ErrorClass::Retryable { after: Some(minutes(60)) };
    stage.server.say([Err(Fault(hour))]);
    stage.post(Post { change: |o| o.retry(1), ..POST }, 10);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(stage.server.asked_for(), [1, 10, 1], "not before, and not an hour later");
}

#[test]
fn a_network_that_comes_and_goes_loses_and_repeats_nothing() {
    let stage = stage();
    stage.posts();
    let _viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.set_online(false);
    let ids = [10, 11, 20].map(|number| stage.post(LINED, number));
    stage.client.set_online(true);
    stage.millis(500);
    stage.client.set_online(false);
    stage.seconds(100);
    assert_eq!(stage.server.asked_for(), [1, 10, 20], "what was sent was answered; what was not waits");
    assert_eq!(ids.map(|id| stage.post_state(id)), ["success: 2", "paused", "success: 3"]);
    stage.client.set_online(true);
    stage.seconds(2);
    assert_eq!(stage.server.asked_for(), [1, 10, 20, 11, 1]);
}

#[test]
fn an_attempt_that_found_no_network_waits_for_it_and_does_not_count() {
    let stage = stage();
    let (journal, keys) = stage.posts();
    stage.server.say([Err(Fault(ErrorClass::Offline))]);
    let id = stage.post(POST, 1);
    stage.millis(500);
    stage.client.set_online(false);
    stage.seconds(10);
    assert_eq!((stage.post_state(id), journal.take().len()), ("paused".to_owned(), 1));
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(stage.post_state(id), "success: 2");
    let keys = keys.0.take();
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn what_needs_no_network_waits_for_none_and_offline_first_is_sent_once() {
    let stage = stage();
    stage.posts();
    stage.client.set_online(false);
    stage.server.say([Ok(1), Err(Fault(ErrorClass::Offline))]);
    let always = stage.post(Post { change: |o| o.network(NetworkMode::Always), ..POST }, 1);
    stage.seconds(1);
    let first = stage.post(Post { change: |o| o.network(NetworkMode::OfflineFirst), ..POST }, 2);
    stage.seconds(60);
    assert_eq!([always, first].map(|id| stage.post_state(id)), ["success: 1", "paused"]);
    assert_eq!(stage.server.asked_for(), [1, 2]);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!((stage.post_state(first), stage.server.requests()), ("success: 3".to_owned(), 3));
}

#[test]
fn a_retry_waits_for_somebody_to_look() {
    let stage = stage();
    stage.posts();
    stage.server.fail(1);
    stage.client.set_focused(false);
    let id = stage.post(Post { change: |o| o.retry(1), ..POST }, 1);
    stage.seconds(60);
    assert_eq!(
        (stage.server.requests(), stage.post_state(id)),
        (1, "paused".to_owned()),
        "the first is sent unseen"
    );
    stage.client.set_focused(true);
    stage.seconds(1);
    assert_eq!(stage.post_state(id), "success: 2");
}

/// A page that was loaded anew: another client, the same server.
fn reload(stage: Stage) -> (Stage, Vec<SavedMutation>) {
    let saved = stage.client.unfinished_mutations().saved;
    let Stage { client, world, server } = stage;
    drop(client);
    world.run();
    let client = query_cache::QueryClient::new(world.clone());
    client.provide(server.clone());
    (Stage { world, client, server }, saved)
}

#[test]
fn what_waits_can_be_written_down_and_resumed_by_name_and_reaches_the_server_once() {
    let stage = stage();
    let (_, keys) = stage.posts();
    stage.client.register_mutation(LINED);
    stage.client.set_online(false);
    for number in [10, 20, 11] {
        stage.post(LINED, number);
        stage.millis(1);
    }
    stage.seconds(5);
    let (stage, saved) = reload(stage);
    let (journal, after) = stage.posts();
    assert_eq!(
        saved.iter().map(|saved| saved.variables.as_u64()).collect::<Vec<_>>(),
        [Some(10), Some(20), Some(11)]
    );
    assert!(saved.iter().all(|saved| saved.name == "post" && saved.paused && !saved.sent));

    stage.client.set_online(false);
    let unknown = stage.client.resume_mutation(&saved[0]);
    assert!(matches!(unknown, Err(ResumeError::Unknown { .. })), "{unknown:?}");
    stage.client.register_mutation(LINED);
    let mut garbled = saved[0].clone();
    garbled.variables = "ten".into();
    let unreadable = stage.client.resume_mutation(&garbled);
    assert!(matches!(unreadable, Err(ResumeError::Variables { .. })), "{unreadable:?}");
    assert_eq!(journal.take(), Vec::<String>::new(), "nothing was begun");

    // Out of order, twice, and behind one that is newer: it goes by when they were made.
    stage.post(LINED, 12);
    let ids: Vec<_> = saved.iter().rev().map(|saved| stage.client.resume_mutation(saved).unwrap()).collect();
    let again: Vec<_> =
        saved.iter().rev().map(|saved| stage.client.resume_mutation(saved).unwrap()).collect();
    assert_eq!(ids, again);
    assert_eq!(
        journal.take(),
        ["12 begins", "11 begins", "20 begins", "10 begins"],
        "what was shown is shown again"
    );
    stage.seconds(60);
    assert_eq!((stage.server.requests(), stage.pending_posts()), (0, 4));

    stage.client.set_online(true);
    stage.seconds(10);
    assert_eq!(stage.server.asked_for(), [10, 20, 11, 12], "each once, each line in order");
    assert!(keys.0.borrow().is_empty());
    let sent = after.0.take();
    for saved in &saved {
        let number = u32::try_from(saved.variables.as_u64().unwrap()).unwrap();
        assert!(sent.contains(&(number, saved.idempotency_key.to_string())), "its own key: {sent:?}");
    }
    assert!(ids.iter().all(|id| stage.post_state(*id).starts_with("success")));
    for saved in &saved {
        stage.client.resume_mutation(saved).unwrap();
    }
    stage.seconds(10);
    assert_eq!(stage.server.requests(), 4, "what is over is not sent again");
}

#[test]
fn what_was_under_way_says_so_and_is_sent_again_under_the_same_key() {
    let stage = stage();
    let (_, keys) = stage.posts();
    stage.client.register_mutation(POST);
    stage.post(POST, 1);
    stage.millis(500);
    let unfinished = stage.client.unfinished_mutations();
    assert!(unfinished.saved[0].sent && !unfinished.saved[0].paused);
    let (stage, saved) = reload(stage);
    let (_, after) = stage.posts();
    stage.client.register_mutation(POST);
    stage.client.resume_mutation(&saved[0]).unwrap();
    stage.seconds(1);
    assert_eq!(keys.0.take(), after.0.take());
}

#[test]
fn what_was_sent_before_one_reload_was_sent_before_the_next_one_too() {
    let stage = stage();
    stage.posts();
    stage.client.register_mutation(POST);
    stage.post(POST, 1);
    stage.client.set_online(false);
    stage.post(POST, 2);
    stage.millis(500);
    let (stage, saved) = reload(stage);
    stage.posts();
    stage.client.set_online(false);
    stage.client.register_mutation(POST);
    for saved in &saved {
        stage.client.resume_mutation(saved).unwrap();
    }
    stage.world.run();
    let again = stage.client.unfinished_mutations().saved;
    assert_eq!(again.iter().map(|saved| saved.sent).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_is_not_registered_is_skipped_and_counted() {
    let stage = stage();
    stage.posts();
    stage.client.set_online(false);
    stage.post(POST, 1);
    stage.client.mutate(query_cache::mutation("another", async |_: &u32, _| Ok::<_, String>(())), 2).detach();
    stage.client.register_mutation(POST);
    let unfinished = stage.client.unfinished_mutations();
    assert_eq!((unfinished.saved.len(), unfinished.skipped), (1, 1));
}

#[test]
fn what_waits_travels_with_the_cache_and_goes_on_once_its_mutation_is_registered() {
    let stage = stage();
    stage.client.name_scope(ScopeName::new("ada"));
    stage.posts();
    stage.client.register_mutation(LINED);
    stage.client.set_online(false);
    for number in [10, 20, 11] {
        stage.post(LINED, number);
        stage.millis(1);
    }
    let json = stage.client.dehydrate(QueryFilter::all()).json;

    // Registered before it comes, or after; twice the same; and for somebody else.
    for registered_first in [true, false] {
        let stage = self::stage();
        let (journal, _) = stage.posts();
        stage.client.name_scope(ScopeName::new("ada"));
        if registered_first {
            stage.client.register_mutation(LINED);
        }
        stage.client.hydrate(&json).unwrap();
        stage.client.hydrate(&json).unwrap();
        let again = stage.client.dehydrate(QueryFilter::all()).json;
        assert_eq!(again.matches("\"post\"").count(), 3, "it goes on as it came: {again}");
        stage.client.register_mutation(LINED);
        stage.client.register_mutation(LINED);
        stage.seconds(10);
        assert_eq!(stage.server.asked_for().len(), 3, "each once");
        assert_eq!(journal.take().iter().filter(|line| line.ends_with("begins")).count(), 3);
    }
    let other = self::stage();
    other.posts();
    other.client.name_scope(ScopeName::new("grace"));
    other.client.register_mutation(LINED);
    let _ = other.client.hydrate(&json);
    other.seconds(10);
    assert_eq!(other.server.requests(), 0, "another's");

    // Not yet registered when the scope ends: gone.
    let late = self::stage();
    late.posts();
    late.client.name_scope(ScopeName::new("ada"));
    late.client.hydrate(&json).unwrap();
    late.client.end_scope();
    late.client.register_mutation(LINED);
    late.seconds(10);
    assert_eq!(late.server.requests(), 0);
}
