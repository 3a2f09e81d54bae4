mod world;

use std::time::Duration;

use super::REFRESH_LIMIT;
use crate::error::ApiError;
use crate::exchange::Wish;
use crate::token::{ProviderError, TokenError};
use world::{Sent, World};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A world in which answers take a second and refreshes two.
fn world() -> World {
    let world = World::default();
    world.0.answer_takes.set(seconds(1));
    world.0.refresh_takes.set(seconds(2));
    world
}

fn is_refused(answer: &Result<String, ApiError>) -> bool {
    matches!(answer, Err(ApiError::Unauthorized(refusal)) if refusal.status == 401)
}

#[test]
fn what_is_answered_is_not_asked_for_again() {
    let world = world();
    world.accept(0);
    let gate = world.gate();
    let sent = world.send(&gate);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("Bearer t0".into()));
    assert_eq!((world.served(), world.0.refreshes.get()), ((1, 0), 0));
}

#[test]
fn fifty_refused_at_once_cost_one_refresh_and_fifty_replays() {
    let world = world();
    world.accept(1);
    let gate = world.gate();
    let sent: Vec<Sent> = (0..50).map(|_| world.send(&gate)).collect();
    world.advance(seconds(10));
    assert!(sent.iter().all(|sent| sent.answer() == Ok("Bearer t1".into())));
    assert_eq!((world.served(), world.0.refreshes.get()), ((100, 50), 1));
}

#[test]
fn fifty_refused_one_after_the_other_cost_one_refresh_too() {
    let world = world();
    world.accept(1);
    let gate = world.gate();
    let sent: Vec<Sent> = (0..50)
        .map(|_| {
            // The first are refused before the refresh, the next while it runs, the last after it.
            world.advance(Duration::from_millis(100));
            world.send(&gate)
        })
        .collect();
    world.advance(seconds(10));
    assert!(sent.iter().all(|sent| sent.answer() == Ok("Bearer t1".into())));
    assert_eq!(world.0.refreshes.get(), 1);
}

#[test]
fn a_second_refusal_is_the_answer() {
    let world = world();
    let gate = world.gate();
    let sent = world.send(&gate);
    world.advance(seconds(10));
    assert!(is_refused(&sent.answer()));
    assert_eq!(*world.0.log.borrow(), ["Bearer t0", "Bearer t1 again"]);
}

#[test]
fn a_server_that_refuses_everything_for_a_minute_costs_one_refresh() {
    let world = world();
    let gate = world.gate();
    let mut sent = Vec::new();
    for second in 0..60 {
        // As Clerk does, tokens are renewed on the way.
        if second % 43 == 42 {
            world.renew();
        }
        sent.extend((0..3).map(|_| world.send(&gate)));
        world.advance(seconds(1));
    }
    assert_eq!(world.0.refreshes.get(), 1, "in that minute");
    world.advance(seconds(10));
    assert!(sent.iter().all(|sent| is_refused(&sent.answer())));
    // Nobody is sent more than twice.
    assert!(world.served().0 <= 2 * sent.len());

    // Later a refusal may be the token's fault again.
    world.advance(seconds(60));
    let late = world.send(&gate);
    world.advance(seconds(10));
    assert!(is_refused(&late.answer()));
    assert_eq!(world.0.refreshes.get(), 2);
}

#[test]
fn a_token_that_is_older_than_the_present_one_is_just_replaced() {
    let world = world();
    let gate = world.gate();
    let sent = world.send(&gate);
    world.run();
    let renewed = world.renew();
    world.accept(renewed);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("Bearer t1".into()));
    assert_eq!((world.served(), world.0.refreshes.get()), ((2, 1), 0));
}

#[test]
fn a_token_read_before_a_refresh_and_given_after_it_does_not_bring_the_old_one_back() {
    let world = world();
    world.accept(1);
    let gate = world.gate();
    let first = world.send(&gate);
    world.advance(Duration::from_millis(1500));
    // Asked for while the refresh runs; it arrives after it.
    world.0.token_takes.set(seconds(3));
    let second = world.send(&gate);
    world.advance(seconds(10));
    assert_eq!((first.answer(), second.answer()), (Ok("Bearer t1".into()), Ok("Bearer t1".into())));
    assert_eq!(world.0.refreshes.get(), 1);
    assert_eq!(world.0.log.borrow().iter().filter(|line| line.starts_with("Bearer t0")).count(), 1);
}

#[test]
fn whoever_leaves_harms_none() {
    let world = world();
    world.accept(1);
    let gate = world.gate();
    let mut sent: Vec<Sent> = (0..10).map(|_| world.send(&gate)).collect();
    world.advance(Duration::from_millis(1500));
    assert_eq!(world.0.refreshes.get(), 1, "under way");
    // Whoever began it, and all but one of the others.
    let last = sent.pop().unwrap();
    sent.into_iter().for_each(Sent::leave);
    world.advance(seconds(10));
    assert_eq!(last.answer(), Ok("Bearer t1".into()));
    assert_eq!((world.served(), world.0.refreshes.get()), ((11, 1), 1));

    // All leave: the refresh comes to its end, and whoever comes next has its token.
    let world = self::world();
    world.accept(1);
    let gate = world.gate();
    let only = world.send(&gate);
    world.advance(Duration::from_millis(1500));
    only.leave();
    world.advance(seconds(10));
    let next = world.send(&gate);
    world.advance(seconds(10));
    assert_eq!(next.answer(), Ok("Bearer t1".into()));
    assert_eq!(world.0.refreshes.get(), 1);
}

