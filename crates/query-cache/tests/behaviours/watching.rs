//! Who watches, and what that fetches.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{
    AnyQuery, FetchContext, Query, QueryFilter, QueryKey, QueryObserver, query, query_key, seconds,
};

use crate::common::{Number, one, shows, stage, stage_with_seed};
use crate::{disabled, fresh, two};

#[test]
fn watching_a_query_fetches_it() {
    let stage = stage();
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 0);
    let viewer = stage.watch(one());
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "pending".to_owned()));
    stage.seconds(1);
    assert_eq!((viewer.told(), shows(&viewer)), (1, "1".to_owned()));
}

#[test]
fn what_nobody_watches_or_only_the_disabled_do_is_not_fetched() {
    let stage = stage();
    let query = one();
    stage.client.set_prefix_options(query.key(), |defaults| defaults.stale_after(seconds(1)));
    assert_eq!(stage.client.get_data(&query), None);
    let by_options = stage.watch(disabled());
    let by_condition = stage.watch(two().with_options(|options| options.enabled(1 > 2)));
    stage.seconds(60);
    assert_eq!((stage.server.requests(), by_options.told(), by_condition.told()), (0, 0, 0));
    assert_eq!((shows(&by_options), shows(&by_condition)), ("idle".to_owned(), "idle".to_owned()));
}

#[test]
fn the_disabled_are_fetched_for_neither_on_mount_nor_when_everything_is_invalidated_but_when_they_ask() {
    let stage = stage();
    let viewer = stage.watch(disabled());
    stage.client.invalidate(QueryFilter::all());
    stage.client.refetch(QueryFilter::all());
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (0, "idle".to_owned()));
    viewer.observer.refetch();
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "pending".to_owned()));
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()));
}

#[test]
fn what_is_enabled_while_nobody_watches_is_fetched_when_somebody_does() {
    let stage = stage();
    let enabled = Rc::new(Cell::new(false));
    let asked = || {
        let enabled = enabled.clone();
        one().with_options(move |options| options.enabled(enabled.get()))
    };
    drop(stage.watch(asked()));
    enabled.set(true);
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 0);
    let viewer = stage.watch(asked());
    stage.seconds(1);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()));
}

#[test]
fn whether_it_is_enabled_is_found_out_anew_each_time_the_observer_is_renewed() {
    let stage = stage();
    let enabled = Rc::new(Cell::new(false));
    let asked = || {
        let enabled = enabled.clone();
        one().with_options(move |options| options.enabled(enabled.get()))
    };
    let viewer = stage.watch(asked());
    enabled.set(true);
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 0, "nobody asked since");
    viewer.observer.follow(asked());
    assert_eq!(stage.server.requests(), 1);
    stage.seconds(1);
    viewer.observer.follow(asked());
    enabled.set(false);
    viewer.observer.follow(asked());
    stage.client.invalidate(&one());
    stage.seconds(60);
    assert_eq!((stage.server.requests(), shows(&viewer)), (1, "1".to_owned()));
    enabled.set(true);
    viewer.observer.follow(asked());
    assert_eq!(stage.server.requests(), 2, "stale, and enabled again");
    stage.seconds(1);
    let other = stage.watch(disabled());
    other.observer.follow(fresh());
    stage.seconds(1);
    assert_eq!(stage.server.requests(), 2, "enabled, and fresh");
}

#[test]
fn whoever_watches_can_tell_whether_it_is_enabled() {
    let stage = stage();
    let viewer = stage.watch(one());
    assert!(viewer.observer.snapshot().is_enabled());
    viewer.observer.follow(disabled());
    assert!(!viewer.observer.snapshot().is_enabled());
    let other = stage.watch(one());
    assert!(other.observer.snapshot().is_enabled() && !viewer.observer.snapshot().is_enabled());
}

#[test]
fn turning_to_another_query_tells_and_shows_that_one() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    viewer.told();
    viewer.observer.follow(two());
    assert_eq!((shows(&viewer), viewer.told()), ("pending".to_owned(), 0));
    stage.world.run();
    assert_eq!(viewer.told(), 1);
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.told()), ("2".to_owned(), 1));
    stage.client.set_data(&one(), 70);
    stage.world.run();
    assert_eq!((viewer.told(), stage.client.observer_count()), (0, 1), "nothing of the other reaches it");
    viewer.observer.follow(fresh());
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("70".to_owned(), 1), "also where nothing is fetched");
}

#[test]
fn all_who_ask_for_one_key_share_one_fetch() {
    let stage = stage();
    let viewers = [stage.watch(one()), stage.watch(fresh()), stage.watch(one())];
    stage.client.prefetch(one());
    let call = stage.spawn(stage.client.query(one()));
    stage.millis(500);
    let late = stage.spawn(viewers[0].observer.refetch_and_wait());
    stage.millis(500);
    assert_eq!((stage.server.requests(), call.word(), late.word()), (1, "1".to_owned(), "1".to_owned()));
    for viewer in &viewers {
        assert_eq!((viewer.told(), shows(viewer)), (1, "1".to_owned()));
    }
}

#[test]
fn who_comes_and_who_comes_back_finds_fresh_data_and_fetches_nothing() {
    let stage = stage();
    let first = stage.watch(fresh());
    stage.seconds(1);
    let second = stage.watch(fresh());
    assert_eq!(shows(&second), "1");
    drop((first, second));
    stage.seconds(60);
    let again = stage.watch(fresh());
    assert_eq!(shows(&again), "1");
    stage.seconds(60);
    assert_eq!((stage.server.requests(), again.told()), (1, 0));
}

