//! Many queries folded into one value.

use std::cell::Cell;
use std::rc::Rc;

use query_cache::{CombinedObserver, QueryClient, Results};

use crate::common::{MISSING, Number, Stage, stage, stage_with_seed};

fn number(id: u32) -> Number {
    Number(id, |defaults| defaults.retry(0).stale_after(query_cache::minutes(5)))
}

/// How often it was folded, and how often somebody was told.
#[derive(Clone, Default)]
struct Counts(Rc<(Cell<usize>, Cell<usize>)>);

impl Counts {
    fn take(&self) -> (usize, usize) {
        (self.0.0.take(), self.0.1.take())
    }
}

fn fold<S: PartialEq + 'static>(
    client: &QueryClient,
    ids: impl IntoIterator<Item = u32>,
    fold: impl Fn(Results<'_, Number>) -> S + 'static,
) -> (CombinedObserver<Number, S>, Counts) {
    let counts = Counts::default();
    let (folded, told) = (counts.clone(), counts.clone());
    let combined = client.observe_all(
        ids.into_iter().map(number),
        move |found| {
            folded.0.0.set(folded.0.0.get() + 1);
            fold(found)
        },
        move || told.0.1.set(told.0.1.get() + 1),
    );
    (combined, counts)
}

fn data(found: Results<'_, Number>) -> Vec<Option<u32>> {
    found.map(|found| found.data().map(|data| *data)).collect()
}

fn made<S: Clone + 'static>(combined: &CombinedObserver<Number, S>) -> S {
    (*combined.get().unwrap()).clone()
}

fn ready(ids: impl IntoIterator<Item = u32>) -> Stage {
    let stage = stage();
    for id in ids {
        stage.client.set_data(&number(id), id);
    }
    stage.world.run();
    stage
}

#[test]
fn a_fold_follows_what_is_added_removed_and_replaced() {
    let stage = ready(1..=4);
    let (combined, counts) = fold(&stage.client, [1, 2], data);
    assert_eq!((made(&combined), counts.take()), (vec![Some(1), Some(2)], (1, 0)));
    for ids in [&[1, 2, 3][..], &[3, 2, 1], &[3, 4, 1], &[4], &[], &[2, 2, 1]] {
        combined.follow(ids.iter().copied().map(number));
        let expected: Vec<_> = ids.iter().copied().map(Some).collect();
        assert_eq!(
            (made(&combined), counts.take()),
            (expected, (1, 0)),
            "in the call, of which nobody is told"
        );
        assert_eq!(stage.client.observer_count(), ids.len());
    }
    // One that stays keeps its fetch, wherever it goes.
    combined.follow([5, 6, 1].map(number));
    stage.millis(500);
    combined.follow([1, 6, 5, 5].map(number));
    stage.client.remove(&number(1));
    stage.millis(500);
    assert_eq!((stage.server.asked_for(), stage.server.aborted()), (vec![5, 6, 1], 0));
    stage.seconds(1);
    assert!(made(&combined).iter().all(Option::is_some));
    combined.follow([7].map(number));
    combined.follow([8].map(number));
    stage.world.run();
    assert_eq!(stage.server.aborted(), 1);
}

#[test]
fn a_fold_is_kept_while_nothing_in_it_changed() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let (combined, counts) =
            fold(&stage.client, 1..=50, |found| found.filter(|one| one.data().is_some()).count());
        assert_eq!(counts.take(), (1, 0));
        stage.seconds(1);
        let (folds, told) = counts.take();
        assert!(made(&combined) == 50 && folds <= 50 && folds == told, "seed {seed}: {folds}, {told}");

        // All that changes in one turn is folded once, and nobody is told of an equal value.
        let kept = combined.get().unwrap();
        for id in 1..=50 {
            stage.client.set_data(&number(id), 1000 + id);
        }
        stage.world.run();
        assert_eq!(counts.take(), (1, 0), "seed {seed}");
        assert!(Rc::ptr_eq(&kept, &combined.get().unwrap()));
        stage.client.remove(&number(7));
        stage.world.run();
        assert_eq!((made(&combined), counts.take()), (49, (1, 1)));

        // The same queries again, and what happens to others, are no reason to fold.
        combined.follow((1..=50).map(number));
        stage.client.set_data(&number(51), 1);
        stage.world.run();
        assert_eq!(counts.take(), (0, 0), "seed {seed}");
    }
}

