//! Clearing the cache leaves the last person's data on the screen and lets what was under way for him write
//! into the next one's cache: <https://github.com/TanStack/query/issues/28>,
//! <https://github.com/vercel/swr/issues/4297>.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{AnyQuery, Query, QueryFilter, Selector, SourceContext, minutes, query, query_key};

use crate::common::{MISSING, Number, shows, stage};
use crate::fresh;

#[test]
fn empties_every_view_in_that_call_and_tells_it() {
    let stage = stage();
    let plain = stage.watch(fresh());
    let disabled = stage.watch(Number(1, |defaults| defaults.enabled(false)));
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let selected =
        stage.client.observe_select(fresh(), |number| number * 10, move || count.set(count.get() + 1));
    stage.seconds(1);
    assert_eq!(selected.selected().as_deref(), Some(&10));
    plain.told();
    disabled.told();
    told.set(0);

    stage.client.end_scope();
    assert_eq!((shows(&plain), shows(&disabled)), ("pending".to_owned(), "pending".to_owned()));
    assert_eq!(stage.client.get_data(&fresh()), None);
    stage.world.run();
    assert_eq!((plain.told(), disabled.told(), told.take()), (1, 1, 1));
    assert_eq!(selected.selected(), None);
}

#[test]
fn drops_what_is_under_way_and_tells_who_waits() {
    let stage = stage();
    stage.server.fail(1);
    let retries = stage.watch(fresh());
    stage.seconds(1);
    let call = stage.spawn(stage.client.query(Number(2, |defaults| defaults)));
    stage.client.prefetch(Number(3, |defaults| defaults.finishes_unwatched(true)));
    let settled = stage.spawn(stage.client.settled(QueryFilter::all()));
    drop(retries);
    stage.client.end_scope();
    stage.world.run();
    assert_eq!((call.word(), stage.server.aborted()), ("cancelled".to_owned(), 2));
    assert_eq!(settled.take().map(|failures| failures.len()), Some(3));
    stage.seconds(600);
    assert_eq!((stage.server.requests(), stage.client.query_count()), (3, 0), "no retry, no answer");
}

#[test]
fn keeps_late_writes_out_whoever_makes_them() {
    let stage = stage();
    let sources = Rc::<RefCell<Vec<SourceContext<u32, crate::common::Fault>>>>::default();
    let opened = sources.clone();
    let fed = move || {
        let opened = opened.clone();
        fresh().with_options(move |options| {
            let opened = opened.clone();
            options.fed_by(move |source| opened.borrow_mut().push(source))
        })
    };
    let viewer = stage.watch(fed());
    let other = || query(query_key!["other"], async |_| Ok::<_, String>(0));
    let world = stage.world.clone();
    let writes_late = query(query_key!["writes late"], async move |cx: query_cache::FetchContext| {
        let client = cx.client().unwrap();
        world.sleep(minutes(1)).await;
        client.set_data(&other(), 66);
        Ok::<_, String>(0)
    });
    stage.client.prefetch(writes_late.with_options(|options| options.public(true)));
    let handle = stage.client.in_this_scope();
    let late = stage.spawn({
        let world = stage.world.clone();
        async move {
            world.sleep(minutes(1)).await;
            handle.set_data(&fresh(), 67);
            handle.set_error(&fresh(), MISSING);
            handle.invalidate(QueryFilter::all());
            handle.prefetch(Number(9, |defaults| defaults));
            handle.update(&fresh(), |_| Some(68));
            (handle.query(fresh()).await.is_err(), handle.get_data(&fresh()), handle.is_over())
        }
    });
    stage.seconds(1);
    stage.client.end_scope();
    stage.seconds(1);
    assert_eq!((sources.borrow().len(), shows(&viewer)), (2, "2".to_owned()), "opened anew");
    sources.borrow()[0].push(69);
    sources.borrow()[0].fail(MISSING);
    stage.world.advance(minutes(2));
    assert_eq!(late.take(), Some((true, None, true)));
    assert_eq!((shows(&viewer), stage.server.requests()), ("2".to_owned(), 2));
    assert_eq!(
        stage.client.get_data(&other()).as_deref(),
        Some(&66),
        "a public fetch is nobody's in particular"
    );
    sources.borrow()[1].push(70);
    assert_eq!(shows(&viewer), "70");
}

