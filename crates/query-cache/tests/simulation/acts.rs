//! Doing what a step says, and noting what the cache must make of it.

use std::cell::{Cell, RefCell};

use query_cache::{
    CacheEvent, ErrorClass, Happening, Query, QueryClient, QueryFilter, StaleTime, Then, Timestamp,
};

use super::keys::{FIXED, Item, Look, PUBLIC, key_of, name_of};
use super::model::MILLIS;
use super::program::{Act, LateAct, Target};
use super::server::Plan;
use super::value::{Fault, Origin, Owner, Value};
use super::views::Observing;
use super::world::{Place, Sky, World, spark};

impl World {
    pub fn act(&self, act: &Act) {
        self.note(|| act.to_string());
        let Some(client) = self.client() else { return };
        match *act {
            Act::Mount(slot, key, look) => self.mount(slot, key, look),
            Act::Unmount(slot) => self.unmount(slot),
            Act::Follow(slot, key, look) => self.follow(slot, key, look),
            Act::Write(key) => self.write(&client, key, client.now()),
            Act::WriteOld(key) => {
                let ago = client.now().as_millis() - 3_000;
                self.write(&client, key, Timestamp::from_millis(ago));
            }
            Act::Update(key) => self.update(&client, key, self.owner(key)),
            Act::UpdateAll(target) => self.update_all(&client, target),
            Act::SetError(key) => {
                let fault = self.fault(self.owner(key), ErrorClass::Permanent, false);
                client.set_error(&self.item(key, Look::PLAIN), fault);
            }
            Act::Push(key) => self.push(key, true),
            Act::PushError(key) => self.push(key, false),
            Act::Invalidate(target, then) => self.invalidate(&client, target, then),
            Act::Refetch(target) => {
                let filter = target.filter(self);
                self.shake(target, true);
                client.refetch(filter);
            }
            Act::RefetchObserved(slot) => self.refetch_observed(slot, false),
            Act::RefetchAndWait(slot) => self.refetch_observed(slot, true),
            Act::Ask(key, any) => self.ask(&client, key, any),
            Act::LetGo(nth) => self.let_go(nth),
            Act::Prefetch(key) => self.prefetch(&client, key),
            Act::Cancel(target) => self.call_off(target, |filter| client.cancel(filter)),
            Act::CancelAsFailed(target) => self.call_off(target, |filter| client.cancel_as_failed(filter)),
            Act::Reset(target) => self.forget(&client, target, |filter| client.reset(filter)),
            Act::Remove(target) => self.forget(&client, target, |filter| client.remove(filter)),
            Act::Find(target) => self.find(&client, target),
            Act::Offline => {
                self.set_weather(Sky::Online, false);
                client.set_online(false);
            }
            Act::Online => {
                self.set_weather(Sky::Online, true);
                client.set_online(true);
            }
            Act::Blur => {
                self.set_weather(Sky::Focused, false);
                client.set_focused(false);
            }
            Act::Focus => {
                self.set_weather(Sky::Focused, true);
                client.set_focused(true);
            }
            Act::Resume => {
                self.set_weather(Sky::Focused, true);
                client.resume();
            }
            Act::Alarm => client.alarm(),
            Act::Hold => {
                self.set_weather(Sky::Held, true);
                client.hold_scope();
            }
            Act::Restore => {
                self.set_weather(Sky::Held, false);
                client.restore_scope();
            }
            Act::End => {
                self.scope.set(self.scope.get() + 1);
                self.set_weather(Sky::Held, false);
                let now = self.tick();
                self.model.borrow_mut().end_scope(now);
                client.end_scope();
            }
            Act::Handle => self.handles.borrow_mut().push((client.in_this_scope(), self.scope.get())),
            Act::Late(nth, key, how) => self.late(nth, key, how),
            Act::Listen => self.listen(&client),
            Act::Deafen => {
                let ear = self.ears.borrow_mut().pop();
                drop(ear);
            }
            Act::Batch(key, other) => self.batch(&client, key, other),
            Act::Fail(key, class, times) => self.server.plan(key, Plan::Fail(class), times),
            Act::Slow(key) => self.server.plan(key, Plan::Slow, 1),
            Act::AtOnce(key) => self.server.plan(key, Plan::AtOnce, 1),
            Act::Lose(key) => self.server.plan(key, Plan::Lose, 1),
            Act::Spill(key) => self.server.plan(key, Plan::Spill, 1),
            Act::News(key) => self.server.news(key),
            Act::Run => self.run(),
            Act::Pass(millis) => {
                self.env.advance(u32::try_from(millis).unwrap() * MILLIS);
                self.run();
            }
        }
    }

