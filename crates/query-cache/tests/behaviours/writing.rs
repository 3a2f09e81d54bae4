//! Writing what the server did not say.

use std::rc::Rc;

use query_cache::{Query, QueryFilter, query, query_key};

use crate::common::{BUSY, Number, one, shows, stage};
use crate::{fresh, two};

#[test]
fn a_write_makes_an_entry_changes_it_and_may_decide_to_do_nothing() {
    let stage = stage();
    stage.client.set_data(&fresh(), 7);
    assert_eq!(stage.client.get_data(&fresh()).as_deref(), Some(&7));
    assert!(stage.client.update(&fresh(), |held| held.map(|number| number + 1)));
    assert_eq!(stage.client.get_data(&fresh()).as_deref(), Some(&8));

    let viewer = stage.watch(fresh());
    let log = stage.log();
    viewer.observer.details();
    assert!(!stage.client.update(&fresh(), |_| None));
    assert!(!stage.client.update(&two(), |held| held.copied()), "nothing there");
    stage.seconds(1);
    assert_eq!((log.take(), viewer.told(), stage.client.query_count()), (vec![], 0, 1));
    assert!(stage.client.update(&two(), |held| Some(held.copied().unwrap_or(1))));
    assert_eq!(stage.client.get_data(&two()).as_deref(), Some(&1));
    assert_eq!(stage.server.requests(), 0, "written is as fresh as fetched");
}

#[test]
fn nothing_is_data_too_when_it_is_written() {
    let stage = stage();
    let nobody = || query(query_key!["nobody"], async |_| Ok::<_, String>(Some(1_u32)));
    stage.client.set_data(&nobody(), None);
    assert_eq!(stage.client.get_data(&nobody()).as_deref(), Some(&None));
    let viewer = stage.watch(nobody().with_options(|options| options.stale_after(query_cache::minutes(1))));
    stage.seconds(1);
    assert_eq!((shows(&viewer), viewer.told()), ("None".to_owned(), 0));
}

#[test]
fn a_write_leaves_the_fetch_that_is_under_way_alone_and_outlives_its_answer() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.client.set_data(&fresh(), 70);
    assert!(viewer.observer.is_fetching());
    stage.millis(999);
    assert!(viewer.observer.is_fetching());
    stage.millis(1);
    assert_eq!(
        (viewer.observer.is_fetching(), shows(&viewer), stage.server.aborted()),
        (false, "70".to_owned(), 0)
    );
}

#[test]
fn equal_answers_and_writes_keep_their_pointer_where_that_is_asked_for() {
    let stage = stage();
    stage.server.say([Ok(5), Ok(5), Ok(6)]);
    let keeping = || Number(1, |defaults| defaults.keep_equal());
    let viewer = stage.watch(keeping());
    stage.seconds(1);
    let data = || stage.client.get_data(&keeping()).unwrap();
    let first = data();
    viewer.told();
    viewer.observer.refetch();
    stage.seconds(1);
    assert!(Rc::ptr_eq(&first, &data()));
    stage.client.set_data(&keeping(), 5);
    stage.client.update(&keeping(), |held| held.copied());
    stage.client.update_all::<Number>(&keeping(), |held| Some(*held));
    stage.world.run();
    assert!(Rc::ptr_eq(&first, &data()));
    assert_eq!((viewer.told(), stage.server.requests()), (0, 2));
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!((viewer.told(), shows(&viewer)), (1, "6".to_owned()));

    // Unless asked for, each answer and each write is a change.
    let plain = stage.watch(two());
    stage.seconds(1);
    let first = stage.client.get_data(&two()).unwrap();
    plain.told();
    stage.client.set_data(&two(), *first);
    stage.world.run();
    assert_eq!(plain.told(), 1);
    assert!(!Rc::ptr_eq(&first, &stage.client.get_data(&two()).unwrap()));
}

#[test]
fn what_counts_as_equal_is_for_the_data_to_say() {
    /// Equal when the number is, whoever counted.
    #[derive(Debug)]
    struct Counted {
        number: u32,
        by: &'static str,
    }
    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.number == other.number
        }
    }
    let stage = stage();
    let counted = || {
        query(query_key!["counted"], async |_| Ok::<_, String>(Counted { number: 1, by: "the server" }))
            .with_options(|options| options.keep_equal())
    };
    stage.client.set_data(&counted(), Counted { number: 1, by: "me" });
    let viewer = stage.watch(counted());
    stage.seconds(1);
    assert_eq!((viewer.observer.state().data().unwrap().by, viewer.told()), ("me", 0));
    stage.client.set_data(&counted(), Counted { number: 2, by: "you" });
    assert_eq!(viewer.observer.state().data().unwrap().by, "you");
}

#[test]
fn writing_to_many_touches_only_what_is_there_and_meant() {
    let stage = stage();
    stage.server.set_latency(query_cache::minutes(1));
    for id in 1..=4 {
        stage.client.set_data(&Number(id, |defaults| defaults), id);
    }
    let empty = stage.watch(Number(5, |defaults| defaults));
    let other = query(query_key!["number", 6], async |_| Ok::<_, String>("text"));
    stage.client.set_data(&other, "text");
    let log = stage.log();
    let odd = |number: &u32| (number % 2 == 1).then_some(number * 10);
    assert_eq!(stage.client.update_all::<Number>(QueryFilter::prefix(query_key!["number"]), odd), 2);
    assert_eq!(stage.client.update_all::<Number>(QueryFilter::exact(query_key!["number", 9]), odd), 0);
    let held: Vec<u32> =
        (1..=4).map(|id| *stage.client.get_data(&Number(id, |defaults| defaults)).unwrap()).collect();
    assert_eq!(held, [10, 2, 30, 4]);
    assert_eq!((shows(&empty), stage.client.query_count()), ("pending".to_owned(), 6));
    stage.world.run();
    let mut told = log.take();
    told.sort();
    assert_eq!(told, [r#"["number", 1] Written"#, r#"["number", 3] Written"#]);
}

#[test]
fn an_error_can_be_written_and_leaves_the_data() {
    let stage = stage();
    let viewer = stage.watch(fresh());
    stage.seconds(1);
    viewer.told();
    stage.client.set_error(&fresh(), BUSY);
    stage.world.run();
    assert_eq!((shows(&viewer), viewer.told()), ("1, not refreshed".to_owned(), 1));
    assert!(viewer.observer.is_stale());
    stage.client.set_data(&one(), 2);
    assert_eq!(shows(&viewer), "2");
}
