//! What is seen of a list at one moment.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use super::erased::AnyPage;
use super::moves::SIDES;
use super::queries::ListError;
use super::{InfiniteQuery, Page, Side};
use crate::engine::Value;
use crate::error::QueryError;
use crate::segment::Segment;
use crate::state::{FetchStatus, Parts, Status, diff};
use crate::view::{QueryState, Snapshot, typed_error};

/// A list at one moment, without its types.
#[derive(Clone)]
pub struct PagesSnapshot(pub(super) Rc<Shown>);

pub(super) struct Shown {
    pub list: Snapshot,
    pub watched: Vec<(Segment, Snapshot)>,
    /// What is known of the pages that are to come at either end.
    pub coming: [Option<Snapshot>; 2],
    /// Whether there are further pages at either end of those that are there.
    pub more: [bool; 2],
    /// The pages that are there.
    pub pages: Vec<AnyPage>,
    /// The same, as people get them.
    pub built: Value,
}

fn place(side: Side) -> usize {
    match side {
        Side::Previous => 0,
        Side::Next => 1,
    }
}

impl Shown {
    /// Whether somebody who is interested in these parts has to be told of the difference.
    pub fn differs(&self, other: &Shown, interest: Parts) -> bool {
        let all = |a: &Shown, b: &Shown| {
            diff(&a.list.state, &b.list.state).meets(Parts::REST)
                || SIDES.map(|side| a.has(side)) != SIDES.map(|side| b.has(side))
                || a.coming_states() != b.coming_states()
                || !a.watched.iter().map(trouble).eq(b.watched.iter().map(trouble))
        };
        !Rc::ptr_eq(&self.built, &other.built)
            || all(self, other)
            || (interest.meets(Parts::FETCHING) && self.is_fetching() != other.is_fetching())
            || (interest.meets(Parts::STALE) && self.list.stale != other.list.stale)
    }

    /// The page at that end of the list, if it is there.
    pub fn end(&self, side: Side) -> Option<&AnyPage> {
        let (page, watched) = match side {
            Side::Previous => (self.pages.first()?, self.watched.first()?),
            Side::Next => (self.pages.last()?, self.watched.last()?),
        };
        (page.param.segment == watched.0).then_some(page)
    }

    /// Whether there is a page beyond that end. Nobody can tell while the page at the end is not there.
    fn has(&self, side: Side) -> bool {
        self.end(side).is_some() && self.more.get(place(side)).copied().unwrap_or(false)
    }

    fn is_fetching(&self) -> bool {
        self.list.is_fetching()
            || self.watched.iter().any(|(_, page)| page.is_fetching())
            || self.is_coming(Side::Previous)
            || self.is_coming(Side::Next)
    }

    fn coming_states(&self) -> [Option<(Status, FetchStatus, *const ())>; 2] {
        SIDES.map(|side| self.coming_state(side))
    }

    fn coming(&self, side: Side) -> Option<&Snapshot> {
        self.coming.get(place(side))?.as_ref().filter(|coming| coming.state.data.is_none())
    }

    fn coming_state(&self, side: Side) -> Option<(Status, FetchStatus, *const ())> {
        let state = &self.coming(side)?.state;
        let failure = state.failure.as_ref().map_or(std::ptr::null(), |failure| Rc::as_ptr(failure).cast());
        Some((state.status, state.activity, failure))
    }

    fn is_coming(&self, side: Side) -> bool {
        self.coming(side).is_some_and(|coming| !coming.state.is_idle())
    }

    pub fn same_pages(&self, pages: &[AnyPage]) -> bool {
        self.pages.len() == pages.len()
            && self.pages.iter().zip(pages).all(|(a, b)| {
                a.param == b.param && std::ptr::addr_eq(Rc::as_ptr(&a.data), Rc::as_ptr(&b.data))
            })
    }
}

