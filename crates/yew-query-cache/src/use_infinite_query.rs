//! `use_infinite_query`: a list that comes in pages.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use query_cache::{
    AnyInfiniteQuery, InfiniteQuery, Misuse, Page, PagesObserver, PagesSnapshot, QueryClient, QueryError,
    QueryState, Side,
};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::bridge::{BROWSER, Interest, renders};
use crate::misuse::HookKind;
use crate::provider::use_client;

/// Watches a list that comes in pages, for as long as the component is mounted, and renders it again when what
/// [`UseInfiniteQuery`] shows has changed.
///
/// The first page is fetched in the first render, unless it is there and fresh; the others when they are asked
/// for, by a button or, with [`use_fetch_next_in_view`](crate::use_fetch_next_in_view), by scrolling.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::*;
///
/// #[derive(Clone)]
/// struct Numbers;
///
/// impl InfiniteQuery for Numbers {
///     type Param = u32;
///     type Data = Vec<u32>;
///     type Error = String;
///
///     fn key(&self) -> QueryKey {
///         query_key!["numbers"]
///     }
///     fn first(&self) -> u32 {
///         0
///     }
///     fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
///         (last.param < 9).then_some(last.param + 1)
///     }
///     async fn fetch(&self, page: u32, _: FetchContext) -> Result<Vec<u32>, String> {
///         Ok((10 * page..10 * page + 10).collect())
///     }
/// }
///
/// #[component]
/// fn List() -> Html {
///     let numbers = use_infinite_query(Numbers);
///     let end = use_node_ref();
///     use_fetch_next_in_view(&end, &numbers);
///     html! {
///         <ul>
///             { for numbers.pages().iter().flat_map(|page| page.data.iter()).map(|n| html! { <li>{n}</li> }) }
///             <li ref={end}>{ if numbers.is_fetching_next() { "Loading…" } else { "" } }</li>
///         </ul>
///     }
/// }
/// ```
#[hook]
pub fn use_infinite_query<I: InfiniteQuery>(query: I) -> UseInfiniteQuery<I> {
    let (seen, watch) = use_any_pages(AnyInfiniteQuery::new(query));
    let (state, snapshot) = match seen {
        Ok(Some(snapshot)) => (snapshot.state::<I>(), Some(snapshot)),
        Ok(None) => (QueryState::pending(), None),
        Err(misuse) => (QueryState::Failed { error: QueryError::Misuse(misuse) }, None),
    };
    UseInfiniteQuery { state: Rc::new(state), snapshot, watch: Rc::downgrade(&watch) }
}

#[hook]
fn use_any_pages(query: AnyInfiniteQuery) -> (Result<Option<PagesSnapshot>, Misuse>, Rc<PagesWatch>) {
    let client = use_client(HookKind::InfiniteQuery);
    let update = use_force_update();
    let watch = use_memo((), |()| PagesWatch::default());
    let seen = client.map(|client| BROWSER.then(|| watch.follow(&client, &query, &update)));
    (seen, watch)
}

#[derive(Default)]
pub(crate) struct PagesWatch {
    observer: RefCell<Option<Rc<PagesObserver>>>,
    interest: Cell<u8>,
}

impl PagesWatch {
    fn observer(&self) -> Option<Rc<PagesObserver>> {
        self.observer.borrow().clone()
    }

    fn follow(
        &self,
        client: &QueryClient,
        query: &AnyInfiniteQuery,
        update: &UseForceUpdateHandle,
    ) -> PagesSnapshot {
        let observer = match self.observer().filter(|observer| observer.client() == client) {
            Some(observer) => {
                observer.follow(query);
                observer
            }
            None => {
                let observer = Rc::new(client.observe_any_pages(query, renders(update)));
                self.interest.set(0);
                let before = self.observer.replace(Some(observer.clone()));
                drop(before);
                observer
            }
        };
        observer.show()
    }

    fn shows(&self, interest: Interest) {
        let bit = interest as u8;
        let Some(observer) = self.observer().filter(|_| self.interest.get() & bit == 0) else { return };
        self.interest.set(self.interest.get() | bit);
        match interest {
            Interest::Fetching => observer.watch_fetching(),
            Interest::Stale | Interest::Details => observer.watch_stale(),
        }
    }

    pub fn fetch(&self, side: Side) {
        if let Some(observer) = self.observer() {
            observer.fetch(side);
        }
    }
}

/// What [`use_infinite_query`] found: the list as it was in that render, and ways to fetch more of it.
///
/// A clone is cheap and may be moved into callbacks; it keeps neither the component nor the fetch alive.
pub struct UseInfiniteQuery<I: InfiniteQuery> {
    state: Rc<QueryState<Vec<Page<I>>, I::Error>>,
    snapshot: Option<PagesSnapshot>,
    watch: Weak<PagesWatch>,
}

