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
