//! How long what nobody watches is kept.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{GcTime, Happening, QueryFilter, minutes, query, query_key, seconds};

use crate::common::{BUSY, Number, Stage, one, stage};
use crate::two;

fn kept_for(id: u32, change: crate::common::Change) -> Number {
    Number(id, change)
}

fn not_kept() -> Number {
    kept_for(1, |defaults| defaults.gc_after(Duration::ZERO))
}

fn held(stage: &Stage) -> usize {
    stage.client.query_count()
}

#[test]
fn of_several_gc_times_the_latest_counts() {
    let stage = stage();
    let long = stage.watch(kept_for(1, |defaults| defaults.gc_after(minutes(60))));
    let short = stage.watch(kept_for(1, |defaults| defaults.gc_after(seconds(10))));
    stage.seconds(1);
    drop((short, long));
    stage.seconds(9);
    assert_eq!(held(&stage), 1);
    stage.seconds(1);
    assert_eq!(held(&stage), 0);
}

#[test]
fn what_is_not_to_be_kept_goes_as_soon_as_nobody_watches_and_nothing_is_fetched() {
    let stage = stage();
    let viewer = stage.watch(not_kept());
    stage.seconds(60);
    assert_eq!(held(&stage), 1);
    drop(viewer);
    stage.seconds(0);
    assert_eq!(held(&stage), 0);

    // Still fetching.
    drop(stage.watch(Number(1, |defaults| defaults.gc_after(Duration::ZERO).finishes_unwatched(true))));
    stage.millis(999);
    assert_eq!(held(&stage), 1);
    stage.seconds(1);
    assert_eq!(held(&stage), 0);

    // Never fetched.
    drop(stage.watch(Number(1, |defaults| defaults.gc_after(Duration::ZERO).enabled(false))));
    stage.seconds(0);
    assert_eq!((held(&stage), stage.world.alarm_at()), (0, None));
}

#[test]
fn what_is_watched_is_never_thrown_away() {
    let stage = stage();
    let viewer = stage.watch(not_kept());
    let failing = stage.watch(kept_for(2, |defaults| defaults.gc_after(seconds(1)).enabled(false)));
    stage.world.advance(minutes(10_000));
    assert_eq!(held(&stage), 2);
    drop((viewer, failing));
    stage.seconds(1);
    assert_eq!(held(&stage), 0);
}

#[test]
fn a_call_gets_its_answer_though_nothing_is_kept_and_what_is_kept_for_ever_stays() {
    let stage = stage();
    let call = stage.spawn(stage.client.query(not_kept()));
    stage.seconds(1);
    assert_eq!(call.word(), "1");
    stage.seconds(0);
    assert_eq!((held(&stage), stage.client.get_data(&one())), (0, None));

    let call = stage.spawn(stage.client.query(kept_for(2, |defaults| defaults.gc(GcTime::Never))));
    stage.world.advance(minutes(1_000_000));
    assert_eq!((call.word(), stage.client.get_data(&two()).as_deref()), ("2".to_owned(), Some(&2)));
    assert_eq!(stage.world.alarm_at(), None, "and nothing is waited for");
}

#[test]
fn a_prefetch_that_fails_tells_nobody_and_is_forgotten_in_time() {
    let stage = stage();
    stage.server.fail(4);
    stage.client.prefetch(kept_for(1, |defaults| defaults.gc_after(seconds(10))));
    stage.seconds(9);
    assert_eq!((stage.server.requests(), stage.client.count(QueryFilter::all().fetching())), (4, 0));
    assert!(
        stage
            .client
            .get_state(&one())
            .unwrap()
            .error()
            .is_some_and(|error| *error.fetch().unwrap().as_ref() == BUSY)
    );
    stage.seconds(10);
    assert_eq!(held(&stage), 0);

    stage.client.prefetch(kept_for(1, |defaults| defaults.gc_after(seconds(10))));
    stage.seconds(10);
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&5));
    stage.seconds(1);
    assert_eq!(stage.client.get_data(&one()), None, "ten seconds after the answer");
}

#[test]
fn a_cache_can_be_kept_small_by_listening_to_what_is_added() {
    let stage = stage();
    let numbered = |id: u32| query(query_key!["small", id], async |_| Ok::<_, String>(0));
    let client = stage.client.downgrade();
    let added = Rc::new(RefCell::new(VecDeque::new()));
    let _listening = stage.client.listen(move |event| {
        if matches!(event.happening, Happening::Added) {
            let oldest = {
                let mut added = added.borrow_mut();
                added.push_back(event.key.clone());
                if added.len() > 3 { added.pop_front() } else { None }
            };
            if let (Some(key), Some(client)) = (oldest, client.upgrade()) {
                client.remove(QueryFilter::exact(key));
            }
        }
    });
    for id in 0..10 {
        stage.client.set_data(&numbered(id), id);
        stage.world.run();
    }
    assert_eq!(held(&stage), 3);
    for id in 7..10 {
        assert_eq!(stage.client.get_data(&numbered(id)).as_deref(), Some(&id));
    }
}

#[test]
fn what_is_fetched_for_later_goes_on_when_who_watched_it_meanwhile_leaves() {
    let stage = stage();
    stage.client.prefetch(one());
    stage.client.set_data(&two(), 0);
    drop(stage.watch(Number(2, |defaults| defaults.enabled(false))));
    stage.client.refetch(&two());
    let viewers = (stage.watch(one()), stage.watch(two()));
    stage.millis(500);
    drop(viewers);
    stage.millis(500);
    assert_eq!((stage.server.asked_for(), stage.server.aborted()), (vec![1, 2], 0));
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&1));
    assert_eq!(stage.client.get_data(&two()).as_deref(), Some(&2));
}

#[test]
fn what_never_had_an_answer_is_thrown_away_in_time_too() {
    let stage = stage();
    drop(stage.watch(one()));
    stage.client.prefetch(two());
    stage.world.run();
    stage.client.cancel(&two());
    assert_eq!((stage.server.aborted(), held(&stage)), (2, 2));
    stage.world.advance(minutes(5));
    assert_eq!((held(&stage), stage.world.alarm_at()), (0, None));
}

#[test]
fn how_long_it_is_kept_counts_from_the_last_answer_or_write() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    stage.client.prefetch(two());
    stage.world.advance(minutes(4));
    stage.client.set_data(&one(), 2);
    stage.client.prefetch(two());
    stage.world.advance(minutes(4));
    assert_eq!(held(&stage), 2);
    stage.world.advance(minutes(1));
    assert_eq!((stage.client.get_data(&one()), held(&stage)), (None, 1));
    stage.seconds(1);
    assert_eq!(held(&stage), 0);
}

#[test]
fn what_is_being_fetched_is_not_thrown_away_though_its_time_is_up() {
    let stage = stage();
    stage.client.set_data(&Number(1, |defaults| defaults.gc_after(seconds(10))), 70);
    stage.millis(9_500);
    stage.client.prefetch(kept_for(1, |defaults| defaults.gc_after(seconds(10))));
    stage.millis(600);
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&70));
    stage.millis(400);
    assert_eq!((stage.client.get_data(&one()).as_deref(), stage.server.aborted()), (Some(&1), 0));
    stage.seconds(10);
    assert_eq!(held(&stage), 0);
}
