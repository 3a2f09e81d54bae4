//! Optimistic layers: patches over what the server said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::{Fault, MISSING, Number, Stage, one, shows, stage};
use query_cache::{Layer, Query, QueryFilter, minutes, query, query_key};

/// Setting a bit twice is setting it once.
fn bit(stage: &Stage, bit: u32) -> Layer {
    stage.client.patch(&one(), move |number| number | bit)
}

fn fresh() -> Number {
    Number(1, |defaults| defaults.stale_after(minutes(5)))
}

fn seen(stage: &Stage) -> u32 {
    *stage.client.get_data(&one()).unwrap()
}

fn committed(stage: &Stage) -> u32 {
    *stage.client.committed_data(&one()).unwrap()
}

#[test]
fn a_patch_is_seen_at_once_and_told_once_and_the_data_below_stays() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.told();
    let layer = bit(&stage, 16);
    assert_eq!((seen(&stage), committed(&stage), shows(&viewer).as_str()), (17, 1, "17"));
    stage.world.run();
    assert_eq!(viewer.told(), 1);
    let before = viewer.observer.snapshot().is_stale();
    layer.roll_back();
    stage.world.run();
    assert_eq!((seen(&stage), committed(&stage), viewer.told(), before), (1, 1, 1, false));
    assert_eq!(stage.server.requests(), 1);
}

#[test]
fn what_is_taken_off_leaves_the_very_data_that_was_there() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let before = stage.client.get_data(&one()).unwrap();
    let (first, second) = (bit(&stage, 16), bit(&stage, 32));
    drop(first);
    drop(second);
    assert!(Rc::ptr_eq(&before, &stage.client.get_data(&one()).unwrap()));
}

#[test]
fn an_answer_takes_its_place_below_and_the_patches_are_applied_again() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(2), Ok(3)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let first = bit(&stage, 16);
    stage.client.invalidate(&one());
    stage.world.run();
    // While that fetch is under way: to lay a patch is not to write.
    let second = bit(&stage, 32);
    stage.seconds(1);
    assert_eq!((seen(&stage), committed(&stage), stage.server.requests()), (50, 2, 2));
    drop(first);
    assert_eq!(shows(&viewer), "34");
    drop(second);
    assert_eq!(shows(&viewer), "2");
}

#[test]
fn taking_one_off_never_undoes_another() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0], [0, 2, 1], [2, 0, 1]] {
        let stage = stage();
        stage.client.set_data(&one(), 1);
        let mut layers: Vec<Option<Layer>> = [16, 32, 64].map(|of| Some(bit(&stage, of))).into();
        let mut left = 1 + 16 + 32 + 64;
        assert_eq!(seen(&stage), left);
        for place in order {
            drop(layers[place].take());
            left -= 16 << place;
            assert_eq!((seen(&stage), committed(&stage)), (left, 1), "{order:?}");
        }
    }
}

#[test]
fn a_failure_beside_a_success_takes_only_its_own_with_it() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let (failing, succeeding) = (bit(&stage, 16), bit(&stage, 32));
    succeeding.commit();
    assert_eq!((seen(&stage), committed(&stage)), (49, 33));
    failing.roll_back();
    assert_eq!((seen(&stage), committed(&stage)), (33, 33));
}

#[test]
fn an_answer_that_was_asked_for_before_a_commit_is_older() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(2), Ok(3)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let layer = bit(&stage, 16);
    stage.client.invalidate(&one());
    stage.millis(500);
    layer.commit();
    assert_eq!(stage.server.requests(), 2);
    stage.millis(600);
    assert_eq!(committed(&stage), 17, "what the second answer lacks");
    stage.seconds(1);
    assert_eq!(
        (shows(&viewer).as_str(), stage.server.requests()),
        ("3", 3),
        "it is out of date still, so it is asked for again"
    );
}

#[test]
fn a_patch_can_wait_for_an_answer_that_was_asked_for_after_it_was_confirmed() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(2)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let layer = bit(&stage, 16);
    viewer.observer.refetch();
    stage.millis(500);
    layer.commit_when_fetched();
    assert_eq!((seen(&stage), committed(&stage)), (17, 1));
    stage.millis(400);
    assert_eq!(seen(&stage), 17);
    stage.seconds(2);
    // The fetch under way gave way to a new one, and of the patch there is no trace.
    assert_eq!((stage.server.requests(), stage.server.aborted()), (3, 1));
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("2", 2));
}

