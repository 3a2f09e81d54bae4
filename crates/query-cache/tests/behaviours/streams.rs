//! Answers that come in pieces.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use query_cache::{
    FetchContext, LocalBoxFuture, ManualEnvironment, Query, QueryKey, QueryOptions, query_key,
};

use crate::common::{BUSY, Fault, MISSING, Stage, Viewer, shows, stage, stage_with_seed};

/// What the server sends, a letter each second; and how many streams it is sending.
#[derive(Clone)]
struct Radio(Rc<Inner>);

struct Inner {
    world: ManualEnvironment,
    programmes: RefCell<VecDeque<&'static str>>,
    pause: Cell<Duration>,
    on_air: Cell<usize>,
    begun: Cell<usize>,
    added: Cell<usize>,
}

/// Letters are chunks; `!` is a fault that is worth another attempt, `?` one that is not.
struct Programme {
    radio: Radio,
    rest: std::str::Chars<'static>,
    sleep: LocalBoxFuture<()>,
}

impl Radio {
    fn tune_in(&self) -> Programme {
        self.0.on_air.set(self.0.on_air.get() + 1);
        self.0.begun.set(self.0.begun.get() + 1);
        let rest = self.0.programmes.borrow_mut().pop_front().unwrap_or("abc").chars();
        Programme { radio: self.clone(), rest, sleep: self.sleep() }
    }

    fn sleep(&self) -> LocalBoxFuture<()> {
        Box::pin(self.0.world.sleep(self.0.pause.get()))
    }

    fn counts(&self) -> (usize, usize) {
        (self.0.begun.get(), self.0.on_air.get())
    }
}

impl Stream for Programme {
    type Item = Result<char, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.sleep = self.radio.sleep();
        Poll::Ready(self.rest.next().map(|letter| match letter {
            '!' => Err(BUSY),
            '?' => Err(MISSING),
            letter => Ok(letter),
        }))
    }
}

impl Drop for Programme {
    fn drop(&mut self) {
        self.radio.0.on_air.set(self.radio.0.on_air.get() - 1);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Again {
    Reset,
    Append,
    Replace,
}

#[derive(Clone)]
struct Letters(Again, fn(QueryOptions<Letters>) -> QueryOptions<Letters>);

fn letters(again: Again) -> Letters {
    Letters(again, |defaults| defaults.retry(1).stale_after(query_cache::minutes(5)))
}

impl Query for Letters {
    type Data = String;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["letters"]
    }
    fn options(&self, defaults: QueryOptions<Self>) -> QueryOptions<Self> {
        (self.1)(defaults)
    }
    async fn fetch(&self, cx: FetchContext) -> Result<String, Fault> {
        let radio = cx.get::<Radio>()?;
        let stream = cx.stream(radio.tune_in());
        let stream = match self.0 {
            Again::Reset => stream,
            Again::Append => stream.append(),
            Again::Replace => stream.replace(),
        };
        stream
            .fold(String::new(), |all, letter| {
                radio.0.added.set(radio.0.added.get() + 1);
                all.push(letter);
            })
            .await
    }
}

fn radio(stage: &Stage, programmes: &[&'static str]) -> Radio {
    let radio = Radio(Rc::new(Inner {
        world: stage.world.clone(),
        programmes: RefCell::new(programmes.iter().copied().collect()),
        pause: Cell::new(Duration::from_secs(1)),
        on_air: Cell::new(0),
        begun: Cell::new(0),
        added: Cell::new(0),
    }));
    stage.client.provide(radio.clone());
    radio
}

/// What is shown after each of so many seconds, and whether it is being fetched then.
fn seconds(stage: &Stage, viewer: &Viewer<Letters>, count: usize) -> Vec<(String, bool)> {
    let second = |_| {
        stage.seconds(1);
        (shows(viewer), viewer.observer.snapshot().is_fetching())
    };
    (0..count).map(second).collect()
}

fn shown<const N: usize>(states: [(&str, bool); N]) -> Vec<(String, bool)> {
    states.map(|(state, fetching)| (state.to_owned(), fetching)).to_vec()
}

#[test]
fn an_answer_in_pieces_is_shown_from_the_first_piece_on_while_it_is_fetched() {
    let stage = stage();
    let radio = radio(&stage, &["abc"]);
    let viewer = stage.watch(letters(Again::Reset));
    let waits = stage.spawn(stage.client.query(letters(Again::Reset)));
    assert_eq!(shows(&viewer), "pending");
    let seen = seconds(&stage, &viewer, 4);
    assert_eq!(seen, shown([("\"a\"", true), ("\"ab\"", true), ("\"abc\"", true), ("\"abc\"", false)]));
    assert_eq!((viewer.told(), radio.0.added.get()), (4, 3), "each piece is added once");
    assert_eq!((waits.word(), radio.counts()), ("\"abc\"".to_owned(), (1, 0)), "who waits gets all of it");
    assert!(!viewer.observer.is_stale());
}

#[test]
fn pieces_that_come_at_once_are_told_at_once_and_not_in_the_call_that_asks() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let radio = radio(&stage, &["abcdef", "", "ab?"]);
        radio.0.pause.set(Duration::ZERO);
        let viewer = stage.watch(letters(Again::Reset));
        assert_eq!(shows(&viewer), "pending");
        stage.world.run();
        assert_eq!((shows(&viewer), viewer.told()), ("\"abcdef\"".to_owned(), 1), "seed {seed}");
        // An empty stream comes to what it begins with.
        viewer.observer.refetch();
        assert_eq!(shows(&viewer), "pending");
        stage.world.run();
        assert_eq!(shows(&viewer), "\"\"");
        viewer.observer.refetch();
        stage.world.run();
        assert_eq!(shows(&viewer), "\"ab\", not refreshed");
    }
}

