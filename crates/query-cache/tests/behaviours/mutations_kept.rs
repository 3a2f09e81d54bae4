//! How mutations are found, watched, told of and forgotten.

use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{Environment, GcTime, MutationFilter, MutationStatus, minutes, mutation, seconds};

use crate::common::posting::{LINED, POST, Post};
use crate::common::{MISSING, stage};

#[test]
fn calls_are_found_by_type_name_status_and_a_predicate_in_the_order_they_were_made() {
    let stage = stage();
    stage.posts();
    stage.server.say([Ok(1), Err(MISSING)]);
    stage.post(POST, 1);
    stage.post(POST, 2);
    stage.seconds(1);
    stage.client.set_online(false);
    stage.client.mutate(mutation("other", async |_: &u32, _| Ok::<_, String>(())), 3).detach();
    stage.post(POST, 4);
    let all = MutationFilter::all;
    let count = |filter: MutationFilter| stage.client.count_mutations(filter);
    assert_eq!(
        (count(all()), count(MutationFilter::of::<Post>()), count(MutationFilter::named("other"))),
        (4, 3, 1)
    );
    let statuses =
        [MutationStatus::Pending, MutationStatus::Success, MutationStatus::Error, MutationStatus::Idle];
    assert_eq!(statuses.map(|status| count(all().status(status))), [2, 1, 1, 0]);
    assert_eq!(count(MutationFilter::named("post").paused()), 1);
    let client = stage.client.clone();
    let even = all().matching(move |info| {
        assert!(client.count_mutations(info.id()) == 1, "a predicate may ask the client");
        info.variables::<u32>().is_some_and(|number| *number % 2 == 0)
    });
    let found: Vec<_> =
        stage.client.find_mutations(even).iter().map(|info| *info.variables::<u32>().unwrap()).collect();
    assert_eq!(found, [2, 4]);
    let made: Vec<_> = stage.client.find_mutations(all()).iter().map(|info| info.id()).collect();
    assert!(made.is_sorted());
}

#[test]
fn what_is_over_is_forgotten_in_time_unless_it_is_watched() {
    let stage = stage();
    stage.posts();
    let [watched, unwatched] = [1, 2].map(|number| stage.post(POST, number));
    let viewer = stage.watch_post(watched);
    stage.seconds(1);
    stage.world.advance(minutes(5) - std::time::Duration::from_millis(1));
    assert_eq!(stage.client.count_mutations(MutationFilter::all()), 2);
    stage.millis(1);
    assert_eq!((stage.post_state(unwatched), viewer.now()), ("idle".to_owned(), "success: 1".to_owned()));
    stage.world.advance(minutes(60));
    assert_eq!(viewer.now(), "success: 1");
    drop(viewer);
    stage.world.advance(minutes(4));
    assert_eq!(
        stage.client.count_mutations(MutationFilter::all()),
        1,
        "its time begins when the last one leaves"
    );
    stage.world.advance(minutes(1));
    assert_eq!(stage.client.count_mutations(MutationFilter::all()), 0);
}

#[test]
fn what_is_not_to_be_kept_goes_when_it_is_over_not_before_and_its_callbacks_run() {
    let stage = stage();
    let (journal, _) = stage.posts();
    stage.client.set_mutation_options(|options| options.gc(GcTime::After(seconds(0))));
    stage.client.set_online(false);
    let id = stage.post(POST, 1);
    stage.world.advance(minutes(60));
    assert_eq!(stage.post_state(id), "paused", "not while it is pending");
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(journal.take().len(), 4);
    assert_eq!(stage.post_state(id), "idle");
    stage.client.set_mutation_options(|options| options.gc(GcTime::Never));
    let id = stage.post(POST, 2);
    stage.world.advance(minutes(60 * 24 * 365));
    assert_eq!(stage.post_state(id), "success: 2");
    stage.client.forget_mutations(MutationFilter::all());
    assert_eq!(stage.post_state(id), "idle");
}

