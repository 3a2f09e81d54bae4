//! What is made of the data.

use std::cell::Cell;
use std::rc::Rc;

use query_cache::{AnyQuery, Query, QueryState, Selection, Selector, minutes};

use crate::common::{Number, Stage, one, shows, stage};

/// A selection whose selector counts how often it runs: times ten.
fn tenfold(stage: &Stage, query: Number, runs: &Rc<Cell<usize>>) -> Selection {
    let selector = counting(runs, 10);
    stage.client.observe_selection(&AnyQuery::new(query), selector, Box::new(|| {}))
}

fn counting(runs: &Rc<Cell<usize>>, times: u32) -> Selector {
    let runs = runs.clone();
    Selector::new::<Number, u32>(move |number| {
        runs.set(runs.get() + 1);
        number * times
    })
}

fn made<S: Copy + 'static>(selection: &Selection) -> Option<S> {
    selection.get().1?.downcast_ref().copied()
}

#[test]
fn what_is_selected_is_what_watchers_and_callers_get() {
    let stage = stage();
    let watched = stage.client.observe_select(one(), |number| number * 10, || {});
    assert!(watched.selected().is_none() && watched.snapshot().is_fetching());
    let called = stage.spawn(stage.client.query(one()).select(|number| number * 100));
    let again = stage.watch(one());
    let refetched = stage.spawn(again.observer.refetch_and_wait().select(|number| number * 1000));
    stage.seconds(1);
    assert_eq!(watched.selected().as_deref(), Some(&10));
    assert_eq!(called.take().unwrap().unwrap(), 100);
    assert_eq!(refetched.take().unwrap().unwrap(), 1000);
    assert_eq!(stage.client.get_data(&one()).as_deref(), Some(&1), "the cache holds what was fetched");
}

#[test]
fn select_runs_again_only_for_other_data_or_another_selector() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(1), Ok(2)]);
    let runs = Rc::new(Cell::new(0));
    let query = Number(1, |defaults| defaults.keep_equal());
    let selection = tenfold(&stage, query.clone(), &runs);
    stage.seconds(1);
    for _ in 0..5 {
        assert_eq!(made(&selection), Some(10_u32));
    }
    assert_eq!(runs.get(), 1);
    stage.client.refetch(&query);
    stage.seconds(1);
    assert_eq!((stage.server.requests(), made(&selection), runs.get()), (2, Some(10_u32), 1));
    stage.client.refetch(&query);
    stage.seconds(1);
    assert_eq!((made(&selection), runs.get()), (Some(20_u32), 2));
    let other = Rc::new(Cell::new(0));
    selection.select(counting(&other, 7));
    for _ in 0..5 {
        assert_eq!(made(&selection), Some(14_u32));
    }
    assert_eq!((runs.get(), other.get()), (2, 1));
}

#[test]
fn a_select_that_can_fail_fails_for_its_observer_alone() {
    let stage = stage();
    stage.server.say([Ok(1), Ok(2), Ok(3)]);
    let even = Selector::new::<Number, Result<u32, &'static str>>(|number| {
        if number % 2 == 0 { Ok(*number) } else { Err("odd") }
    });
    let selection = stage.client.observe_selection(&AnyQuery::new(one()), even, Box::new(|| {}));
    let plain = stage.watch(one());
    stage.seconds(1);
    assert_eq!(made(&selection), Some(Err::<u32, _>("odd")));
    assert_eq!(shows(&plain), "1");
    assert!(matches!(
        selection.get().0.state::<u32, crate::common::Fault>(),
        QueryState::Ready { refresh_error: None, .. }
    ));

    let two = Number(2, |defaults| defaults);
    selection.observer().unwrap().follow(&AnyQuery::new(two));
    assert_eq!(made::<Result<u32, &'static str>>(&selection), None, "the failure stays with its query");
    stage.seconds(1);
    assert_eq!(made(&selection), Some(Ok::<_, &'static str>(2_u32)));

    selection.observer().unwrap().follow(&AnyQuery::new(one()));
    assert_eq!(made(&selection), Some(Err::<u32, _>("odd")));
    stage.client.reset(&one());
    assert_eq!(made::<Result<u32, &'static str>>(&selection), None, "and goes with its data");
}

#[test]
fn a_select_that_fails_on_a_placeholder_recovers_with_the_answer() {
    let stage = stage();
    let query = one().with_options(|options| options.placeholder(|| Some(0)));
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let selected = stage.client.observe_select(
        query,
        |number| if *number == 0 { Err("nothing") } else { Ok(*number) },
        move || count.set(count.get() + 1),
    );
    assert_eq!(selected.selected().as_deref(), Some(&Err("nothing")));
    let placeholder = || selected.snapshot().state::<u32, crate::common::Fault>().is_placeholder();
    assert!(placeholder());
    stage.seconds(1);
    assert_eq!((selected.selected().as_deref(), placeholder(), told.get()), (Some(&Ok(1)), false, 1));
}

#[test]
fn equal_selections_and_placeholders_keep_their_pointer() {
    let stage = stage();
    stage.server.say([Ok(10), Ok(11), Ok(20)]);
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let tens = stage.client.observe_select(one(), |number| number / 10, move || count.set(count.get() + 1));
    stage.seconds(1);
    let first = tens.selected().unwrap();
    stage.client.refetch(&one());
    stage.seconds(1);
    assert_eq!((told.get(), stage.client.get_data(&one()).as_deref()), (1, Some(&11)));
    assert!(Rc::ptr_eq(&first, &tens.selected().unwrap()));
    stage.client.refetch(&one());
    stage.seconds(1);
    assert_eq!((told.get(), *tens.selected().unwrap()), (2, 2));

    let shown = stage.watch(Number(3, |defaults| defaults.placeholder(|| Some(0))));
    let placeholder = shown.observer.state().data().cloned().unwrap();
    stage.millis(500);
    assert!(Rc::ptr_eq(&placeholder, shown.observer.state().data().unwrap()));
}

#[test]
fn what_was_selected_is_kept_while_the_data_it_was_made_of_stands_in() {
    fn number(id: u32) -> Number {
        Number(id, |defaults| defaults.keep_previous(true).stale_after(minutes(5)))
    }
    let stage = stage();
    let runs = Rc::new(Cell::new(0));
    let selection = tenfold(&stage, number(1), &runs);
    stage.seconds(1);
    let first = selection.get().1.unwrap();
    selection.observer().unwrap().follow(&AnyQuery::new(number(2)));
    let (snapshot, stands_in) = selection.get();
    assert!(snapshot.state::<u32, crate::common::Fault>().is_placeholder());
    assert!(Rc::ptr_eq(&first, &stands_in.unwrap()));
    selection.observer().unwrap().follow(&AnyQuery::new(number(1)));
    assert!(Rc::ptr_eq(&first, &selection.get().1.unwrap()));
    stage.seconds(1);
    assert_eq!((made(&selection), runs.get()), (Some(10_u32), 1));
}
