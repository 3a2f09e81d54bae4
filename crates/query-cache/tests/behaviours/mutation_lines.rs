//! Mutations that stand in line.

use query_cache::{MutationFilter, query_key};

use crate::common::posting::{LINED, POST};
use crate::common::{MISSING, stage};

#[test]
fn of_one_line_one_is_under_way_at_a_time_and_lines_do_not_wait_for_each_other() {
    let stage = stage();
    let (journal, _) = stage.posts();
    let ids = [10, 11, 20, 12, 21].map(|number| stage.post(LINED, number));
    stage.post(POST, 13);
    let begun: Vec<_> = journal.take();
    assert_eq!(begun.len(), 6, "what is to be shown at once does not stand in line: {begun:?}");
    assert_eq!(stage.server.asked_for(), [10, 20, 13]);
    assert_eq!(ids.map(|id| stage.post_state(id)), ["pending", "paused", "pending", "paused", "paused"]);
    stage.seconds(1);
    assert_eq!(stage.server.asked_for()[3..].iter().sum::<u32>(), 11 + 21);
    stage.seconds(1);
    assert_eq!(stage.server.asked_for()[5..], [12]);
    stage.seconds(1);
    assert_eq!((stage.server.requests(), stage.pending_posts()), (6, 0));
}

#[test]
fn one_that_fails_does_not_stop_those_behind_it() {
    let stage = stage();
    stage.posts();
    stage.server.say([Err(MISSING), Ok(2), Err(MISSING), Ok(4)]);
    let ids = [10, 11, 12, 13].map(|number| stage.post(LINED, number));
    stage.seconds(4);
    assert_eq!(stage.server.asked_for(), [10, 11, 12, 13]);
    assert_eq!(
        ids.map(|id| stage.post_state(id)),
        ["error: Permanent", "success: 2", "error: Permanent", "success: 4"]
    );
}

#[test]
fn a_retry_holds_its_place_in_the_line() {
    let stage = stage();
    stage.posts();
    stage.server.fail(2);
    let patient = crate::common::posting::Post { change: |o| o.retry(3), ..LINED };
    stage.post(patient, 10);
    stage.post(patient, 11);
    stage.seconds(60);
    assert_eq!(stage.server.asked_for(), [10, 10, 10, 11]);
}

#[test]
fn one_that_is_called_off_leaves_its_line_wherever_it_stands() {
    for (called_off, sent) in [(0, vec![10, 11, 12]), (1, vec![10, 12]), (2, vec![10, 11])] {
        let stage = stage();
        let (journal, _) = stage.posts();
        let ids = [10, 11, 12].map(|number| stage.post(LINED, number));
        stage.millis(500);
        stage.client.cancel_mutations(ids[called_off]);
        stage.seconds(5);
        assert_eq!(stage.server.asked_for(), sent);
        assert_eq!(
            (stage.pending_posts(), stage.post_state(ids[called_off])),
            (0, "error: Cancelled".to_owned())
        );
        let settled = journal.take().iter().filter(|line| line.contains("settles")).count();
        assert_eq!(settled, 3, "each is told its end");
    }
}

#[test]
fn those_of_one_line_can_be_found_by_it() {
    let stage = stage();
    stage.posts();
    for number in [10, 11, 20] {
        stage.post(LINED, number);
    }
    let line = || MutationFilter::all().line(query_key!["tens", 1]);
    assert_eq!((stage.client.count_mutations(line()), stage.client.count_mutations(line().paused())), (2, 1));
}

#[test]
fn a_line_of_ten_thousand_takes_no_stack() {
    let stage = stage();
    let lined = Lined;
    for number in 0..10_000 {
        stage.client.mutate(lined, number).detach();
    }
    stage.world.run();
    assert_eq!(stage.pending_posts(), 0);
}

#[derive(Clone, Copy)]
struct Lined;

impl query_cache::Mutation for Lined {
    type Variables = u32;
    type Data = ();
    type Error = String;

    fn name(&self) -> &'static str {
        "lined"
    }
    fn line(&self, _: &u32) -> Option<query_cache::QueryKey> {
        Some(query_key!["line"])
    }
    async fn mutate(&self, _: &u32, _: query_cache::MutationContext) -> Result<(), String> {
        Ok(())
    }
}
