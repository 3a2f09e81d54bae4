//! Lists that come in pages: programs of many steps, made of a seed each, against a server whose pages change. After
//! each step what is shown is checked; at the end everything has to be as the server has it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use query_cache::{
    FetchContext, InfiniteObserver, InfiniteQuery, ManualEnvironment, Page, PageOrder, PageQuery,
    QueryClient, QueryKey, QueryOptions, Then, query_key,
};

use crate::rng::Rng;
use crate::{seeds, tell};

/// As many seeds as these are run, whatever the range.
const MOST: u64 = 2_000;
const STEPS: usize = 60;
const LAST_PAGE: u32 = 9;

/// What the server says: whose page, which, and how often it has changed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Content {
    person: u32,
    page: u32,
    version: u32,
}

struct Server {
    world: ManualEnvironment,
    rng: RefCell<Rng>,
    person: Cell<u32>,
    versions: RefCell<BTreeMap<u32, u32>>,
    /// One request in so many fails; 0: none does.
    fails: Cell<usize>,
}

impl Server {
    fn content(&self, page: u32) -> Content {
        let version = self.versions.borrow().get(&page).copied().unwrap_or(0);
        Content { person: self.person.get(), page, version }
    }

    fn change(&self, page: u32) {
        *self.versions.borrow_mut().entry(page).or_default() += 1;
    }
}

#[derive(Clone, Debug)]
struct Book {
    order: PageOrder,
    most: Option<usize>,
}

impl InfiniteQuery for Book {
    type Param = u32;
    type Data = Content;
    type Error = String;

    fn key(&self) -> QueryKey {
        query_key!["book"]
    }
    fn first(&self) -> u32 {
        4
    }
    fn next(&self, last: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        (last.param < LAST_PAGE).then_some(last.param + 1)
    }
    fn previous(&self, first: &Page<Self>, _: &[Page<Self>]) -> Option<u32> {
        (first.param > 0).then(|| first.param - 1)
    }
    fn max_pages(&self) -> Option<usize> {
        self.most
    }
    fn order(&self) -> PageOrder {
        self.order
    }
    fn options(&self, defaults: QueryOptions<PageQuery<Self>>) -> QueryOptions<PageQuery<Self>> {
        defaults.retry(1).stale_after(Duration::from_secs(20)).gc_after(Duration::from_secs(10))
    }
    async fn fetch(&self, page: u32, cx: FetchContext) -> Result<Content, String> {
        let server = cx.get::<Rc<Server>>()?;
        let person = server.person.get();
        let (wait, fails) = {
            let mut rng = server.rng.borrow_mut();
            (rng.below(1500), server.fails.get() > 0 && rng.one_in(server.fails.get()))
        };
        server.world.sleep(Duration::from_millis(wait as u64)).await;
        if fails { Err("busy".to_owned()) } else { Ok(Content { person, ..server.content(page) }) }
    }
}

struct Run {
    world: ManualEnvironment,
    client: QueryClient,
    server: Rc<Server>,
    book: Book,
    readers: [Option<InfiniteObserver<Book>>; 2],
    /// The newest version of each page that this person was shown.
    shown: BTreeMap<u32, u32>,
    held: bool,
    trace: String,
}

impl Run {
    fn new(seed: u64) -> (Run, Rng) {
        let mut rng = Rng::new(seed ^ 0x9a9e5);
        let world = ManualEnvironment::new(seed);
        let client = QueryClient::new(world.clone());
        let server = Rc::new(Server {
            world: world.clone(),
            rng: RefCell::new(rng.clone()),
            person: Cell::new(1),
            versions: RefCell::default(),
            fails: Cell::new(rng.of(&[0, 5, 12])),
        });
        client.provide(server.clone());
        let order = rng.of(&[PageOrder::Sequence, PageOrder::Parallel]);
        let book = Book { order, most: rng.of(&[None, Some(1), Some(3)]) };
        let (shown, trace) = (BTreeMap::new(), format!("{order:?}, at most {:?}", book.most));
        (Run { world, client, server, book, readers: [None, None], shown, held: false, trace }, rng)
    }

