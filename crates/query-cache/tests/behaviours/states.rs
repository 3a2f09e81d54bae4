//! What is known, and what is being done.

use std::rc::{Rc, Weak};

use query_cache::{FetchStatus, Status, query, query_key};

use crate::common::{Fault, MISSING, Number, Viewer, one, shows, stage};
use crate::{fresh, two};

fn axes(viewer: &Viewer<Number>) -> (Status, FetchStatus) {
    let details = viewer.observer.details();
    (details.status, details.fetch_status)
}

#[test]
fn an_answer_that_is_there_at_once_is_pending_first() {
    let stage = stage();
    let viewer = stage.watch(query(query_key!["at once"], async |_| Ok::<_, String>(5)));
    assert_eq!(shows(&viewer), "pending");
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("5".to_owned(), 1));
}

#[test]
fn what_was_known_stays_while_it_is_fetched_again() {
    let stage = stage();
    stage.server.say([Ok(1), Err(MISSING), Ok(3)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    viewer.observer.refetch();
    assert_eq!(axes(&viewer), (Status::Success, FetchStatus::Fetching));
    stage.seconds(1);
    assert_eq!(axes(&viewer), (Status::Error, FetchStatus::Idle));
    viewer.observer.refetch();
    assert_eq!(
        (axes(&viewer), shows(&viewer)),
        ((Status::Error, FetchStatus::Fetching), "1, not refreshed".to_owned())
    );
    stage.seconds(1);
    assert_eq!((axes(&viewer), shows(&viewer)), ((Status::Success, FetchStatus::Idle), "3".to_owned()));
}

#[test]
fn a_failure_without_data_is_pending_again_while_it_is_fetched_again() {
    let stage = stage();
    stage.server.say([Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    assert_eq!(axes(&viewer), (Status::Error, FetchStatus::Idle));
    viewer.observer.refetch();
    assert_eq!(axes(&viewer), (Status::Pending, FetchStatus::Fetching));
    assert!(viewer.observer.state().error().is_none());
}

#[test]
fn asking_for_what_is_being_fetched_changes_nothing_and_tells_nobody() {
    let stage = stage();
    let viewer = stage.watch(one());
    viewer.observer.is_fetching();
    let log = stage.log();
    viewer.observer.refetch();
    stage.client.refetch(&one());
    stage.client.prefetch(one());
    let _call = stage.client.query(one());
    stage.millis(500);
    assert_eq!((log.take(), viewer.told(), stage.server.requests()), (vec![], 0, 1));
}

#[test]
fn what_is_called_off_is_idle_whatever_it_was() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.client.set_data(&fresh(), 70);
    stage.client.cancel(&fresh());
    assert_eq!((axes(&viewer), shows(&viewer)), ((Status::Success, FetchStatus::Idle), "70".to_owned()));

    stage.client.set_online(false);
    viewer.observer.refetch();
    assert_eq!(axes(&viewer), (Status::Success, FetchStatus::Paused));
    stage.client.cancel(&fresh());
    assert_eq!(axes(&viewer), (Status::Success, FetchStatus::Idle));
}

#[test]
fn calling_off_does_not_undo_what_is_begun_after_it() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.observer.refetch();
    stage.client.cancel(&fresh());
    viewer.observer.refetch();
    stage.world.run();
    assert_eq!(axes(&viewer), (Status::Success, FetchStatus::Fetching));
    stage.seconds(1);
    assert_eq!((shows(&viewer), stage.server.requests(), stage.server.aborted()), ("3".to_owned(), 3, 1));
}

#[test]
fn nothing_of_a_fetch_is_kept_once_it_is_over() {
    let stage = stage();
    stage.server.say([Err(MISSING), Ok(2)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let error: Weak<Fault> = Rc::downgrade(viewer.observer.state().error().unwrap().fetch().unwrap());
    viewer.observer.refetch();
    stage.seconds(1);
    assert!(error.upgrade().is_none(), "the error is gone with the verdict that replaced it");
    let data = viewer.observer.state().data().cloned().unwrap();
    assert_eq!(Rc::strong_count(&data), 2, "the cache's and this one");
    assert_eq!((stage.world.task_count(), stage.world.alarm_at()), (0, None));
    let old = Rc::downgrade(&data);
    drop(data);
    viewer.observer.refetch();
    stage.seconds(1);
    assert!(old.upgrade().is_none());
}

#[test]
fn a_client_that_goes_leaves_no_fetch_and_no_alarm() {
    let stage = stage();
    stage.server.fail(1);
    stage.client.prefetch(two());
    stage.client.prefetch(one());
    stage.seconds(1);
    assert!(stage.world.alarm_at().is_some());
    let (world, client) = (stage.world.clone(), stage.client.downgrade());
    drop(stage.client);
    assert!(client.upgrade().is_none());
    world.advance(query_cache::minutes(10));
    assert_eq!((world.alarm_at(), world.task_count(), stage.server.requests()), (None, 0, 2));
}

#[test]
fn an_answer_of_nothing_is_an_answer() {
    let stage = stage();
    let viewer = stage.watch(query(query_key!["nobody"], async |_| Ok::<_, String>(None::<u32>)));
    stage.seconds(1);
    assert_eq!(shows(&viewer), "None");
    assert_eq!(viewer.observer.details().data_updates, 1);
}

#[test]
fn what_was_only_ever_written_has_nothing_to_be_fetched_by() {
    let stage = stage();
    stage.client.set_data(&two(), 7);
    stage.client.refetch(&two());
    let details = stage.client.snapshot(&two()).unwrap().details::<Fault>();
    assert_eq!(
        (details.status, details.fetch_status, stage.server.requests()),
        (Status::Success, FetchStatus::Idle, 0)
    );
}

#[test]
fn until_the_scope_is_restored_nothing_is_fetched() {
    let stage = stage();
    stage.client.hold_scope();
    let viewer = stage.watch(one());
    assert_eq!((shows(&viewer), axes(&viewer)), ("pending".to_owned(), (Status::Pending, FetchStatus::Idle)));
    stage.seconds(60);
    assert_eq!((stage.server.requests(), viewer.observer.is_fetching()), (0, false));
    stage.client.restore_scope();
    assert_eq!((stage.server.requests(), viewer.observer.is_fetching()), (1, true));
    stage.seconds(1);
    assert_eq!(shows(&viewer), "1");
}

#[test]
fn every_attempt_result_and_time_is_counted() {
    let stage = stage();
    stage.server.fail(2);
    let viewer = stage.watch(Number(1, |defaults| defaults.retry(1)));
    let counts = || {
        let details = viewer.observer.details();
        assert_eq!(details.last_failure.is_some(), details.failures > 0);
        (
            details.data_updates,
            details.error_updates,
            details.failures,
            viewer.observer.snapshot().result_count(),
        )
    };
    assert_eq!(counts(), (0, 0, 0, 0));
    stage.seconds(1);
    assert_eq!((counts(), viewer.observer.details().error_at), ((0, 0, 1, 0), None));
    stage.seconds(5);
    assert_eq!(counts(), (0, 1, 2, 1));
    let failed_at = viewer.observer.details().error_at.unwrap();
    assert_eq!(failed_at, stage.server.times()[1].after(query_cache::seconds(1)));
    viewer.observer.refetch();
    assert_eq!(counts(), (0, 1, 0, 1));
    stage.seconds(1);
    assert_eq!(counts(), (1, 1, 0, 2));
    let details = viewer.observer.details();
    assert_eq!((details.updated_at, details.error_at), (Some(stage.client.now()), Some(failed_at)));
    stage.client.set_data(&one(), 5);
    stage.client.set_error(&one(), MISSING);
    assert_eq!(counts(), (2, 2, 0, 4));
    stage.client.reset(&one());
    assert_eq!(counts(), (0, 0, 0, 4), "results are told apart also after a reset");
}

#[test]
fn calling_off_what_was_tried_again_shows_the_failure_again() {
    let stage = stage();
    stage.server.say([Err(MISSING)]);
    let viewer = stage.watch(one());
    stage.seconds(1);
    let before = viewer.observer.details();
    viewer.observer.refetch();
    assert_eq!(shows(&viewer), "pending");
    stage.client.cancel(&one());
    assert_eq!(shows(&viewer), "failed");
    assert_eq!(format!("{before:?}"), format!("{:?}", viewer.observer.details()));
}

#[test]
fn calling_off_what_a_reset_began_leaves_it_idle() {
    let stage = stage();
    let viewer = stage.watch(one());
    stage.seconds(1);
    stage.client.reset(&one());
    assert_eq!(shows(&viewer), "pending", "about to be fetched");
    stage.world.run();
    stage.client.cancel(&one());
    assert_eq!((shows(&viewer), stage.server.requests()), ("idle".to_owned(), 2));
}
