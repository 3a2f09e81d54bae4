//! Those who watch: what each shows, and what it was told.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use query_cache::{
    Environment, QueryError, QueryObserver, QueryState, Refetch, SelectObserver, SourceContext,
};

use super::keys::{Item, Look, name_of};
use super::value::{Fault, Live, Owner, Picked, Value};
use super::world::{Place, World, spark};

pub enum Observing {
    Whole(QueryObserver<Item>),
    Part(SelectObserver<Item, Picked>),
}

pub struct View {
    pub key: Cell<usize>,
    pub look: Cell<Look>,
    /// It was a reason to fetch what was stale when it came, or has been since.
    pub asks: Cell<bool>,
    pub observing: Observing,
    told: Rc<Told>,
}

/// What the listener of a view knows.
struct Told {
    gone: Cell<bool>,
    shown: RefCell<Option<Shown>>,
}

/// What a view shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    Idle,
    Pending { paused: bool, retry: Option<(u32, bool)> },
    Failed { error: u64 },
    Ready { data: u64, placeholder: bool, error: u64, paused: bool, retry: Option<(u32, bool)> },
}

fn number(error: &QueryError<Fault>) -> u64 {
    match error {
        QueryError::Fetch(fault) => fault.id,
        QueryError::Misuse(_) => u64::MAX,
        QueryError::Cancelled => u64::MAX - 1,
    }
}

impl Shown {
    pub fn of(state: &QueryState<Value, Fault>) -> Self {
        let tried = state.retry().map(|retry| (retry.attempt, retry.waiting));
        match state {
            QueryState::Idle => Shown::Idle,
            QueryState::Pending { paused, .. } => Shown::Pending { paused: *paused, retry: tried },
            QueryState::Failed { error } => Shown::Failed { error: number(error) },
            QueryState::Ready { data, placeholder, refresh_error, paused, .. } => Shown::Ready {
                data: data.id,
                placeholder: *placeholder,
                error: refresh_error.as_ref().map_or(0, number),
                paused: *paused,
                retry: tried,
            },
        }
    }
}

impl View {
    /// What a whole view shows at this moment, and what it showed when it was last told to look.
    pub fn shows(&self) -> Option<(Shown, Option<Shown>)> {
        let Observing::Whole(observer) = &self.observing else { return None };
        Some((Shown::of(&observer.state()), self.told.shown.borrow().clone()))
    }

    pub fn look_again(&self) {
        if let Some((shown, _)) = self.shows() {
            self.told.shown.replace(Some(shown));
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.told.gone.set(true);
    }
}

impl World {
    pub fn view(&self, slot: usize) -> Option<Rc<View>> {
        self.views.borrow()[slot].clone()
    }

    pub fn each_view(&self, mut with: impl FnMut(usize, &View)) {
        let views: Vec<_> = self.views.borrow().iter().cloned().enumerate().collect();
        for (slot, view) in views {
            if let Some(view) = view {
                with(slot, &view);
            }
        }
    }

    pub fn mount(&self, slot: usize, key: usize, look: Look) {
        self.unmount(slot);
        let Some(client) = self.client() else { return };
        let told = Rc::new(Told { gone: Cell::new(false), shown: RefCell::default() });
        let item = self.item(key, look);
        let listener = self.listener(slot, &told);
        let observing = if look.select {
            Observing::Part(client.observe_select(item, Picked::of, listener))
        } else {
            Observing::Whole(client.observe(item, listener))
        };
        let asks = look.enabled && look.on_mount != Refetch::No;
        let (key, look, asks) = (Cell::new(key), Cell::new(look), Cell::new(asks));
        let view = Rc::new(View { key, look, asks, observing, told });
        view.look_again();
        // User code may have put another there meanwhile.
        self.unmount(slot);
        self.watch(view.key.get());
        self.views.borrow_mut()[slot] = Some(view);
    }