impl<I: InfiniteQuery> UseInfiniteQuery<I> {
    /// The state, as it was in this render: the pages in order, each the very value that is in the cache.
    pub fn state(&self) -> &QueryState<Vec<Page<I>>, I::Error> {
        &self.state
    }

    /// The pages that there were in this render.
    pub fn pages(&self) -> &[Page<I>] {
        self.state.data().map_or(&[], |pages| pages)
    }

    /// Why there was no list, or none newer, in this render.
    pub fn error(&self) -> Option<&QueryError<I::Error>> {
        self.state.error()
    }

    /// Whether there was a page after the last one.
    pub fn has_next(&self) -> bool {
        self.has(Side::Next)
    }

    /// Whether there was a page before the first one.
    pub fn has_previous(&self) -> bool {
        self.has(Side::Previous)
    }

    fn has(&self, side: Side) -> bool {
        self.snapshot.as_ref().is_some_and(|seen| seen.has(side))
    }

    /// Whether the next page was being fetched.
    pub fn is_fetching_next(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|seen| seen.is_fetching_side(Side::Next))
    }

    /// Whether the previous page was being fetched.
    pub fn is_fetching_previous(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|seen| seen.is_fetching_side(Side::Previous))
    }

    /// Why the next page could not be fetched.
    pub fn next_error(&self) -> Option<QueryError<I::Error>> {
        self.snapshot.as_ref()?.side_error(Side::Next)
    }

    /// Why the previous page could not be fetched.
    pub fn previous_error(&self) -> Option<QueryError<I::Error>> {
        self.snapshot.as_ref()?.side_error(Side::Previous)
    }

    /// Whether anything of the list was being fetched in this render. A component that asks is also rendered when
    /// that changes; one that never asks is not.
    pub fn is_fetching(&self) -> bool {
        self.shows(Interest::Fetching).is_some_and(PagesSnapshot::is_fetching)
    }

    /// Whether the list was stale in this render. A component that asks is also rendered when that changes.
    pub fn is_stale(&self) -> bool {
        self.shows(Interest::Stale).is_some_and(PagesSnapshot::is_stale)
    }

    fn shows(&self, interest: Interest) -> Option<&PagesSnapshot> {
        if let Some(watch) = self.watch.upgrade() {
            watch.shows(interest);
        }
        self.snapshot.as_ref()
    }

    /// Fetches the next page and puts it at the end of the list. While that is under way, and where there is no next
    /// page, it does nothing; what could not be fetched is tried again.
    pub fn fetch_next(&self) {
        self.fetch(Side::Next);
    }

    /// Fetches the previous page and puts it before the first, likewise.
    pub fn fetch_previous(&self) {
        self.fetch(Side::Previous);
    }

    fn fetch(&self, side: Side) {
        if let Some(watch) = self.watch.upgrade() {
            watch.fetch(side);
        }
    }

    /// Fetches all pages again, fresh or not, in the list's [order](InfiniteQuery::order).
    pub fn refetch(&self) {
        if let Some(observer) = self.watch.upgrade().and_then(|watch| watch.observer()) {
            observer.refetch();
        }
    }

    /// Fetches those of the pages again that it says yes to, as they are now; of a list that is fetched in sequence
    /// also those whose parameter is another then.
    pub fn refetch_pages(&self, chosen: impl Fn(&Page<I>) -> bool) {
        let Some(observer) = self.watch.upgrade().and_then(|watch| watch.observer()) else { return };
        let snapshot = observer.snapshot();
        let pages = snapshot.any_data().downcast_ref::<Vec<Page<I>>>();
        let chosen: Vec<bool> = pages.into_iter().flatten().map(chosen).collect();
        observer.refetch_pages(&|place| chosen.get(place).copied().unwrap_or(false));
    }

    pub(crate) fn watch(&self) -> Weak<PagesWatch> {
        self.watch.clone()
    }
}

// By hand: the query itself need not be `Clone`.
impl<I: InfiniteQuery> Clone for UseInfiniteQuery<I> {
    fn clone(&self) -> Self {
        UseInfiniteQuery {
            state: self.state.clone(),
            snapshot: self.snapshot.clone(),
            watch: self.watch.clone(),
        }
    }
}

impl<I: InfiniteQuery> fmt::Debug for UseInfiniteQuery<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseInfiniteQuery").field("pages", &self.pages().len()).finish_non_exhaustive()
    }
}