#[test]
fn nothing_of_a_mutation_is_kept_once_it_is_forgotten() {
    let stage = stage();
    let (journal, _) = stage.posts();
    let variables = Rc::new(());
    let given = mutation("given", async |_: &Rc<()>, _| Ok::<_, String>(()));
    stage.client.mutate(given, variables.clone()).detach();
    stage.post(LINED, 10);
    stage.seconds(1);
    assert_eq!(
        (stage.world.task_count(), Rc::strong_count(&variables)),
        (0, 2),
        "what can be asked for, no task"
    );
    assert!(journal.take().contains(&"10 kept, dropped".to_owned()));
    stage.world.advance(minutes(6));
    assert_eq!((Rc::strong_count(&variables), stage.world.alarm_at()), (1, None));
}

#[test]
fn a_client_that_goes_takes_what_waits_with_it_and_not_what_is_under_way() {
    let stage = stage();
    let (journal, _) = stage.posts();
    let crate::common::Stage { client, world, server } = stage;
    client.mutate(POST, 1).detach();
    world.advance(std::time::Duration::from_millis(500));
    client.set_online(false);
    client.mutate(POST, 2).detach();
    drop(client);
    world.run();
    assert_eq!((server.aborted(), world.task_count()), (0, 2));
    world.advance(minutes(1));
    assert_eq!((server.asked_for(), world.task_count(), world.alarm_at()), (vec![1], 0, None));
    assert!(journal.take().contains(&"2 kept, dropped".to_owned()));
    assert!(world.now() > query_cache::Timestamp::default());
}

#[test]
fn who_watches_may_leave_and_come_back_and_finds_what_is_and_what_was() {
    let stage = stage();
    stage.posts();
    let id = stage.post(POST, 1);
    drop(stage.watch_post(id));
    stage.millis(500);
    let viewer = stage.watch_post(id);
    assert_eq!(viewer.now(), "pending");
    viewer.follow(None);
    assert_eq!(viewer.now(), "idle");
    stage.seconds(1);
    assert_eq!(
        viewer.shown(),
        Vec::<String>::new(),
        "what it turned away from is not told, and idle it has shown"
    );
    viewer.follow(Some(id));
    assert_eq!(viewer.now(), "success: 1");
    assert_eq!(stage.server.requests(), 1);
}

#[test]
fn who_watches_is_told_of_what_it_asked_about_and_of_nothing_else() {
    let counts = |asks: fn(&query_cache::MutationObserver)| {
        let stage = stage();
        stage.posts();
        stage.server.fail(1);
        let told = Rc::new(std::cell::Cell::new(0));
        let count = told.clone();
        let observer = stage.client.observe_mutation(Rc::new(move || count.set(count.get() + 1)));
        asks(&observer);
        observer.follow(Some(stage.post(Post { change: |o| o.retry(1), ..POST }, 1)));
        stage.seconds(60);
        told.get()
    };
    assert_eq!(counts(|_| {}), 0);
    assert_eq!(counts(|observer| observer.watch_status()), 2, "pending, success");
    assert_eq!(counts(|observer| observer.watch_state()), 4, "and failed, tried again");
    assert_eq!(counts(|observer| observer.watch_details()), 4);
}

#[test]
fn all_that_happens_to_mutations_is_told_in_order_a_turn_later() {
    let stage = stage();
    stage.posts();
    let log = Rc::new(RefCell::new(Vec::new()));
    let lines = log.clone();
    let listening =
        stage.client.listen_to_mutations(move |event| lines.borrow_mut().push(format!("{event:?}")));
    stage.client.set_online(false);
    stage.server.say([Ok(1), Err(MISSING)]);
    stage.post(POST, 1);
    assert!(log.borrow().is_empty());
    stage.world.run();
    assert_eq!(log.take(), ["post Added", "post Attempt { paused: true }"]);
    stage.client.set_online(true);
    stage.seconds(1);
    assert_eq!(log.take(), ["post Attempt { paused: false }", "post Succeeded"]);
    stage.post(POST, 2);
    stage.seconds(1);
    assert_eq!(log.take(), ["post Added", "post Attempt { paused: false }", "post Failed"]);
    let id = stage.post(POST, 3);
    stage.client.cancel_mutations(id);
    stage.world.run();
    assert_eq!(log.take(), ["post Added", "post Attempt { paused: false }", "post Cancelled"]);
    stage.world.advance(minutes(6));
    assert_eq!(log.take(), ["post Removed"; 3]);
    drop(listening);
    stage.post(POST, 4);
    stage.seconds(1);
    assert!(log.borrow().is_empty());
}
