//! What the simulation found, each in as few steps as it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use common::{BUSY, MISSING, Number, one, shows, stage};
use query_cache::{
    Happening, Query, QueryClient, QueryFilter, QueryFuture, SelectObserver, query, query_key, seconds,
};

fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(seconds(60)).backoff(seconds(10), seconds(10)))
}

#[test]
fn an_error_pushed_during_the_first_fetch_does_not_cost_its_answer() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.set_error(&one(), MISSING);
    assert_eq!(shows(&viewer), "failed");
    stage.seconds(1);
    assert_eq!(shows(&viewer), "1");
}

#[test]
fn an_error_pushed_during_a_fetch_outlives_that_fetch() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.client.set_error(&one(), MISSING);
    stage.client.cancel(&one());
    assert_eq!(shows(&viewer), "failed");
}

#[test]
fn a_write_during_a_fetch_leaves_an_invalidation_to_be_answered() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.invalidate(&fresh());
    stage.world.run();
    assert_eq!(stage.server.requests(), 2);
    stage.client.set_data(&fresh(), 70);
    stage.seconds(1);
    assert_eq!(
        (shows(&viewer), stage.server.requests()),
        ("70".to_owned(), 3),
        "the second says nothing new"
    );
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.observer.is_stale()), ("3".to_owned(), false));
    stage.seconds(10);
    assert_eq!(stage.server.requests(), 3);
}

#[test]
fn a_write_while_a_fetch_is_paused_or_waits_leaves_an_invalidation_to_be_answered() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    stage.client.set_online(false);
    stage.client.invalidate(&fresh());
    stage.world.run();
    stage.client.set_data(&fresh(), 70);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");

    stage.server.say([Err(BUSY)]);
    stage.client.invalidate(&fresh());
    stage.seconds(1);
    stage.client.set_data(&fresh(), 71);
    stage.seconds(12);
    assert_eq!((shows(&viewer), stage.server.requests()), ("4".to_owned(), 4));
}

#[test]
fn a_write_while_a_first_fetch_waits_needs_no_other_attempt() {
    let stage = stage();
    stage.client.set_online(false);
    let viewer = stage.watch(fresh());
    stage.client.set_data(&fresh(), 70);
    stage.client.set_online(true);
    stage.seconds(5);
    assert_eq!((shows(&viewer), stage.server.requests()), ("70".to_owned(), 0));
}

#[test]
fn a_placeholder_that_goes_with_its_scope_is_told() {
    let stage = stage();
    let viewer = stage.watch(Number(1, |defaults| defaults.enabled(false).placeholder(|| Some(7))));
    assert_eq!(shows(&viewer), "7");
    stage.client.end_scope();
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("idle".to_owned(), 1));
}

#[test]
fn what_is_reset_while_it_is_fetched_for_nobody_is_thrown_away_in_time() {
    let stage = stage();
    stage.client.prefetch(one());
    stage.client.reset(&one());
    assert_eq!((stage.server.aborted(), stage.client.query_count()), (1, 1));
    stage.seconds(301);
    assert_eq!(stage.client.query_count(), 0);
}

#[test]
fn what_was_invalidated_in_a_held_scope_is_fetched_in_the_next() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.hold_scope();
    stage.client.invalidate(&one());
    stage.world.run();
    stage.client.end_scope();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "2");
}

#[test]
fn who_is_disabled_is_told_that_a_held_scope_ended() {
    let stage = stage();
    let viewer = stage.watch(Number(1, |defaults| defaults.enabled(false)));
    stage.client.hold_scope();
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("pending".to_owned(), 1));
    stage.client.end_scope();
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("idle".to_owned(), 1));
}

#[test]
fn what_a_query_makes_for_a_scope_that_it_ends_is_not_kept_for_the_next() {
    let stage = stage();
    let client = stage.client.clone();
    let ends = query(query_key!["ends"], async |_| Ok::<u32, String>(2)).with_options(move |options| {
        let (client, ended) = (client.clone(), Cell::new(false));
        options.initial_data(move || {
            (!ended.replace(true)).then(|| {
                client.end_scope();
                1
            })
        })
    });
    let viewer = stage.watch(ends);
    assert_eq!(shows(&viewer), "pending");
    stage.world.run();
    assert_eq!(shows(&viewer), "2");

    let client = stage.client.clone();
    let ends = Number(1, |defaults| defaults).with_options(move |options| {
        client.end_scope();
        options
    });
    stage.client.set_data(&ends, 70);
    stage.client.set_error(&ends, MISSING);
    assert_eq!(stage.client.get_data(&one()), None);
    let of_old = stage.client.in_this_scope();
    drop(of_old.query(ends));
    assert_eq!(stage.server.requests(), 0, "asked for by somebody whose scope is over");
}