#[test]
fn a_refresh_that_fails_offline_is_offline_and_is_tried_again() {
    let world = world();
    world.accept(1);
    world.0.refresh_fails.replace(Some(TokenError::Offline));
    let gate = world.gate();
    let sent: Vec<Sent> = (0..3).map(|_| world.send(&gate)).collect();
    world.advance(seconds(10));
    assert!(sent.iter().all(|sent| sent.answer() == Err(ApiError::Token(TokenError::Offline))));
    assert_eq!((world.served(), world.0.refreshes.get()), ((3, 0), 1));

    world.0.refresh_fails.replace(None);
    let sent = world.send(&gate);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("Bearer t1".into()));
}

#[test]
fn a_refresh_that_is_refused_is_not_tried_again_at_once() {
    let world = world();
    world.accept(1);
    let error =
        ProviderError { status: Some(429), retry_after: Some(seconds(20)), ..ProviderError::default() };
    let error = TokenError::Provider(error);
    world.0.refresh_fails.replace(Some(error.clone()));
    let gate = world.gate();
    for _ in 0..5 {
        let sent = world.send(&gate);
        world.advance(seconds(4));
        assert_eq!(sent.answer(), Err(ApiError::Token(error.clone())));
    }
    assert_eq!(world.0.refreshes.get(), 1, "it asked for twenty seconds");
    world.0.refresh_fails.replace(None);
    world.advance(seconds(10));
    let sent = world.send(&gate);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("Bearer t1".into()));
}

#[test]
fn a_refresh_that_never_ends_is_given_up() {
    let world = world();
    world.0.refresh_takes.set(Duration::from_secs(1_000_000));
    let gate = world.gate();
    let sent = world.send(&gate);
    world.advance(seconds(1) + REFRESH_LIMIT);
    assert_eq!(sent.answer(), Err(ApiError::Token(TokenError::TimedOut { after: REFRESH_LIMIT })));
}

#[test]
fn a_scopes_end_answers_the_waiting_as_signed_out() {
    let world = world();
    let gate = world.gate();
    let waiting: Vec<Sent> = (0..3).map(|_| world.send(&gate)).collect();
    world.advance(Duration::from_millis(1500));
    let unanswered = world.send(&gate);
    world.run();
    assert!(waiting.iter().all(Sent::is_waiting), "for the refresh");
    world.end_scope();
    world.run();
    assert!(waiting.iter().all(|sent| sent.answer() == Err(ApiError::Token(TokenError::SignedOut))));

    // One person's refused request is not sent again with the next person's token.
    world.accept(1);
    world.accept(2);
    world.advance(seconds(10));
    assert_eq!(unanswered.answer(), Err(ApiError::Token(TokenError::SignedOut)));
    assert_eq!(world.served(), (4, 0));

    // What the next one asks for is sent, and the last one's refresh changes nothing of that.
    let next = world.send(&gate);
    world.advance(seconds(10));
    assert!(next.answer().is_ok());
}

#[test]
fn whoever_waits_for_a_token_while_the_scope_ends_is_not_sent_with_the_next_ones() {
    let world = world();
    world.0.token_takes.set(seconds(2));
    let gate = world.gate();
    let sent = world.send(&gate);
    world.advance(seconds(1));
    world.end_scope();
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Err(ApiError::Token(TokenError::SignedOut)));
    assert_eq!(world.served(), (0, 0));
}

#[test]
fn the_next_persons_token_is_not_taken_for_young() {
    let world = world();
    let gate = world.gate();
    let first = world.send(&gate);
    world.advance(seconds(10));
    assert!(is_refused(&first.answer()));
    world.end_scope();
    let next = world.send(&gate);
    world.advance(seconds(10));
    assert!(is_refused(&next.answer()));
    assert_eq!(world.0.refreshes.get(), 2, "one for each of them");
}

#[test]
fn a_body_that_can_be_read_once_is_not_sent_twice() {
    let world = world();
    world.accept(1);
    let gate = world.gate();
    let sent = world.send_as(&gate, Wish::Token, false);
    world.advance(seconds(10));
    assert!(matches!(sent.answer(), Err(ApiError::NotReplayable(_))), "{:?}", sent.answer());
    assert_eq!((world.served(), world.0.refreshes.get()), ((1, 0), 1));
    // Made anew, it is sent with the new token.
    let sent = world.send_as(&gate, Wish::Token, false);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("Bearer t1".into()));
}

#[test]
fn a_clock_that_is_set_back_makes_no_token_young() {
    let world = world();
    world.advance(seconds(3600));
    let gate = world.gate();
    let sent = world.send(&gate);
    world.advance(seconds(10));
    assert!(is_refused(&sent.answer()));
    world.set_clock(seconds(5));
    let sent = world.send(&gate);
    world.advance(seconds(10));
    assert!(is_refused(&sent.answer()));
    assert_eq!(world.0.refreshes.get(), 2);
}

#[test]
fn a_token_if_there_is_one() {
    let world = world();
    world.accept(0);
    let gate = world.gate();
    let sent = world.send_as(&gate, Wish::IfThereIsOne, true);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("Bearer t0".into()));
    let sent = world.send_as(&gate, Wish::Anonymous, true);
    world.advance(seconds(10));
    assert_eq!(sent.answer(), Ok("nobody".into()));
}