#[test]
fn who_leaves_and_comes_back_within_one_turn_keeps_the_fetch() {
    let stage = stage();
    drop(stage.watch(one()));
    let again = stage.watch(one());
    stage.seconds(1);
    assert_eq!((stage.server.requests(), stage.server.aborted()), (1, 0));
    assert_eq!((shows(&again), again.told()), ("1".to_owned(), 1));
}

#[test]
fn what_is_only_ever_written_can_be_watched() {
    let stage = stage();
    let fetches = Rc::new(Cell::new(0));
    let counted = fetches.clone();
    let written = query(query_key!["written"], async move |_| {
        counted.set(counted.get() + 1);
        Ok::<_, String>(0)
    });
    let viewer = stage.watch(written.with_options(|options| options.enabled(false)));
    let writes = query(query_key!["written"], async |_| Ok::<_, String>(0));
    stage.client.set_data(&writes, 5);
    stage.seconds(60);
    assert_eq!((shows(&viewer), viewer.told(), fetches.get()), ("5".to_owned(), 1, 0));
}

#[test]
fn who_watches_is_counted_exactly() {
    let stage = stage();
    let counted = || {
        let found = stage.client.find(&one());
        (found[0].observer_count(), found[0].is_active(), stage.client.observer_count())
    };
    let first = stage.watch(one());
    assert_eq!(counted(), (1, true, 1));
    let second = stage.watch(disabled());
    let other = stage.watch(two());
    assert_eq!(counted(), (2, true, 3));
    first.observer.follow(two());
    assert_eq!(counted(), (1, false, 3));
    first.observer.follow(one());
    first.observer.follow(one());
    assert_eq!(counted(), (2, true, 3), "no one counts twice");
    drop((first, other));
    assert_eq!(counted(), (1, false, 1));
    drop(second);
    assert_eq!(counted(), (0, false, 0));
}

#[test]
fn who_leaves_while_others_are_told_keeps_nobody_from_being_told() {
    for seed in 0..30 {
        let stage = stage_with_seed(seed);
        let leaves: Rc<RefCell<Option<QueryObserver<Number>>>> = Rc::default();
        let slot = leaves.clone();
        let first = stage.watch(one());
        let told = Rc::new(Cell::new(0));
        let count = told.clone();
        let second = stage.client.observe(one(), move || {
            count.set(count.get() + 1);
            drop(slot.borrow_mut().take());
        });
        leaves.replace(Some(second));
        let third = stage.watch(one());
        stage.seconds(1);
        assert_eq!((first.told(), told.get(), third.told()), (1, 1, 1), "seed {seed}");
        assert_eq!(stage.client.observer_count(), 2);
    }
}

#[test]
fn reading_is_not_watching() {
    let stage = stage();
    assert!(stage.client.snapshot(&one()).is_none() && stage.client.get_state(&one()).is_none());
    assert_eq!((stage.client.query_count(), stage.server.requests()), (0, 0));
    let viewer = stage.watch(one());
    let pending = stage.client.get_state(&one()).unwrap();
    assert!(pending.is_pending());
    drop(viewer);
    stage.world.run();
    assert_eq!((stage.server.aborted(), stage.client.observer_count()), (1, 0), "a reader keeps no fetch");
    stage.client.set_data(&one(), 7);
    assert_eq!(stage.client.get_state(&one()).unwrap().data().map(|data| **data), Some(7));
    stage.seconds(60);
    assert_eq!(stage.server.requests(), 1);
}

#[test]
fn what_changes_between_watching_and_looking_is_seen() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.client.set_data(&fresh(), 70);
    assert_eq!(shows(&viewer), "70");
    stage.world.run();
    assert_eq!(viewer.told(), 1);

    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let listener = Rc::new(move || count.set(count.get() + 1));
    let watch = stage.client.observe_any(&AnyQuery::new(fresh()), listener);
    stage.client.set_data(&fresh(), 71);
    let shown = watch.show();
    assert_eq!(shown.any_data().and_then(|data| data.downcast_ref()), Some(&71_u32));
    stage.world.run();
    assert_eq!(told.get(), 0, "what is shown already is not told");
}

#[test]
fn the_key_is_worked_out_once_per_use() {
    struct Counting(Rc<Cell<usize>>);
    impl Query for Counting {
        type Data = u32;
        type Error = String;
        fn key(&self) -> QueryKey {
            self.0.set(self.0.get() + 1);
            query_key!["counting"]
        }
        async fn fetch(&self, _: FetchContext) -> Result<u32, String> {
            Ok(1)
        }
    }
    let stage = stage();
    let keys = Rc::new(Cell::new(0));
    let viewer = stage.client.observe(Counting(keys.clone()), || {});
    assert_eq!(keys.get(), 1);
    stage.seconds(60);
    viewer.refetch();
    stage.seconds(60);
    let _ = (viewer.state(), viewer.snapshot(), viewer.details());
    assert_eq!(keys.get(), 1);
    viewer.follow(Counting(keys.clone()));
    assert_eq!(keys.get(), 2);
    stage.client.get_data(&Counting(keys.clone()));
    assert_eq!(keys.get(), 3);
}