#[test]
fn while_no_such_answer_comes_the_patch_stays() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    bit(&stage, 16).commit_when_fetched();
    stage.seconds(10);
    assert_eq!((seen(&stage), stage.server.requests()), (17, 0), "nobody watches, so nobody asks");
    stage.server.say([Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!(seen(&stage), 17);
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(seen(&stage), 2);
}

#[test]
fn an_answer_under_way_when_it_is_confirmed_may_lack_it() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(2), Ok(3)]);
    let first = stage.spawn(stage.client.query(one()));
    stage.seconds(1);
    assert!(first.take().unwrap().is_ok());
    let layer = bit(&stage, 16);
    // Nobody watches, so the invalidation begins nothing and the fetch under way goes on.
    let second = stage.spawn(stage.client.query(one()));
    stage.millis(500);
    layer.commit_when_fetched();
    stage.millis(500);
    assert_eq!(second.take().map(Result::unwrap).as_deref(), Some(&18), "what is to be seen of the answer");
    assert_eq!((seen(&stage), committed(&stage)), (18, 2));
}

#[test]
fn a_write_and_an_update_go_below() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let layer = bit(&stage, 16);
    stage.client.set_data(&one(), 2);
    assert_eq!((seen(&stage), committed(&stage)), (18, 2));
    assert!(stage.client.update(&one(), |data| data.map(|data| data + 1)));
    assert_eq!((seen(&stage), committed(&stage)), (19, 3), "an update starts from what is committed");
    assert_eq!(stage.client.update_all::<Number>(QueryFilter::all(), |data| Some(data + 1)), 1);
    assert_eq!((seen(&stage), committed(&stage)), (20, 4));
    layer.roll_back();
    assert_eq!(seen(&stage), 4);
}

#[test]
fn without_data_there_is_nothing_to_see_until_there_is() {
    let stage = stage();
    let layer = bit(&stage, 16);
    assert_eq!(stage.client.get_data(&one()), None);
    assert_eq!(stage.client.committed_data(&one()), None);
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("17", 1));
    stage.client.reset(&one());
    assert_eq!(stage.client.committed_data(&one()), None);
    stage.seconds(1);
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("18", 2));
    layer.roll_back();
    assert_eq!(shows(&viewer), "2");
}

#[test]
fn a_commit_before_there_is_data_outlives_the_answer_that_may_lack_it() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(2)]);
    let viewer = stage.watch(one());
    stage.millis(500);
    bit(&stage, 16).commit();
    stage.millis(600);
    assert_eq!(seen(&stage) & 16, 16, "the first answer was asked for before");
    stage.seconds(2);
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("2", 2), "and the one asked for after tells");
    // With nobody watching it waits for whoever fetches next.
    let stage = common::stage();
    stage.server.say([Ok(1)]);
    let layer = bit(&stage, 16);
    let other = bit(&stage, 32);
    layer.commit();
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("33", 1));
    drop(other);
    assert_eq!(shows(&viewer), "1");
}

#[test]
fn what_a_query_begins_with_goes_below_too() {
    let stage = stage();
    let layer = bit(&stage, 16);
    let viewer = stage.watch(Number(1, |defaults| defaults.initial_data(|| Some(7)).stale_after(minutes(1))));
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("23", 7));
    stage.client.reset(&one());
    assert_eq!((shows(&viewer).as_str(), committed(&stage)), ("23", 7));
    layer.roll_back();
    assert_eq!(shows(&viewer), "7");
}

#[test]
fn the_end_of_a_scope_takes_all_off_and_a_layer_of_before_does_nothing() {
    let stage = stage();
    let public = || Number(2, |defaults| defaults.public(true).stale_after(minutes(5)));
    stage.client.set_data(&one(), 1);
    stage.client.set_data(&public(), 1);
    let viewer = stage.watch(public());
    let layers = [
        bit(&stage, 16),
        bit(&stage, 32),
        stage.client.patch(&public(), |number| number | 16),
        stage.client.patch(&public(), |number| number | 32),
    ];
    stage.client.end_scope();
    assert_eq!((shows(&viewer).as_str(), stage.client.committed_data(&public()).as_deref()), ("1", Some(&1)));
    stage.client.set_data(&one(), 2);
    let [first, second, third, fourth] = layers;
    first.commit();
    second.commit_when_fetched();
    third.commit();
    drop(fourth);
    assert_eq!((seen(&stage), committed(&stage), shows(&viewer).as_str()), (2, 2, "1"));
}

#[test]
fn a_held_scope_shows_neither_what_is_below_nor_what_is_above() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let layer = bit(&stage, 16);
    stage.client.hold_scope();
    assert_eq!((stage.client.get_data(&one()), stage.client.committed_data(&one())), (None, None));
    layer.commit();
    stage.client.restore_scope();
    assert_eq!((seen(&stage), committed(&stage)), (17, 17));
}