#[test]
fn fetched_again_it_begins_anew_goes_on_or_is_replaced_in_the_end() {
    for (again, expected) in [
        (Again::Reset, shown([("\"x\"", true), ("\"xy\"", true), ("\"xy\"", false)])),
        (Again::Append, shown([("\"abx\"", true), ("\"abxy\"", true), ("\"abxy\"", false)])),
        (Again::Replace, shown([("\"ab\"", true), ("\"ab\"", true), ("\"xy\"", false)])),
    ] {
        let stage = stage();
        let radio = radio(&stage, &["ab", "xy", "z"]);
        let viewer = stage.watch(letters(again));
        stage.seconds(3);
        viewer.observer.refetch();
        let at_once = if again == Again::Reset { "pending" } else { "\"ab\"" };
        assert_eq!(shows(&viewer), at_once);
        assert_eq!(seconds(&stage, &viewer, 3), expected);
        // One that an invalidation makes give way is dropped, and what it brought is gone.
        viewer.observer.refetch();
        stage.seconds(1);
        stage.client.invalidate(&letters(again));
        radio.0.programmes.borrow_mut().push_back("z");
        stage.seconds(2);
        let last = if again == Again::Append { "\"abxyz\"" } else { "\"z\"" };
        assert_eq!((shows(&viewer), radio.counts()), (last.to_owned(), (4, 0)));
    }
}

#[test]
fn an_error_keeps_what_came_and_a_retry_begins_the_stream_anew() {
    for again in [Again::Reset, Again::Append, Again::Replace] {
        let stage = stage();
        let radio = radio(&stage, &["ab!", "abc?"]);
        let viewer = stage.watch(letters(again));
        stage.seconds(3);
        assert_eq!(shows(&viewer), "\"ab\"");
        assert!(viewer.observer.state().retry().is_some_and(|retry| retry.waiting));
        stage.seconds(9);
        assert_eq!(shows(&viewer), "\"abc\", not refreshed", "not twice what came first");
        assert_eq!(radio.counts(), (2, 0));
    }
    // Also when it is fetched again, and until the retry brings something.
    for programmes in [&["ab!", "xy"][..], &["old", "ab!", "xy"]] {
        let stage = stage();
        radio(&stage, programmes);
        let viewer = stage.watch(letters(Again::Reset));
        if programmes.len() > 2 {
            stage.seconds(4);
            viewer.observer.refetch();
        }
        stage.seconds(3);
        let shown: Vec<_> = (0..20).map(|_| (stage.millis(500), shows(&viewer)).1).collect();
        assert!(!shown.contains(&"pending".to_owned()), "{shown:?}");
        assert_eq!(shown.last().unwrap(), "\"xy\"");
    }
    // Nothing came: what was there before is gone, or not.
    for (again, expected) in [(Again::Reset, "failed"), (Again::Append, "\"ab\", not refreshed")] {
        let stage = stage();
        radio(&stage, &["ab", "?"]);
        let viewer = stage.watch(letters(again));
        stage.seconds(3);
        viewer.observer.refetch();
        stage.seconds(1);
        assert_eq!(shows(&viewer), expected);
    }
}

#[test]
fn who_lets_go_drops_the_stream_and_what_came_is_stale() {
    let stage = stage();
    let radio = radio(&stage, &["abc", "xyz"]);
    let viewer = stage.watch(letters(Again::Reset));
    stage.seconds(2);
    drop(viewer);
    stage.world.run();
    assert_eq!(radio.counts(), (1, 0));
    assert_eq!(stage.client.get_data(&letters(Again::Reset)).as_deref(), Some(&"ab".to_owned()));
    let viewer = stage.watch(letters(Again::Reset));
    assert_eq!(radio.counts(), (2, 1), "it is not all there, so it is fetched");
    stage.seconds(4);
    assert_eq!(shows(&viewer), "\"xyz\"");

    // Called off before its first piece, all is as it was.
    viewer.observer.refetch();
    stage.client.cancel(&letters(Again::Reset));
    assert_eq!((shows(&viewer), radio.counts()), ("\"xyz\"".to_owned(), (3, 0)));
    assert!(!viewer.observer.is_stale());
    // And the end of the scope leaves nothing.
    viewer.observer.refetch();
    stage.seconds(1);
    stage.client.end_scope();
    assert_eq!((shows(&viewer), radio.0.on_air.get()), ("pending".to_owned(), 0));
    stage.seconds(1);
    assert_eq!(shows(&viewer), "\"a\"");
}