#[test]
fn what_a_fold_asks_about_it_is_told_of_and_of_nothing_else() {
    let stage = ready(1..=3);
    let (first_data, data_counts) =
        fold(&stage.client, 1..=3, |mut found| found.next().and_then(|one| one.data()).map(|data| *data));
    let (fetching, fetching_counts) =
        fold(&stage.client, 1..=3, |mut found| found.any(|one| one.is_fetching()));
    let (failed, failed_counts) =
        fold(&stage.client, 1..=3, |found| found.filter(|one| one.error().is_some()).count());
    let counts = || (data_counts.take(), fetching_counts.take(), failed_counts.take());
    counts();
    stage.client.set_data(&number(2), 20);
    stage.world.run();
    assert_eq!(counts(), ((0, 0), (0, 0), (1, 0)), "the second one's data");
    stage.client.refetch(&number(2));
    stage.world.run();
    assert_eq!((made(&fetching), counts()), (true, ((0, 0), (1, 1), (0, 0))), "it is fetched");
    stage.server.say([Err(MISSING)]);
    stage.seconds(1);
    assert_eq!((made(&fetching), made(&failed)), (false, 1));
    assert_eq!(counts(), ((0, 0), (1, 1), (1, 1)), "it failed");
    stage.client.set_data(&number(1), 10);
    stage.world.run();
    assert_eq!((made(&first_data), counts()), (Some(10), ((1, 1), (0, 0), (1, 0))));
    let (stale, _) = fold(&stage.client, 1..=3, |found| found.filter(|one| one.is_stale()).count());
    assert_eq!(made(&stale), 1);
    stage.world.advance(query_cache::minutes(5));
    assert_eq!(made(&stale), 2, "told at the very moment");
    stage.seconds(1);
    assert_eq!(made(&stale), 3, "and of the one that was fetched again when it was mounted");
}

#[test]
fn a_fold_that_asks_no_further_than_it_has_to_sees_what_is_there_when_it_does() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let (all, _) = fold(&stage.client, 1..=3, |found| {
            found.map(|one| one.data().map(|data| *data)).collect::<Option<Vec<_>>>()
        });
        stage.client.set_data(&number(3), 30);
        stage.client.set_data(&number(2), 20);
        stage.world.run();
        assert_eq!(made(&all), None);
        stage.client.set_data(&number(1), 10);
        stage.world.run();
        assert_eq!(made(&all), Some(vec![10, 20, 30]), "seed {seed}");
    }
}

#[test]
fn a_fold_shows_nothing_of_a_scope_that_is_held_or_over() {
    let stage = ready(1..=3);
    let (combined, counts) = fold(&stage.client, 1..=3, data);
    counts.take();
    stage.client.hold_scope();
    stage.world.run();
    assert_eq!((made(&combined), counts.take()), (vec![None; 3], (1, 1)));
    stage.client.restore_scope();
    stage.world.run();
    assert_eq!(made(&combined), [Some(1), Some(2), Some(3)]);
    stage.client.end_scope();
    stage.world.run();
    assert_eq!((made(&combined), stage.server.asked_for().len()), (vec![None; 3], 3));
    drop(combined);
    stage.world.run();
    assert_eq!((stage.server.aborted(), stage.client.observer_count()), (3, 0));
}

#[test]
fn a_fold_may_do_to_the_client_and_to_itself_what_it_likes() {
    let stage = ready(1..=3);
    let own = Rc::<std::cell::OnceCell<CombinedObserver<Number, u32>>>::default();
    let (client, handle) = (stage.client.clone(), own.clone());
    let combined = stage.client.observe_all(
        (1..=3).map(number),
        move |found| {
            let sum = found.filter_map(|one| one.data()).map(|data| *data).sum();
            if sum < 100 {
                client.set_data(&number(3), 100);
            }
            if let Some(own) = handle.get() {
                own.follow([1, 3].map(number));
            }
            sum
        },
        || {},
    );
    assert!(own.set(combined).is_ok());
    stage.seconds(1);
    assert_eq!(own.get().unwrap().get().as_deref(), Some(&101), "of those that it chose itself");
    for one in [2, 3] {
        stage.client.set_data(&number(1), one);
        stage.world.run();
        assert_eq!(own.get().unwrap().get().as_deref(), Some(&(100 + one)), "and it goes on");
    }
    assert_eq!((stage.client.observer_count(), stage.world.task_count()), (2, 0));
}