#[test]
fn leaves_no_data_to_stand_in_for_the_next_persons() {
    let stage = stage();
    let keeping = |id| Number(id, |defaults| defaults.keep_previous(true));
    let viewer = stage.watch(keeping(1));
    let selector = Selector::new::<Number, u32>(|number| *number);
    let selection = stage.client.observe_selection(&AnyQuery::new(keeping(1)), selector, Box::new(|| {}));
    stage.seconds(1);
    // One shows the data of the key before, when the scope ends.
    viewer.observer.follow(keeping(2));
    assert!(viewer.observer.state().is_placeholder());
    stage.client.end_scope();
    assert_eq!(shows(&viewer), "pending");
    viewer.observer.follow(keeping(3));
    selection.observer().unwrap().follow(&AnyQuery::new(keeping(3)));
    assert_eq!(shows(&viewer), "pending");
    assert!(selection.get().1.is_none());
}

#[test]
fn clearing_empties_every_view_too() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.told();
    viewer.observer.refetch();
    stage.client.clear();
    assert_eq!((shows(&viewer), stage.server.aborted()), ("pending".to_owned(), 1));
    stage.world.run();
    assert_eq!(viewer.told(), 1);
    stage.seconds(1);
    assert_eq!((shows(&viewer), stage.server.requests()), ("3".to_owned(), 3));
}

#[test]
fn is_the_end_of_calls_whose_answer_was_not_picked_up_yet() {
    let stage = stage();
    let (waits, ends) = (stage.client.query(fresh()), stage.client.query(fresh()));
    stage.seconds(1);
    stage.client.hold_scope();
    let waits = stage.spawn(waits);
    stage.seconds(1);
    assert_eq!(waits.word(), "waits", "a held scope shows nothing");
    stage.client.restore_scope();
    stage.world.run();
    assert_eq!((waits.word(), stage.server.requests()), ("1".to_owned(), 1));

    stage.client.end_scope();
    stage.client.hold_scope();
    let ends = stage.spawn(ends);
    stage.world.run();
    assert_eq!(ends.word(), "cancelled", "whatever becomes of the next scope");
}

#[test]
fn leaves_what_is_everybodys_alone_and_so_does_holding_it() {
    let stage = stage();
    let public = || Number(1, |defaults| defaults.public(true));
    let private = stage.watch(Number(2, |defaults| defaults));
    stage.client.hold_scope();
    let viewer = stage.watch(public());
    assert_eq!(stage.server.asked_for(), [2, 1], "fetched in a held scope, too");
    stage.seconds(1);
    assert_eq!((shows(&viewer), shows(&private)), ("2".to_owned(), "pending".to_owned()));
    viewer.observer.refetch();
    stage.client.end_scope();
    assert_eq!((shows(&viewer), stage.server.aborted()), ("2".to_owned(), 0));
    stage.seconds(1);
    assert_eq!((shows(&viewer), shows(&private)), ("3".to_owned(), "4".to_owned()));
    assert_eq!(stage.client.get_data(&public()).as_deref(), Some(&3));
}

#[test]
fn closes_a_source_that_brings_it_about_while_it_opens() {
    struct Open(u32, Rc<RefCell<Vec<String>>>);
    impl Drop for Open {
        fn drop(&mut self) {
            self.1.borrow_mut().push(format!("{} closes", self.0));
        }
    }
    let stage = stage();
    let log = Rc::<RefCell<Vec<String>>>::default();
    let (client, lines, opened) = (stage.client.downgrade(), log.clone(), Rc::new(Cell::new(0)));
    let fed = fresh().with_options(move |options| {
        let (client, lines, opened) = (client.clone(), lines.clone(), opened.clone());
        options.fed_by(move |_| {
            opened.set(opened.get() + 1);
            let number = opened.get();
            lines.borrow_mut().push(format!("{number} opens"));
            if let Some(client) = client.upgrade().filter(|_| number == 1) {
                client.end_scope();
            }
            Open(number, lines.clone())
        })
    });
    let viewer = stage.watch(fed);
    assert_eq!(log.take(), ["1 opens", "2 opens", "1 closes"]);
    drop(viewer);
    assert_eq!(log.take(), ["2 closes"]);
}