    /// Until nothing is ready.
    pub fn run(&self) {
        self.env.run();
        while self.poll_calls() {
            self.env.run();
        }
    }

    // ----- writing

    /// A write of that moment has taken effect, unless user code has ended the scope meanwhile.
    pub fn wrote(&self, key: usize, born: u64, scope: u32) {
        if scope == self.scope.get() {
            self.facts(key, |facts| facts.written = facts.written.max(born));
        }
    }

    fn write(&self, client: &QueryClient, key: usize, at: Timestamp) {
        let value = self.value(key, Origin::Written);
        let (born, scope) = (value.born, self.scope.get());
        client.set_data_of(&self.item(key, Look::PLAIN), value, at);
        self.wrote(key, born, scope);
    }

    fn update(&self, client: &QueryClient, key: usize, owner: Owner) {
        let last = Cell::new(0);
        let written = client.update(&self.item(key, Look::PLAIN), |held| {
            if let Some(held) = held {
                self.owned(held.owner, || format!("what an update of {} is given", name_of(key)));
            }
            last.set(self.tick());
            let value = self.value_of(key, owner, Origin::Updated, last.get());
            spark(&self.me(), Place::Update);
            Some(value)
        });
        if written {
            self.wrote(key, last.get(), self.scope.get());
        }
    }

    fn update_all(&self, client: &QueryClient, target: Target) {
        let filter = target.filter(self);
        let made = RefCell::new(Vec::new());
        client.update_all::<Item>(filter, |held: &Value| {
            self.owned(held.owner, || format!("what an update of {} is given", name_of(held.key)));
            let born = self.tick();
            let value = self.value_of(held.key, self.owner(held.key), Origin::Updated, born);
            made.borrow_mut().push((held.key, value.id, born));
            spark(&self.me(), Place::Update);
            Some(value)
        });
        for (key, id, born) in made.into_inner() {
            let item = self.item(key, Look::PLAIN);
            if client.get_data(&item).is_some_and(|data| data.id == id) {
                self.wrote(key, born, self.scope.get());
            }
        }
    }

    fn push(&self, key: usize, well: bool) {
        let source = self.draw(|rng| {
            let sources = self.sources.borrow();
            (!sources.is_empty()).then(|| sources[rng.below(sources.len())].clone())
        });
        let Some((source, scope)) = source else { return };
        let owner = Owner::Scope(scope);
        if !well {
            return source.fail(self.fault(owner, ErrorClass::RETRYABLE, false));
        }
        let born = self.tick();
        source.push(self.value_of(key, owner, Origin::Written, born));
        self.wrote(key, born, scope);
    }

    // ----- out of date

    /// A fetch may be begun anew, or go on for nobody.
    fn shake(&self, target: Target, detaches: bool) {
        let now = self.tick();
        for key in target.keys().0 {
            self.facts(key, |facts| {
                facts.shaken = now;
                facts.detached |= detaches;
            });
        }
    }

    fn invalidate(&self, client: &QueryClient, target: Target, then: Then) {
        let filter = target.filter(self);
        self.shake(target, then != Then::FetchActive && then != Then::Nothing);
        let (keys, sure) = target.keys();
        let now = self.tick();
        for key in keys.into_iter().filter(|_| sure) {
            if client.count(QueryFilter::exact(key_of(key))) == 0 {
                continue;
            }
            let fetches = matches!(then, Then::FetchActive | Then::FetchAll) && key != FIXED;
            self.facts(key, |facts| {
                facts.invalidated = now;
                facts.must = if fetches { Some(now) } else { facts.must };
            });
            if fetches {
                self.each_view(|_, view| {
                    view.asks.set(view.asks.get() || (view.key.get() == key && view.look.get().enabled));
                });
            }
        }
        client.invalidate_then(filter, then);
    }

    fn call_off(&self, target: Target, act: impl FnOnce(QueryFilter)) {
        let filter = target.filter(self);
        let note = || {
            let now = self.tick();
            target.keys().0.into_iter().for_each(|key| self.model.borrow_mut().call_off(key, now));
        };
        note();
        act(filter);
        if !target.keys().1 {
            note();
        }
    }

    fn forget(&self, client: &QueryClient, target: Target, act: impl FnOnce(QueryFilter)) {
        let filter = target.filter(self);
        let (keys, sure) = target.keys();
        // Dropping the query that the filter was made of may have ended the scope of the handle.
        let sure = sure && !client.is_over();
        let now = self.tick();
        keys.iter().for_each(|key| self.model.borrow_mut().forget(*key, now, sure));
        act(filter);
        if !sure {
            let now = self.tick();
            keys.iter().for_each(|key| self.model.borrow_mut().forget(*key, now, sure));
        }
    }

    // ----- asking

