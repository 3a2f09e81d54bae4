//! Who is told, when, and how often.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use query_cache::{
    AnyQuery, Environment, LocalBoxFuture, ManualEnvironment, QueryClient, QueryFilter, Timestamp,
};

use crate::common::{MISSING, Number, one, shows, stage};
use crate::{fresh, two};

#[test]
fn only_changes_that_were_asked_about_are_told() {
    let stage = stage();
    let plain = stage.watch(fresh());
    let fetching = stage.watch(fresh());
    let details = stage.watch(fresh());
    fetching.observer.is_fetching();
    details.observer.details();
    stage.seconds(1);
    let told = || (plain.told(), fetching.told(), details.told());
    assert_eq!(told(), (1, 1, 1), "data");
    plain.observer.refetch();
    stage.world.run();
    assert_eq!(told(), (0, 1, 1), "a fetch begins");
    stage.client.cancel(&fresh());
    stage.world.run();
    assert_eq!(told(), (0, 1, 1), "a fetch is called off");
    let keeping = Number(1, |defaults| defaults.keep_equal());
    stage.client.set_data_of(&keeping, 1, Timestamp::from_millis(5));
    stage.world.run();
    assert_eq!(told(), (0, 0, 1), "its time");
    stage.client.set_data(&fresh(), 2);
    stage.world.run();
    assert_eq!(told(), (1, 1, 1), "data");
}

#[test]
fn failures_are_told_to_all_but_those_who_watch_data_only() {
    let stage = stage();
    stage.server.say([Ok(1), Err(MISSING), Ok(3)]);
    let plain = stage.watch(one());
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let listener = Rc::new(move || count.set(count.get() + 1));
    let data_only = stage.client.observe_any(&AnyQuery::new(one()), listener);
    data_only.watch_data_only();
    stage.seconds(1);
    assert_eq!((plain.told(), told.take()), (1, 1));
    plain.observer.refetch();
    stage.seconds(1);
    assert_eq!((shows(&plain), plain.told(), told.take()), ("1, not refreshed".to_owned(), 1, 0));
    plain.observer.refetch();
    stage.seconds(1);
    assert_eq!((plain.told(), told.take()), (1, 1));
}

#[test]
fn asking_again_with_the_same_options_tells_nobody() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.details();
    viewer.told();
    let log = stage.log();
    for _ in 0..10 {
        viewer.observer.follow(fresh());
    }
    stage.seconds(1);
    assert_eq!((viewer.told(), log.take(), stage.server.requests()), (0, vec![], 1));
}

#[test]
fn what_changes_elsewhere_tells_nobody_here() {
    let stage = stage();
    let here = stage.watch(fresh());
    let there = stage.watch(two());
    stage.seconds(1);
    here.told();
    there.told();
    stage.client.set_data(&two(), 70);
    stage.client.invalidate(&two());
    stage.seconds(1);
    assert_eq!((here.told(), there.told()), (0, 2));
}

#[test]
fn many_changes_in_one_turn_are_told_once() {
    let stage = stage();
    let viewers = [stage.watch(fresh()), stage.watch(fresh())];
    stage.seconds(1);
    for viewer in &viewers {
        viewer.observer.details();
        viewer.told();
    }
    for data in 10..20 {
        stage.client.set_data(&fresh(), data);
    }
    viewers[0].observer.refetch();
    stage.client.cancel(QueryFilter::all());
    for viewer in &viewers {
        assert_eq!(
            (viewer.told(), shows(viewer)),
            (0, "19".to_owned()),
            "the state is new, nobody is told yet"
        );
    }
    stage.world.run();
    for viewer in &viewers {
        assert_eq!(viewer.told(), 1);
    }
}

#[test]
fn a_batch_is_told_once_however_many_turns_it_takes() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.told();
    let client = stage.client.clone();
    client.batch(|| {
        client.set_data(&fresh(), 10);
        stage.world.run();
        client.batch(|| client.set_data(&fresh(), 11));
        stage.world.run();
        assert_eq!((viewer.told(), shows(&viewer)), (0, "11".to_owned()), "within the outer batch");
    });
    assert_eq!(viewer.told(), 0);
    stage.world.run();
    assert_eq!(viewer.told(), 1);
}

#[test]
fn a_batch_that_panics_is_over() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.told();
    let failed = catch_unwind(AssertUnwindSafe(|| {
        stage.client.batch(|| {
            stage.client.set_data(&fresh(), 10);
            stage.world.run();
            std::panic::resume_unwind(Box::new("the user's own"));
        });
    }));
    assert!(failed.is_err());
    stage.world.run();
    assert_eq!((viewer.told(), shows(&viewer)), (1, "10".to_owned()));
}

/// A manual world that counts what it is asked for.
struct Counting {
    inner: ManualEnvironment,
    attached: Rc<Cell<usize>>,
    spawned: Rc<Cell<usize>>,
}

impl Environment for Counting {
    fn attach(&self, client: &QueryClient) {
        self.attached.set(self.attached.get() + 1);
        self.inner.attach(client);
    }
    fn now(&self) -> Timestamp {
        self.inner.now()
    }
    fn spawn(&self, task: LocalBoxFuture<()>) {
        self.spawned.set(self.spawned.get() + 1);
        self.inner.spawn(task);
    }
    fn set_alarm(&self, at: Option<Timestamp>) {
        self.inner.set_alarm(at);
    }
    fn random(&self) -> u64 {
        self.inner.random()
    }
}

#[test]
fn the_environment_schedules_all_telling_and_is_attached_once() {
    let (attached, spawned) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let inner = ManualEnvironment::new(1);
    let client = QueryClient::new(Counting {
        inner: inner.clone(),
        attached: attached.clone(),
        spawned: spawned.clone(),
    });
    let told = Rc::new(Cell::new(0));
    let watch = |id| {
        let count = told.clone();
        let query = Number(id, |defaults| defaults.enabled(false));
        client.observe(query, move || count.set(count.get() + 1))
    };
    let (_first, _second) = (watch(1), watch(2));
    assert_eq!((attached.get(), spawned.get()), (1, 0));
    client.set_data(&one(), 5);
    client.set_data(&two(), 6);
    assert_eq!((spawned.get(), told.get()), (1, 0), "one turn is asked for");
    inner.run();
    assert_eq!((attached.get(), told.get()), (1, 2));
}