#[test]
fn a_public_query_does_not_carry_what_was_shown_before_into_the_next_scope() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    viewer.observer.follow(Number(2, |defaults| defaults.keep_previous(true).public(true)));
    stage.client.end_scope();
    assert_eq!(shows(&viewer), "pending");
}

/// What a call that has just been polled says.
fn polled<Q: Query<Data = u32>>(call: &mut QueryFuture<Q>) -> Poll<Option<u32>> {
    let polled = Pin::new(call).poll(&mut Context::from_waker(Waker::noop()));
    polled.map(|verdict| verdict.ok().map(|data| *data))
}

#[test]
fn a_verdict_that_is_not_picked_up_ends_with_its_scope_and_waits_while_that_is_held() {
    let stage = stage();
    stage.client.set_data(&fresh(), 70);
    let mut there = stage.client.query(fresh());
    let mut fetched = stage.client.query(Number(2, |defaults| defaults));
    stage.client.hold_scope();
    stage.seconds(1);
    assert!(polled(&mut there).is_pending() && polled(&mut fetched).is_pending());
    stage.client.restore_scope();
    assert_eq!(polled(&mut there), Poll::Ready(Some(70)));
    stage.client.end_scope();
    assert_eq!(polled(&mut fetched), Poll::Ready(None));
}

#[test]
fn what_is_left_to_tell_when_a_listener_ends_the_scope_is_not_told() {
    let stage = stage();
    let told = Rc::new(Cell::new(0));
    let listen = || {
        let (client, told) = (stage.client.clone(), told.clone());
        stage.client.listen(move |_| {
            told.set(told.get() + 1);
            client.end_scope();
        })
    };
    let _ears = (listen(), listen());
    stage.client.set_data(&one(), 70);
    stage.world.run();
    // Of the entry that is there and is written to, and then of its end.
    assert_eq!(told.get(), 1 + 1);
}

#[test]
fn who_lets_go_while_looking_is_told_no_more() {
    /// Lets go of what watches it when it is dropped.
    struct Picked(u32, Rc<Cell<Option<SelectObserver<Number, Picked>>>>);
    impl PartialEq for Picked {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Drop for Picked {
        fn drop(&mut self) {
            drop(self.1.take());
        }
    }
    let stage = stage();
    let told = Rc::new(Cell::new(0));
    let watcher = Rc::new(Cell::new(None));
    let (picked, count) = (watcher.clone(), told.clone());
    stage.client.set_data(&fresh(), 1);
    let select = move |number: &u32| Picked(*number, picked.clone());
    let observer = stage.client.observe_select(fresh(), select, move || count.set(count.get() + 1));
    watcher.set(Some(observer));
    stage.client.set_data(&fresh(), 2);
    stage.world.run();
    assert_eq!((told.get(), stage.client.observer_count()), (0, 0));
}

#[test]
fn what_is_let_go_of_while_another_fetch_is_dropped_is_dropped_too() {
    struct Asks(QueryClient);
    impl Drop for Asks {
        fn drop(&mut self) {
            drop(self.0.query(one()));
        }
    }
    let stage = stage();
    let (client, world) = (stage.client.clone(), stage.world.clone());
    let first = query(query_key!["first"], async move |_| {
        let _asks = Asks(client.clone());
        world.sleep(seconds(60)).await;
        Ok::<u32, String>(1)
    });
    drop(stage.watch(first));
    stage.world.run();
    assert_eq!((stage.server.requests(), stage.server.aborted()), (1, 1));
}

#[test]
fn what_happened_before_a_waker_ended_the_scope_is_not_told() {
    thread_local! {
        static CLIENT: RefCell<Option<QueryClient>> = const { RefCell::new(None) };
    }
    struct Ends;
    impl Wake for Ends {
        fn wake(self: Arc<Self>) {
            CLIENT.with_borrow(|client| client.iter().for_each(QueryClient::end_scope));
        }
    }
    let stage = stage();
    let mut call = stage.client.query(one());
    assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&Waker::from(Arc::new(Ends)))).is_pending());
    stage.world.run();
    let told = Rc::new(Cell::new(false));
    let fetched = told.clone();
    let _ear = stage.client.listen(move |event| {
        fetched.set(fetched.get() || matches!(event.happening, Happening::Fetched { .. }));
    });
    CLIENT.set(Some(stage.client.clone()));
    stage.seconds(1);
    CLIENT.set(None);
    assert!(!told.get());
    assert_eq!(polled(&mut call), Poll::Ready(None));
}