    fn ask(&self, client: &QueryClient, key: usize, any: bool) {
        let (before, asked) = (self.facts(key, |facts| facts.invalidated), self.tick());
        let item = self.item(key, Look::PLAIN);
        if any {
            let call = client.query(item.with_options(|options| options.stale(StaleTime::Static)));
            // Of another type: asked for and let go of.
            drop(call);
        } else {
            let call = client.query(item);
            self.wait(key, call, asked, before, any);
        }
    }

    fn prefetch(&self, client: &QueryClient, key: usize) {
        self.facts(key, |facts| facts.detached = true);
        let (sparks, item) = (self.sparks.get(), self.item(key, Look::PLAIN));
        let fresh = client.snapshot(&item).is_some_and(|snapshot| !snapshot.is_stale());
        client.prefetch(item);
        if !fresh && !self.is_hidden(key) && sparks == self.sparks.get() {
            // Nothing came between: what is fetched now goes on, whoever comes and goes.
            self.server.keep(key);
        }
    }

    fn refetch_observed(&self, slot: usize, wait: bool) {
        let Some(view) = self.view(slot) else { return };
        let Observing::Whole(observer) = &view.observing else { return };
        let key = view.key.get();
        let (before, asked) = (self.facts(key, |facts| facts.invalidated), self.tick());
        self.facts(key, |facts| facts.shaken = asked);
        if wait {
            let call = observer.refetch_and_wait();
            drop(view);
            self.wait(key, call, asked, before, false);
        } else {
            observer.refetch();
        }
    }

    fn find(&self, client: &QueryClient, target: Target) {
        let filter = target.filter(self);
        for info in client.find(filter) {
            if let Some(data) = info.data::<Value>() {
                self.owned(data.owner, || format!("what is found of {:?}", info.key()));
            }
        }
    }

    fn listen(&self, client: &QueryClient) {
        let (world, live) = (self.me(), self.live("event listener"));
        let ear = client.listen(move |event: &CacheEvent| {
            let _ = &live;
            let Some(here) = world.upgrade() else { return };
            let what = || format!("the event {event:?}");
            match &event.happening {
                Happening::Fetched { data } => {
                    if let Some(value) = data.downcast_ref::<Value>() {
                        here.owned(value.owner, what);
                    }
                }
                Happening::FetchFailed { error } => {
                    if let Some(fault) = error.downcast_ref::<Fault>() {
                        here.owned(fault.owner, what);
                    }
                }
                _ => {}
            }
            spark(&world, Place::EventListener);
        });
        self.ears.borrow_mut().push(ear);
    }

    fn batch(&self, client: &QueryClient, key: usize, other: usize) {
        let outermost = !self.batching.replace(true);
        client.batch(|| {
            self.act(&Act::Write(key));
            if outermost {
                self.env.run();
            }
            self.act(&Act::Invalidate(Target::One(other), Then::FetchActive));
            self.act(&Act::Write(other));
        });
        if outermost {
            self.batching.set(false);
        }
    }

    // ----- by a handle of a scope that may be over

    fn late(&self, nth: usize, key: usize, how: LateAct) {
        let handle = {
            let handles = self.handles.borrow();
            if handles.is_empty() {
                return;
            }
            handles[nth % handles.len()].clone()
        };
        let (client, scope) = handle;
        let over = scope != self.scope.get();
        // What a handle that is over writes must be nowhere, not even where all scopes look.
        let owner = if over || key != PUBLIC { Owner::Scope(scope) } else { Owner::Everybody };
        let item = self.item(key, Look::PLAIN);
        match how {
            LateAct::Write => {
                let born = self.tick();
                client.set_data(&item, self.value_of(key, owner, Origin::Written, born));
                self.wrote(key, born, scope);
            }
            LateAct::Update => self.update(&client, key, owner),
            LateAct::Invalidate if over => client.invalidate(&item),
            LateAct::Invalidate => self.invalidate(&client, Target::One(key), Then::FetchActive),
            LateAct::Remove if over => client.remove(&item),
            LateAct::Remove => self.forget(&client, Target::One(key), |filter| client.remove(filter)),
            LateAct::Ask => self.ask(&client, key, false),
            LateAct::Prefetch => {
                self.facts(key, |facts| facts.detached |= !over);
                client.prefetch(item);
            }
            LateAct::Observe => {
                let observer = client.observe(item, || {});
                if over && observer.state().data().is_some() {
                    self.breaks("a handle that is over finds nothing", || name_of(key));
                }
                drop(observer);
            }
        }
        if over {
            let item = self.item(key, Look::PLAIN);
            if client.get_data(&item).is_some() || client.count(&item) > 0 {
                self.breaks("a handle that is over finds nothing", || name_of(key));
            }
        }
    }
}