/// What is shown of a page that is not as it should be, in a form that can be compared.
fn trouble((page, seen): &(Segment, Snapshot)) -> impl PartialEq {
    let state = &seen.state;
    let error = match &state.error {
        Some(QueryError::Fetch(error)) => Some(Rc::as_ptr(error).cast::<()>()),
        Some(QueryError::Misuse(_) | QueryError::Cancelled) => Some(std::ptr::null()),
        None => None,
    };
    let failure = state.failure.as_ref().filter(|_| !state.is_idle()).map(Rc::as_ptr);
    let troubled = error.is_some() || failure.is_some();
    let paused = state.activity == FetchStatus::Paused;
    (troubled.then(|| page.clone()), error, failure, paused, state.waiting)
}

impl PagesSnapshot {
    /// The list with its types: its pages as one list. Pending, if they are not those of the list it was taken
    /// of. The `Rc` stays the same for as long as every page does.
    pub fn state<I: InfiniteQuery>(&self) -> QueryState<Vec<Page<I>>, I::Error> {
        let shown = &*self.0;
        let list = shown.list.state::<(), ListError<I::Error>>();
        let pages = || shown.watched.iter().map(|(_, page)| page.state::<I::Data, I::Error>());
        let built = shown.built.clone().downcast::<Vec<Page<I>>>().ok();
        let paused = shown.list.state.activity == FetchStatus::Paused
            || shown.watched.iter().any(|(_, page)| page.state.activity == FetchStatus::Paused);
        let error = || list_error(&shown.list).or_else(|| pages().find_map(|page| page.error().cloned()));
        let retry = || pages().find_map(|page| page.retry().cloned());
        // Where pages are watched and none is there, they are awaited.
        let whole = shown.list.state.data.is_some() && (shown.watched.is_empty() || !shown.pages.is_empty());
        match built.filter(|_| whole) {
            Some(data) => {
                QueryState::Ready { data, placeholder: false, refresh_error: error(), retry: retry(), paused }
            }
            None => match list {
                QueryState::Idle => QueryState::Idle,
                QueryState::Failed { .. } => match list_error(&shown.list) {
                    Some(error) => QueryState::Failed { error },
                    None => QueryState::Pending { retry: retry(), paused },
                },
                QueryState::Pending { .. } | QueryState::Ready { .. } => {
                    QueryState::Pending { retry: retry(), paused }
                }
            },
        }
    }

    /// How many pages there are.
    pub fn len(&self) -> usize {
        self.0.pages.len()
    }

    /// Whether there is no page.
    pub fn is_empty(&self) -> bool {
        self.0.pages.is_empty()
    }

    /// Whether there is a further page on that side.
    pub fn has(&self, side: Side) -> bool {
        self.0.has(side)
    }

    /// Whether a further page on that side is being fetched, or waits for the network.
    pub fn is_fetching_side(&self, side: Side) -> bool {
        self.0.is_coming(side)
    }

    /// Why the further page on that side could not be fetched.
    pub fn side_error<E: 'static>(&self, side: Side) -> Option<QueryError<E>> {
        self.0.coming(side)?.state.error.as_ref().and_then(typed_error)
    }

    /// Whether anything of the list is being fetched: all of it, one of its pages, or a further one.
    pub fn is_fetching(&self) -> bool {
        self.0.is_fetching()
    }

    /// Whether all of the list should be fetched again when there is a reason to.
    pub fn is_stale(&self) -> bool {
        self.0.list.is_stale()
    }

    /// The data without its type: a `Vec` of pages.
    pub fn any_data(&self) -> &Rc<dyn Any> {
        &self.0.built
    }
}

fn list_error<E: 'static>(list: &Snapshot) -> Option<QueryError<E>> {
    match list.state.error.as_ref().and_then(typed_error::<ListError<E>>)? {
        QueryError::Fetch(error) => Some(error.0.clone()),
        QueryError::Misuse(misuse) => Some(QueryError::Misuse(misuse)),
        QueryError::Cancelled => Some(QueryError::Cancelled),
    }
}

impl fmt::Debug for PagesSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesSnapshot")
            .field("list", &self.0.list)
            .field("pages", &self.len())
            .finish_non_exhaustive()
    }
}