    fn step(&mut self, rng: &mut Rng) {
        let page = u32::try_from(rng.below(LAST_PAGE as usize + 1)).unwrap();
        let reader = rng.below(2);
        let act = rng.below(24);
        let _ = write!(self.trace, "\n  {act} page {page} reader {reader}");
        let (client, book) = (self.client.clone(), self.book.clone());
        let one = || book.page(page);
        match act {
            0 | 1 => self.readers[reader] = Some(client.observe_pages(book.clone(), || {})),
            2 => self.readers[reader] = None,
            3..=6 => self.read(reader, InfiniteObserver::fetch_next),
            7 | 8 => self.read(reader, InfiniteObserver::fetch_previous),
            9 => self.read(reader, InfiniteObserver::refetch),
            10 => self.read(reader, |reader| reader.refetch_pages(|held| held.param % 2 == page % 2)),
            11 => client.invalidate(book.pages()),
            12 => client.invalidate_then(&one(), rng.of(&[Then::FetchActive, Then::Nothing, Then::FetchAll])),
            13 if !self.held => {
                // Somebody writes, here and there.
                self.server.change(page);
                client.set_data(&one(), self.server.content(page));
            }
            14 => self.server.change(page),
            15 => client.cancel(book.pages()),
            16 => client.cancel(&one()),
            17 => client.remove(&one()),
            18 => client.set_online(rng.one_in(2)),
            19 => {
                client.set_focused(false);
                client.set_focused(true);
            }
            20 if self.held => {
                client.restore_scope();
                self.held = false;
            }
            20 if rng.one_in(2) => {
                client.hold_scope();
                self.held = true;
            }
            20 => {
                self.server.person.set(self.server.person.get() + 1);
                client.end_scope();
                self.shown.clear();
            }
            21 => client.prefetch_pages(book.clone(), 1 + rng.below(4)),
            22 => client.refetch(&one()),
            _ => {}
        }
        self.check_or_panic();
        let wait = rng.of(&[0, 0, 1, 200, 700, 3000]);
        let _ = write!(self.trace, ", {wait} ms");
        self.world.advance(Duration::from_millis(wait));
        self.check_or_panic();
    }

    fn read(&self, reader: usize, act: impl Fn(&InfiniteObserver<Book>)) {
        self.readers[reader].iter().for_each(act);
    }

    fn check_or_panic(&mut self) {
        let readers: Vec<_> = self.readers.iter().flatten().map(|reader| reader.state()).collect();
        for state in readers {
            let Some(pages) = state.data() else { continue };
            self.rule(!self.held, "a held scope shows no page", &"a page");
            let params: Vec<_> = pages.iter().map(|page| page.param).collect();
            self.rule(params.is_sorted_by(|a, b| a < b), "pages are in order, each once", &params);
            let most = self.book.most.unwrap_or(usize::MAX);
            self.rule(params.len() <= most, "a list holds as many pages as it may", &params);
            for page in pages.iter() {
                self.rule(page.data.page == page.param, "a page holds what is its own", page);
                let person = self.server.person.get();
                self.rule(page.data.person == person, "a page is of whom it is shown to", page);
                let newest = self.shown.get(&page.param).copied().unwrap_or(0);
                self.rule(page.data.version >= newest, "a page does not grow older", page);
                self.shown.insert(page.param, page.data.version);
            }
        }
    }

    fn rule(&self, holds: bool, rule: &str, found: &dyn std::fmt::Debug) {
        assert!(holds, "{rule} ({found:?})");
    }

    /// The world is well again: all is as the server has it.
    fn end(mut self) {
        self.trace.push_str("\n  the end");
        self.server.fails.set(0);
        self.client.set_online(true);
        self.client.restore_scope();
        self.held = false;
        let reader = self.client.observe_pages(self.book.clone(), || {});
        self.world.advance(Duration::from_secs(60));
        self.client.invalidate(self.book.pages());
        self.world.advance(Duration::from_secs(60));
        self.check_or_panic();
        let state = reader.state();
        let pages = state
            .data()
            .map(|pages| pages.iter().map(|page| *page.data).collect::<Vec<_>>())
            .unwrap_or_default();
        self.rule(
            !pages.is_empty() && state.error().is_none(),
            "a list is fetched in the end",
            &state.error(),
        );
        self.rule(!reader.is_fetching(), "a fetch has an end", &reader);
        self.rule(pages.windows(2).all(|two| two[0].page + 1 == two[1].page), "a list has no gaps", &pages);
        let now = pages.iter().all(|page| *page == self.server.content(page.page));
        self.rule(now, "what was invalidated is fetched again", &pages);
        drop((reader, std::mem::take(&mut self.readers)));
        self.world.advance(Duration::from_secs(60));
        let left = (self.client.observer_count(), self.client.query_count(), self.world.task_count());
        self.rule(left == (0, 0, 0), "nothing is left of what nobody wants", &left);
    }
}

/// What a seed breaks, and how it came to that.
fn run(seed: u64) -> Result<(), String> {
    let trace = Rc::<RefCell<String>>::default();
    let kept = trace.clone();
    crate::run::QUIET.set(true);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let (mut run, mut rng) = Run::new(seed);
        for _ in 0..STEPS {
            run.step(&mut rng);
            kept.replace(run.trace.clone());
        }
        run.end();
    }));
    crate::run::QUIET.set(false);
    outcome.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        format!("seed {seed} breaks: {said}\n\nUntil then:\n{}", trace.borrow())
    })
}

#[test]
fn no_list_breaks_a_promise() {
    crate::keep_panics_quiet();
    let Range { start, end } = seeds();
    for seed in start..end.min(start.saturating_add(MOST)) {
        if let Err(told) = run(seed) {
            tell(&told);
            panic!("{}", told.lines().next().unwrap_or_default());
        }
    }
}
