//! Lists that come in pages, of the server that counts.

use query_cache::{
    FetchContext, InfiniteObserver, InfiniteQuery, Page, PageOrder, PageQuery, Query, QueryClient, QueryKey,
    QueryOptions, QueryState, query_key,
};

use super::{Fault, Number, Stage, Viewer};

pub type ListOptions = fn(QueryOptions<PageQuery<Feed>>) -> QueryOptions<PageQuery<Feed>>;

/// A page is asked for by a number, and what the server answers is the number of the next; 0: there is none. The
/// page before is that of the number less one, down to page 1.
#[derive(Clone)]
pub struct Feed {
    pub first: u32,
    pub most: Option<usize>,
    pub options: ListOptions,
}

pub fn feed() -> Feed {
    Feed { first: 1, most: None, options: |defaults| defaults.retry(0) }
}

impl InfiniteQuery for Feed {
    type Param = u32;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["feed"]
    }
    fn first(&self) -> u32 {
        self.first
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        (*last.data > 0).then_some(*last.data)
    }
    fn previous(&self, first: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        first.param.checked_sub(1).filter(|before| *before > 0)
    }
    fn max_pages(&self) -> Option<usize> {
        self.most
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        (self.options)(defaults)
    }
    async fn fetch(&self, param: u32, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(param, |defaults| defaults), cx).await
    }
}

/// Five pages, by number: the server may answer what it likes. Those of a number are fetched all at once.
#[derive(Clone)]
pub struct Book(pub usize);

impl InfiniteQuery for Book {
    type Param = u32;
    type Data = u32;
    type Error = Fault;

    fn key(&self) -> QueryKey {
        query_key!["book"]
    }
    fn first(&self) -> u32 {
        1
    }
    fn next(&self, last: &Page<Self>, pages: &[Page<Self>]) -> Option<u32> {
        assert_eq!(last.param, pages.last().unwrap().param);
        (pages.len() < self.0 && *last.data != 99).then_some(last.param + 1)
    }
    fn order(&self) -> PageOrder {
        PageOrder::Parallel
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        defaults.retry(0)
    }
    async fn fetch(&self, param: u32, cx: FetchContext) -> Result<u32, Fault> {
        Query::fetch(&Number(param, |defaults| defaults), cx).await
    }
}

/// A component that shows a list.
pub struct Reader<I: InfiniteQuery> {
    pub observer: InfiniteObserver<I>,
    told: std::rc::Rc<std::cell::Cell<usize>>,
}

impl<I: InfiniteQuery> Reader<I> {
    /// How often it was told since it was last asked here.
    pub fn told(&self) -> usize {
        self.told.replace(0)
    }
}

impl Stage {
    pub fn read<I: InfiniteQuery>(&self, list: I) -> Reader<I> {
        let told = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = told.clone();
        let observer = self.client.observe_pages(list, move || count.set(count.get() + 1));
        Reader { observer, told }
    }

    /// A list of the pages 1, 2 and so on, each of which says that the next follows; and who watches it.
    pub fn read_pages(&self, list: Feed, count: u32) -> Reader<Feed> {
        self.server.say((1..=count).map(|page| Ok(page + 1)));
        let reader = self.read(list);
        self.seconds(1);
        for _ in 1..count {
            reader.observer.fetch_next();
            self.seconds(1);
        }
        reader.told();
        assert_eq!(listed(&reader).len(), count as usize);
        reader
    }

    /// What was asked for since this was last asked, given how much had been before.
    pub fn asked_since(&self, before: usize) -> Vec<u32> {
        self.server.asked_for()[before..].to_vec()
    }
}

/// The pages that are shown: parameter and data.
pub fn listed<I: InfiniteQuery<Param = u32, Data = u32>>(reader: &Reader<I>) -> Vec<(u32, u32)> {
    pages(&reader.observer.state())
}

pub fn pages<I: InfiniteQuery<Param = u32, Data = u32>, E>(
    state: &QueryState<Vec<Page<I>>, E>,
) -> Vec<(u32, u32)> {
    state.data().map_or(vec![], |pages| pages.iter().map(|page| (page.param, *page.data)).collect())
}

/// The parameters that the list's entry holds.
pub fn params(client: &QueryClient) -> Vec<u32> {
    client.get_data(&feed().list()).map_or(vec![], |params| params.iter().copied().collect())
}

pub fn viewer_of<I: InfiniteQuery + Clone>(stage: &Stage, list: &I, param: I::Param) -> Viewer<PageQuery<I>> {
    stage.watch(list.page(param))
}