#[test]
fn who_selects_is_told_of_what_is_selected() {
    let stage = stage();
    let pair = || {
        query(query_key!["pair"], async |_| Ok::<(u32, u32), Fault>((1, 1)))
            .with_options(|options| options.stale_after(minutes(5)))
    };
    stage.client.set_data(&pair(), (1, 1));
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let first = stage.client.observe_select(pair(), |pair| pair.0, move || count.set(count.get() + 1));
    let other = stage.client.patch(&pair(), |pair| (pair.0, 9));
    stage.world.run();
    assert_eq!((told.get(), first.selected().as_deref()), (0, Some(&1)));
    let own = stage.client.patch(&pair(), |pair| (9, pair.1));
    stage.world.run();
    assert_eq!((told.get(), first.selected().as_deref()), (1, Some(&9)));
    drop((other, own));
    stage.world.run();
    assert_eq!((told.get(), first.selected().as_deref()), (2, Some(&1)));
}

#[test]
fn a_patch_may_call_the_client() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let others = Rc::new(RefCell::new(vec![bit(&stage, 32), bit(&stage, 64)]));
    let (client, taken) = (stage.client.downgrade(), others.clone());
    let meddling = stage.client.patch(&one(), move |number| {
        let client = client.upgrade().unwrap();
        // Takes one off, changes what is below, and lays another, in the middle of being applied.
        let off = taken.borrow_mut().pop();
        if off.is_some() {
            drop(off);
            client.set_data(&one(), client.committed_data(&one()).map_or(0, |data| *data + 1));
        }
        number | 16
    });
    assert_eq!((seen(&stage), committed(&stage)), (19, 3), "both others are off, both writes are in");
    meddling.commit();
    assert_eq!((seen(&stage), committed(&stage)), (19, 19));
}

#[test]
fn a_patch_that_never_comes_to_rest_is_applied_all_the_same() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let client = stage.client.downgrade();
    let busy = Cell::new(false);
    let restless = stage.client.patch(&one(), move |number| {
        if !busy.replace(true) {
            let client = client.upgrade().unwrap();
            let data = client.committed_data(&one()).map_or(0, |data| *data);
            client.set_data(&one(), data + 1);
            busy.set(false);
        }
        number | 1024
    });
    assert!(seen(&stage) > 1024);
    restless.roll_back();
    assert!(seen(&stage) < 1024);
}

#[test]
fn data_and_patches_whose_drop_calls_the_client_do_no_harm() {
    struct Noisy(u32, query_cache::WeakQueryClient);
    impl Drop for Noisy {
        fn drop(&mut self) {
            if let Some(client) = self.1.upgrade() {
                client.get_data(&one());
                client.invalidate(&one());
            }
        }
    }

    let stage = stage();
    let noisy = || query(query_key!["noisy"], async |_| Err::<Noisy, Fault>(MISSING));
    let (one_client, other) = (stage.client.downgrade(), stage.client.downgrade());
    stage.client.set_data(&noisy(), Noisy(1, one_client.clone()));
    let token = Noisy(0, other.clone());
    let layer = stage.client.patch(&noisy(), move |data| Noisy(data.0 + token.0 + 16, other.clone()));
    assert_eq!(stage.client.get_data(&noisy()).unwrap().0, 17);
    stage.client.set_data(&noisy(), Noisy(2, one_client));
    assert_eq!(stage.client.get_data(&noisy()).unwrap().0, 18);
    layer.commit();
    assert_eq!(stage.client.committed_data(&noisy()).unwrap().0, 18);
    stage.client.end_scope();
    assert!(stage.client.get_data(&noisy()).is_none());
}

#[test]
fn an_entry_without_layers_holds_none() {
    let stage = stage();
    stage.client.set_data(&one(), 1);
    let held = Rc::new(());
    let watched = Rc::downgrade(&held);
    let layer = stage.client.patch(&one(), move |number| {
        let _ = &held;
        number | 16
    });
    assert!(watched.upgrade().is_some());
    drop(layer);
    assert!(watched.upgrade().is_none(), "the patch is gone with its layer");
}

#[test]
fn what_travels_is_what_is_below_and_what_arrives_goes_below() {
    let travels = || Number(1, |defaults| defaults.dehydrated().public(true).stale_after(minutes(5)));
    let (here, there) = (stage(), stage());
    for (stage, data) in [(&there, 1), (&here, 2)] {
        stage.client.set_data(&travels(), data);
        stage.seconds(1);
    }
    let _here = here.client.patch(&travels(), |number| number | 16);
    let layer = there.client.patch(&travels(), |number| number | 32);
    here.client.set_data(&travels(), 2);
    let json = here.client.dehydrate(QueryFilter::all()).json;
    there.client.hydrate(&json).unwrap();
    assert_eq!(there.client.get_data(&travels()).as_deref(), Some(&34));
    assert_eq!(there.client.committed_data(&travels()).as_deref(), Some(&2));
    layer.roll_back();
    assert_eq!(there.client.get_data(&travels()).as_deref(), Some(&2));
}
