//! What goes on about each list: shared by its fetch, its pages and all who watch it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;

use super::Side;
use super::erased::AnyPage;
use super::moves::Moves;
use super::watching::Inner;
use crate::client::QueryClient;
use crate::client::extensions::{Extension, Happens};
use crate::engine::Engine;
use crate::entry::{Entry, Kind};
use crate::key::QueryKey;
use crate::segment::Segment;
use crate::state::State;

/// All lists about which something goes on.
#[derive(Default)]
pub(super) struct Lists(RefCell<Vec<Rc<ListState>>>);

impl Extension for Lists {
    fn happens(&self, client: &QueryClient, what: Happens) {
        if what == Happens::Ended {
            let lists = self.0.borrow().clone();
            for list in lists.iter().filter(|list| !list.is_public(client)) {
                // What was asked for in one scope is nothing to ask for in the next.
                drop((list.moves.take_all(), list.callers.take()));
                list.forget_asked(client);
            }
        }
    }

    fn online(&self, _: &QueryClient, _: fn(&QueryClient)) -> bool {
        false
    }
}

impl Lists {
    /// The list of this key and kind.
    pub fn of(&self, key: &QueryKey, kind: Kind) -> Rc<ListState> {
        let types = kind().types;
        let mut lists = self.0.borrow_mut();
        let held = lists.iter().find(|list| list.key == *key && (list.kind)().types == types);
        if let Some(list) = held {
            return list.clone();
        }
        let list = Rc::new(ListState::new(key.clone(), kind));
        let (kept, over) = lists.drain(..).partition(|list| list.is_wanted());
        *lists = kept;
        lists.push(list.clone());
        drop(lists);
        drop::<Vec<_>>(over);
        list
    }
}

pub(super) struct ListState {
    pub key: QueryKey,
    pub kind: Kind,
    /// What the fetch that begins next is to fetch again of what there is. `None`: all.
    pub chosen: Cell<Option<Vec<Segment>>>,
    /// How many pages there are to be when the list has been fetched.
    pub at_least: Cell<usize>,
    /// What was known before the fetch began that both were asked of. `None`: it has not begun.
    asked_of: Cell<Option<Rc<State>>>,
    /// Names the fetch under way.
    walk: Cell<u64>,
    /// What it fetches again of what there is. `None`: all.
    only: RefCell<Option<Vec<Segment>>>,
    /// The pages that the fetch under way has got to.
    claims: RefCell<Vec<Segment>>,
    /// Pages that wait for their turn.
    waiting: RefCell<Vec<Waker>>,
    /// The last fetch did not come to its end.
    pub failed: Cell<bool>,
    /// The pages that it found to be in the list no more.
    dropped: RefCell<Vec<Segment>>,
    /// How many pages were put at the end since the fetch under way began, and where the last one was put.
    pub appended: Cell<usize>,
    pub last_side: Cell<Option<Side>>,
    /// The pages beyond the ends that are being fetched.
    pub moves: Moves,
    pub watchers: RefCell<Vec<Weak<Inner>>>,
    /// Where calls that wait find the pages, though the cache may keep none of them so long.
    callers: RefCell<Vec<Weak<Brought>>>,
}

/// Pages that a fetch of a list has brought.
pub(super) type Brought = RefCell<Vec<AnyPage>>;

impl ListState {
    fn new(key: QueryKey, kind: Kind) -> Self {
        ListState {
            key,
            kind,
            chosen: Cell::default(),
            at_least: Cell::default(),
            asked_of: Cell::default(),
            walk: Cell::default(),
            only: RefCell::default(),
            claims: RefCell::default(),
            waiting: RefCell::default(),
            failed: Cell::default(),
            dropped: RefCell::default(),
            appended: Cell::default(),
            last_side: Cell::default(),
            moves: Moves::default(),
            watchers: RefCell::default(),
            callers: RefCell::default(),
        }
    }

    fn is_wanted(self: &Rc<Self>) -> bool {
        self.at_least.get() > 0 || Rc::strong_count(self) > 1
    }

    /// What is found out of the list's entry, shown or not.
    pub fn read<R>(&self, client: &QueryClient, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        client.read(|engine| entry(engine, &self.key, self.kind).map(read))
    }

    /// Whether a fetch of the list is under way.
    pub fn is_walked(&self, client: &QueryClient) -> bool {
        self.read(client, Entry::is_running).unwrap_or(false)
    }

    fn is_public(&self, client: &QueryClient) -> bool {
        self.read(client, |entry| entry.policy.plain.public).unwrap_or(false)
    }

    // ----- what is asked of a fetch

    /// Asks nothing in particular any more.
    pub fn ask_nothing(&self) {
        self.at_least.set(0);
        drop((self.chosen.take(), self.asked_of.take()));
    }

