//! Lists that come in pages. Each page is an entry of its own, and so is the list of their parameters; the
//! engine knows neither from any other entry.

mod calls;
mod erased;
mod lists;
mod moves;
mod observer;
mod queries;
mod shown;
mod turn;
mod typed;
mod walk;
mod watching;

use std::fmt;
use std::future::Future;
use std::rc::Rc;

use crate::context::FetchContext;
use crate::error::Classify;
use crate::filter::QueryFilter;
use crate::key::QueryKey;
use crate::options::QueryOptions;
use crate::segment::Segment;

pub use calls::PagesFuture;
pub use erased::{AnyInfiniteQuery, Side};
pub use observer::PagesObserver;
pub use queries::{ListError, PageList, PageQuery, Params};
pub use shown::PagesSnapshot;
pub use typed::InfiniteObserver;

/// A list that is fetched page by page, in one direction or in both.
///
/// Each page is an entry of the cache, keyed by the list's key, `"page"` and the page's parameter. So a page is
/// written, invalidated, tried again and thrown away by itself. Which pages there are is an entry, too: that of
/// the list's own key. A [prefix](QueryFilter::prefix) of the key means all of them.
///
/// ```
/// use query_cache::{FetchContext, InfiniteQuery, ManualEnvironment, Page, QueryClient, QueryKey, query_key};
///
/// /// `GET /posts?after=…`, a page of which says where the next begins.
/// #[derive(Clone)]
/// struct Posts;
///
/// struct Batch {
///     titles: Vec<String>,
///     next: Option<u32>,
/// }
///
/// impl InfiniteQuery for Posts {
///     type Param = Option<u32>;
///     type Data = Batch;
///     type Error = String;
///
///     fn key(&self) -> QueryKey {
///         query_key!["posts"]
///     }
///     fn first(&self) -> Option<u32> {
///         None
///     }
///     fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<Option<u32>> {
///         last.data.next.map(Some)
///     }
///     async fn fetch(&self, after: Option<u32>, _: FetchContext) -> Result<Batch, String> {
///         let first = after.unwrap_or(0);
///         Ok(Batch { titles: vec![format!("Post {first}")], next: (first < 2).then_some(first + 1) })
///     }
/// }
///
/// let world = ManualEnvironment::new(1);
/// let client = QueryClient::new(world.clone());
/// let posts = client.observe_pages(Posts, || println!("something changed"));
/// world.run();
/// while posts.has_next() {
///     posts.fetch_next(); // once is enough: while it is under way, a further call does nothing
///     world.run();
/// }
/// let state = posts.state();
/// let titles: Vec<_> = state.data().into_iter().flat_map(|pages| pages.iter())
///     .flat_map(|page| &page.data.titles).collect();
/// assert_eq!(titles, ["Post 0", "Post 1", "Post 2"]);
///
/// client.invalidate(&Posts.page(Some(1))); // one of them
/// client.invalidate(Posts.pages());        // all of them, the first one first
/// ```
pub trait InfiniteQuery: Sized + 'static {
    /// What says which page: a number, a cursor. It is part of the page's key. What has no first cursor has an
    /// `Option` of one.
    type Param: Clone + Into<Segment> + 'static;
    /// What a page holds. Handed out as `Rc<Data>`, never copied.
    type Data: Unpin + 'static;
    /// Why a page could not be fetched.
    type Error: Classify + 'static;

    /// The list's key, with which the keys of its pages begin.
    fn key(&self) -> QueryKey;

    /// The parameter of the page that is fetched first.
    fn first(&self) -> Self::Param;

    /// The parameter of the page after the last one. `None`: there is no further page. Called with at least
    /// one page. A parameter that the list has already is no further page either.
    fn next(&self, last: &Page<Self>, pages: &[Page<Self>]) -> Option<Self::Param>;

    /// The parameter of the page before the first one, likewise. Default: there is none.
    fn previous(&self, first: &Page<Self>, pages: &[Page<Self>]) -> Option<Self::Param> {
        let _ = (first, pages);
        None
    }

    /// How many pages the list holds at most: of one more, the one at the other end leaves the list. Default:
    /// any number.
    fn max_pages(&self) -> Option<usize> {
        None
    }

    /// In which order the pages are fetched again. Default: in sequence.
    fn order(&self) -> PageOrder {
        PageOrder::Sequence
    }

    /// How to fetch and keep the pages and the list of them. Whether the page is seen again, the network is
    /// back, an interval is over or somebody new mounts is a question to the whole list: it is as old as when
    /// all of it was last fetched. A list is no placeholder for another, and has none.
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        defaults
    }

    /// What is different for the entry of the list itself: given what [`options`](InfiniteQuery::options) says of it,
    /// without what is of a page's type. A list that is to be dehydrated with its pages says so here, too.
    fn list_options(&self, defaults: QueryOptions<PageList<Self>>) -> QueryOptions<PageList<Self>> {
        defaults
    }

    /// One attempt to fetch a page. Write it as `async fn`.
    fn fetch(
        &self,
        param: Self::Param,
        cx: FetchContext,
    ) -> impl Future<Output = Result<Self::Data, Self::Error>>;

    /// The query of one page, to write, invalidate or fetch it by.
    fn page(&self, param: Self::Param) -> PageQuery<Self>
    where
        Self: Clone,
    {
        PageQuery::new(Rc::new(self.clone()), param)
    }

    /// The query of the list of parameters.
    fn list(&self) -> PageList<Self>
    where
        Self: Clone,
    {
        PageList::new(Rc::new(self.clone()))
    }

    /// The list with all of its pages, and whatever else has a key that begins with the list's.
    fn pages(&self) -> QueryFilter {
        QueryFilter::prefix(self.key())
    }
}

/// In which order the pages of a list are fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageOrder {
    /// One after the other, each with the parameter that the one before says is next now: for cursors. Ends
    /// where there is no next page any more.
    Sequence,
    /// All at once, with the parameters that they have: for page numbers and offsets.
    Parallel,
}

/// A page of a list: its parameter and its data.
pub struct Page<I: InfiniteQuery> {
    /// What it was asked for by.
    pub param: I::Param,
    /// What it holds: the very value that is in the cache.
    pub data: Rc<I::Data>,
}

// By hand: the data is not copied, so it need not be `Clone`.
impl<I: InfiniteQuery> Clone for Page<I> {
    fn clone(&self) -> Self {
        Page { param: self.param.clone(), data: self.data.clone() }
    }
}

impl<I: InfiniteQuery<Param: fmt::Debug, Data: fmt::Debug>> fmt::Debug for Page<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("param", &self.param).field("data", &self.data).finish()
    }
}