#[test]
fn a_source_is_not_opened_for_a_scope_that_ended_before() {
    let stage = stage();
    let opened = Rc::new(Cell::new(0));
    let (client, ended) = (stage.client.clone(), Cell::new(false));
    let ends = query(query_key!["ends"], async move |_| {
        if !ended.replace(true) {
            client.end_scope();
        }
        Ok::<u32, String>(1)
    });
    let count = opened.clone();
    let fed = ends.with_options(move |options| {
        let count = count.clone();
        options.fed_by(move |_| count.set(count.get() + 1))
    });
    let _viewer = stage.watch(fed);
    stage.world.run();
    assert_eq!(opened.get(), 1, "once, for the scope that is open");
}

#[test]
fn a_placeholder_that_is_hidden_and_shown_again_is_told() {
    let stage = stage();
    let first = stage.watch(one());
    stage.client.end_scope();
    let stands_in = Number(1, |defaults| defaults.enabled(false).placeholder(|| Some(7)));
    let viewer = stage.watch(stands_in);
    drop(first);
    stage.world.run();
    viewer.told();
    stage.client.hold_scope();
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("pending".to_owned(), 1));
    stage.client.restore_scope();
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("7".to_owned(), 1));
}

#[test]
fn an_alarm_set_from_within_user_code_is_not_put_off() {
    struct Writes(QueryClient);
    impl Drop for Writes {
        fn drop(&mut self) {
            self.0.set_data(&Number(1, |defaults| defaults.gc_after(seconds(5))), 1);
        }
    }
    let stage = stage();
    let (client, world) = (stage.client.clone(), stage.world.clone());
    let first = query(query_key!["first"], async move |_| {
        let _writes = Writes(client.clone());
        world.sleep(seconds(60)).await;
        Ok::<u32, String>(1)
    });
    drop(stage.watch(first));
    stage.seconds(5);
    assert_eq!(stage.client.query_count(), 1, "the other is kept for five minutes");
    stage.seconds(300);
    assert_eq!(stage.client.query_count(), 0);
}

#[test]
fn an_update_of_many_does_not_undo_what_was_written_while_it_ran() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let client = stage.client.clone();
    let written = stage.client.update_all::<Number>(QueryFilter::all(), move |held| {
        if *held == 1 {
            client.set_data(&one(), 70);
        }
        Some(held + 1)
    });
    assert_eq!((written, stage.client.get_data(&one()).as_deref()), (1, Some(&71)));
}

#[test]
fn an_update_does_not_undo_what_was_written_while_its_data_was_compared() {
    /// Writes once when it is compared.
    struct Writes(u32, Rc<Cell<bool>>, QueryClient);
    impl PartialEq for Writes {
        fn eq(&self, other: &Self) -> bool {
            if self.1.replace(false) {
                self.2.set_data(&writes(), Writes(70, self.1.clone(), self.2.clone()));
            }
            self.0 == other.0
        }
    }
    fn writes() -> impl Query<Data = Writes, Error = String> {
        query(query_key!["writes"], async |_| Err::<Writes, _>(String::new()))
            .with_options(|o| o.keep_equal())
    }
    let stage = stage();
    let armed = Rc::new(Cell::new(false));
    stage.client.set_data(&writes(), Writes(1, armed.clone(), stage.client.clone()));
    armed.set(true);
    assert!(stage.client.update(&writes(), |held| {
        let held = held?;
        Some(Writes(held.0 + 1, held.1.clone(), held.2.clone()))
    }));
    assert_eq!(stage.client.get_data(&writes()).map(|data| data.0), Some(71));
}