    /// Forgets what was asked of a fetch that is over.
    pub fn forget_asked(&self, client: &QueryClient) {
        let Some(of) = self.asked_of.take() else { return };
        let still = self
            .read(client, |entry| entry.fetch.as_ref().is_some_and(|fetch| Rc::ptr_eq(&fetch.before, &of)));
        if still == Some(true) {
            self.asked_of.set(Some(of));
        } else {
            self.ask_nothing();
        }
    }

    /// It was asked of the fetch that there is now, which may still have to wait. If there is none, of nothing.
    pub fn asked(&self, client: &QueryClient) {
        let before = self.read(client, |entry| entry.fetch.as_ref().map(|fetch| fetch.before.clone()));
        match before.flatten() {
            Some(before) => drop(self.asked_of.replace(Some(before))),
            None => self.ask_nothing(),
        }
    }

    // ----- turns

    /// The fetch has got to these pages.
    pub fn claim(&self, pages: impl IntoIterator<Item = Segment>) {
        self.claims.borrow_mut().extend(pages);
        self.wake();
    }

    pub fn claims(&self, page: &Segment) -> bool {
        self.claims.borrow().contains(page) || self.moves.is_toward(page)
    }

    /// A fetch begins, of these of the pages that there are; what comes of one before is of no interest any more.
    pub fn begin(&self, only: Option<Vec<Segment>>) -> u64 {
        self.walk.set(self.walk.get().wrapping_add(1));
        self.only.replace(only);
        self.claims.borrow_mut().clear();
        self.failed.set(false);
        self.dropped.borrow_mut().clear();
        self.appended.set(0);
        self.last_side.set(None);
        self.walk.get()
    }

    /// The pages that the fetch under way fetches again, if those are not all; from now on it stands for all.
    pub fn widen(&self) -> Option<Vec<Segment>> {
        self.only.take()
    }

    /// Whether the fetch under way stands for all.
    pub fn is_of_all(&self) -> bool {
        self.only.borrow().is_none()
    }

    pub fn end(&self, walk: u64, failed: bool) {
        if self.walk.get() != walk {
            return;
        }
        self.claims.borrow_mut().clear();
        self.failed.set(failed);
        self.wake();
    }

    /// These pages are in the list no more.
    pub fn drop_pages(&self, pages: Vec<Segment>) {
        self.dropped.replace(pages);
    }

    pub fn has_dropped(&self, page: &Segment) -> bool {
        self.dropped.borrow().contains(page)
    }

    pub fn wait(&self, waker: Waker) {
        self.waiting.borrow_mut().push(waker);
    }

    fn wake(&self) {
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// A place for what the fetch brings, for as long as somebody holds it.
    pub fn wait_for_pages(&self) -> Rc<Brought> {
        let brought = Rc::new(Brought::default());
        let mut callers = self.callers.borrow_mut();
        callers.retain(|caller| caller.strong_count() > 0);
        callers.push(Rc::downgrade(&brought));
        drop(callers);
        brought
    }

    pub fn bring(&self, pages: &[AnyPage]) {
        for caller in self.callers.take() {
            if let Some(caller) = caller.upgrade() {
                drop(caller.replace(pages.to_vec()));
            }
        }
    }

    // ----- who watches

    pub fn watch(&self, watcher: Weak<Inner>) {
        self.watchers.borrow_mut().push(watcher);
    }

    /// Somebody watches no more. With the last one, the pages beyond the ends are wanted by nobody.
    pub fn unwatch(&self) {
        self.watchers.borrow_mut().retain(|watcher| watcher.strong_count() > 0);
        self.let_go();
    }

    /// Lets go of the pages beyond the ends if nobody watches.
    pub fn let_go(&self) {
        let unwatched = self.watchers.borrow().is_empty();
        if unwatched {
            drop(self.moves.take_all());
        }
    }

    /// One that turned to another list watches this no more.
    pub fn leave(&self, watcher: &Rc<Inner>) {
        let mut watchers = self.watchers.borrow_mut();
        watchers.retain(|held| !std::ptr::eq(held.as_ptr(), Rc::as_ptr(watcher)));
        drop(watchers);
        self.unwatch();
    }

    /// The page that is to come at an end has changed. Who watches looks at it, in this turn.
    pub fn tell(&self) {
        let watchers = self.watchers.borrow().clone();
        for watcher in watchers {
            if let Some(watcher) = watcher.upgrade() {
                watcher.told();
            }
        }
    }

    /// A page is to come at an end. Who watches is told one turn later.
    pub fn notice(&self) {
        let watchers = self.watchers.borrow().clone();
        for watcher in watchers {
            if let Some(watcher) = watcher.upgrade() {
                watcher.notice();
            }
        }
    }
}

pub(super) fn entry<'a>(engine: &'a Engine, key: &QueryKey, kind: Kind) -> Option<&'a Entry> {
    engine.find(key, kind).and_then(|slot| engine.get(slot))
}