#[test]
fn what_is_written_meanwhile_wins_over_the_stream() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        let radio = radio(&stage, &["abc"]);
        let viewer = stage.watch(letters(Again::Reset));
        stage.seconds(1);
        stage.client.set_data(&letters(Again::Reset), "mine".to_owned());
        stage.seconds(9);
        assert_eq!((shows(&viewer), radio.counts()), ("\"mine\"".to_owned(), (1, 0)), "seed {seed}");
        assert!(!viewer.observer.is_fetching() && !viewer.observer.is_stale());
    }
}

#[test]
fn a_held_scope_shows_no_piece_and_loses_none() {
    let stage = stage();
    radio(&stage, &["abc"]);
    let viewer = stage.watch(letters(Again::Reset));
    stage.seconds(1);
    stage.client.hold_scope();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "pending");
    stage.client.restore_scope();
    assert_eq!(shows(&viewer), "\"ab\"");
    stage.seconds(2);
    assert_eq!(shows(&viewer), "\"abc\"");
}

/// Always has another.
struct Endless(u32);

impl Stream for Endless {
    type Item = Result<u32, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0 += 1;
        Poll::Ready((self.0 < 1000).then_some(Ok(self.0)))
    }
}

#[test]
fn a_stream_that_always_has_another_lets_others_run_and_chunks_can_be_collected() {
    let stage = stage();
    let numbers = || {
        query_cache::query(query_key!["numbers"], async |cx: FetchContext| {
            cx.stream(Endless(0)).collect().await
        })
    };
    let viewer = stage.watch(numbers());
    assert!(viewer.observer.state().is_pending());
    stage.world.run();
    assert_eq!(viewer.observer.state().data().map(|data| data.len()), Some(999));
}

#[test]
fn a_patch_is_over_every_piece() {
    for again in [Again::Reset, Again::Append, Again::Replace] {
        let stage = stage();
        radio(&stage, &["ab", "xy"]);
        let viewer = stage.watch(letters(again));
        stage.seconds(1);
        let shout = |text: &String| format!("{}!", text.trim_end_matches('!'));
        let layer = stage.client.patch(&letters(again), shout);
        assert_eq!(shows(&viewer), "\"a!\"");
        stage.seconds(1);
        assert_eq!(shows(&viewer), "\"ab!\"");
        stage.seconds(1);
        viewer.observer.refetch();
        stage.seconds(3);
        let expected = if again == Again::Append { "abxy" } else { "xy" };
        assert_eq!(shows(&viewer), format!("\"{expected}!\""));
        layer.roll_back();
        assert_eq!(shows(&viewer), format!("\"{expected}\""));
    }
}

#[test]
fn a_patch_does_not_become_part_of_what_a_retry_or_another_fetch_appends_to() {
    let stage = stage();
    radio(&stage, &["ab", "x!", "y?", "z"]);
    let viewer = stage.watch(letters(Again::Append));
    stage.seconds(3);
    let layer =
        stage.client.patch(&letters(Again::Append), |text| format!("{}!", text.trim_end_matches('!')));
    viewer.observer.refetch();
    stage.seconds(1);
    assert_eq!(shows(&viewer), "\"abx!\"");
    stage.seconds(1);
    assert!(viewer.observer.state().retry().is_some_and(|retry| retry.waiting));
    stage.seconds(9);
    assert_eq!(
        shows(&viewer),
        "\"aby!\", not refreshed",
        "a retry begins with what was there before the fetch"
    );
    let committed = || stage.client.committed_data(&letters(Again::Append)).map(|data| (*data).clone());
    assert_eq!(committed().as_deref(), Some("aby"));
    viewer.observer.refetch();
    stage.seconds(9);
    assert_eq!((shows(&viewer), committed().as_deref()), ("\"abyz!\"".to_owned(), Some("abyz")));
    layer.roll_back();
    assert_eq!(shows(&viewer), "\"abyz\"");
}

#[test]
fn what_a_stream_took_away_is_below_the_patches_again_when_it_is_called_off() {
    for seed in 0..20 {
        let stage = stage_with_seed(seed);
        radio(&stage, &["ab"]);
        let viewer = stage.watch(letters(Again::Reset));
        stage.seconds(3);
        let end = |end: char| move |text: &String| format!("{}{end}", text.trim_end_matches(end));
        let before = stage.client.patch(&letters(Again::Reset), end('!'));
        let gone = stage.client.patch(&letters(Again::Reset), end('?'));
        viewer.observer.refetch();
        assert_eq!(shows(&viewer), "pending");
        gone.roll_back();
        let meanwhile = stage.client.patch(&letters(Again::Reset), end('.'));
        stage.client.cancel(&letters(Again::Reset));
        assert_eq!(shows(&viewer), "\"ab!.\"");
        let committed = stage.client.committed_data(&letters(Again::Reset));
        assert_eq!(committed.as_deref().map(String::as_str), Some("ab"));
        meanwhile.roll_back();
        before.roll_back();
        assert_eq!(shows(&viewer), "\"ab\"");
        assert!(!viewer.observer.is_stale());
    }
}