    fn listener(&self, slot: usize, told: &Rc<Told>) -> impl Fn() + 'static + use<> {
        let (world, told, live) = (self.me(), told.clone(), self.live("listener"));
        move || {
            let _ = &live;
            let Some(here) = world.upgrade() else { return };
            if told.gone.get() {
                here.breaks("who has let go is told no more", || format!("observer {slot}"));
            }
            if here.batching.get() {
                here.breaks("nobody is told within a batch", || format!("observer {slot}"));
            }
            here.note(|| format!("observer {slot} is told"));
            if let Some(view) = here.view(slot).filter(|view| Rc::ptr_eq(&view.told, &told)) {
                view.look_again();
            }
            spark(&world, Place::Listener);
        }
    }

    fn watch(&self, key: usize) {
        let (now, time) = (self.tick(), self.env.now());
        self.model.borrow_mut().watch(key, now, time);
    }

    fn unwatch(&self, key: usize) {
        self.model.borrow_mut().unwatch(key, self.env.now());
    }

    pub fn unmount(&self, slot: usize) {
        let Some(view) = self.views.borrow_mut()[slot].take() else { return };
        self.unwatch(view.key.get());
        drop(view);
    }

    pub fn follow(&self, slot: usize, key: usize, look: Look) {
        let Some(view) = self.views.borrow_mut()[slot].take() else { return };
        let Observing::Whole(observer) = &view.observing else {
            self.views.borrow_mut()[slot] = Some(view);
            return self.mount(slot, key, Look { select: true, ..look });
        };
        let left = view.key.get();
        if key == left {
            // Still there, and with it what it wants.
            observer.follow(self.item(key, look));
            let starts = look.enabled && !view.look.get().enabled;
            view.asks.set(look.enabled && (starts || view.asks.get()));
            view.look_again();
        } else {
            self.unwatch(left);
            observer.follow(self.item(key, look));
            view.asks.set(look.enabled && look.on_mount != Refetch::No);
            view.key.set(key);
            self.watch(key);
        }
        view.look.set(look);
        let other = self.views.borrow_mut()[slot].replace(view);
        if let Some(other) = other {
            self.unwatch(other.key.get());
        }
    }

    // ----- sources

    pub fn open(&self, cx: SourceContext<Value, Fault>) -> impl Sized + 'static + use<> {
        struct Guard(Weak<World>, #[expect(dead_code, reason = "counts")] Live);
        impl Drop for Guard {
            fn drop(&mut self) {
                spark(&self.0, Place::Source);
            }
        }
        self.sources.borrow_mut().push((cx, self.scope.get()));
        spark(&self.me(), Place::Source);
        Guard(self.me(), self.live("source"))
    }

    // ----- whose is it

    fn is_of_now(&self, owner: Owner) -> bool {
        match owner {
            Owner::Everybody => true,
            Owner::Scope(scope) => scope == self.scope.get(),
        }
    }

    /// Complains where this is another scope's.
    pub fn owned(&self, owner: Owner, what: impl FnOnce() -> String) {
        if !self.is_of_now(owner) {
            self.breaks("nothing across scopes", || {
                format!("{} is of {owner:?}, and this is scope {}", what(), self.scope.get())
            });
        }
    }

    /// Looks at what a state shows.
    pub fn look_at(&self, key: usize, state: &QueryState<Value, Fault>, who: &dyn Fn() -> String) {
        if let Some(data) = state.data() {
            self.owned(data.owner, || format!("what {} shows of {}", who(), name_of(key)));
            if data.key != key && !state.is_placeholder() {
                self.breaks("a key has its own data", || {
                    format!("{} shows data of {} as {}", who(), name_of(data.key), name_of(key))
                });
            }
        }
        let tried = state.retry().map(|retry| &retry.error);
        for fault in state.error().and_then(QueryError::fetch).into_iter().chain(tried) {
            self.owned(fault.owner, || format!("the error that {} shows of {}", who(), name_of(key)));
        }
    }
}
