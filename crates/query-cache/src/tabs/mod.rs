//! Several tabs: one fetches for all, and what one knows the others do.

mod how;
mod messages;
mod receiving;
mod turns;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::client::{Concern, Extension, Happens, Listening, QueryClient};
use crate::environment::LocalBoxFuture;
use crate::events::{CacheEvent, Happening};
use crate::filter::QueryFilter;
use crate::hydrate::NamesInUse;
use crate::key::QueryKey;
pub use how::Tabs;
use messages::{From, Meant, Message, Says, VERSION, fetches};
use turns::Turn;

/// A way to say something to all other tabs: a `BroadcastChannel`.
pub trait Channel {
    /// Says this to all others, later, in order, and not to oneself.
    fn post(&self, message: &str);

    /// From now on calls the listener with what others say. Replaces the one before.
    fn listen(&self, listener: Rc<dyn Fn(&str)>);

    /// From now on calls this after others may have said what was not heard: the page was frozen. Replaces the one
    /// before. Never called, unless the channel says otherwise.
    fn listen_for_gaps(&self, _missed: Rc<dyn Fn()>) {}
}

/// Locks that all tabs share: the Web Locks.
pub trait Locks {
    /// Ready with a guard when no other tab holds the lock of this name, or with `None` where there are no locks.
    /// Whoever drops the guard, or is closed, lets go; whoever drops the future gives up his place in the line.
    fn lock(&self, name: &str) -> LocalBoxFuture<Option<Box<dyn Any>>>;
}

/// Whether there are other tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    /// Nobody has answered yet.
    Unknown,
    Alone,
    Others,
}

/// What a tab knows.
struct Tab {
    how: Tabs,
    number: u64,
    company: Cell<Company>,
    /// Held by the first of all tabs.
    presence: RefCell<Option<Box<dyn Any>>>,
    /// How many changes this tab has made: writes and invalidations.
    changes: Cell<u64>,
    /// The last invalidation by each tab: how many changes it had made with it.
    outdated: RefCell<HashMap<u64, u64>>,
    /// The last write of each key in the cache, whichever tab made it.
    written: RefCell<HashMap<QueryKey, Write>>,
    /// When what is in the cache was sent for, if another tab or this one fetched it.
    sent: RefCell<HashMap<QueryKey, u64>>,
    /// What was fetched or, if so it says, written while the scope was held, and is not told before it is open again.
    held_back: RefCell<Vec<(QueryKey, bool)>>,
    /// How many changes of other tabs have been heard of, of those that have made any.
    knows: RefCell<HashMap<u64, u64>>,
    turns: RefCell<HashMap<(QueryKey, bool), Turn>>,
    /// Whose lock another tab has held for too long. Until it lets go, nothing waits for it.
    stuck: RefCell<HashSet<(QueryKey, bool)>>,
    /// Tabs share what is somebody's under these.
    names: NamesInUse,
    /// What happens now comes from another tab, and is not told to any.
    receiving: Cell<bool>,
    listening: RefCell<Option<Listening>>,
}

/// As many tabs are remembered to have made changes. A tab that is forgotten may be sent what it knows better, and
/// says so with its next message.
const TABS: usize = 128;

/// A write, as all tabs know it.
#[derive(Clone, Copy)]
struct Write {
    /// When, by the clock of the tab that made it: of two that did not know of each other the later one counts, and of
    /// two at the same time that of the tab with the higher number.
    at: u64,
    tab: u64,
    /// How many changes that tab had made with it.
    change: u64,
}

/// A client's tab, if it shares.
#[derive(Default)]
struct Sharing(RefCell<Option<Rc<Tab>>>);

impl Sharing {
    fn get(&self) -> Option<Rc<Tab>> {
        self.0.borrow().clone()
    }
}

impl Extension for Sharing {
    fn happens(&self, client: &QueryClient, what: Happens) {
        let Some(tab) = self.get() else { return };
        match what {
            Happens::Named => {
                tab.names.note(client);
                tab.say(client, Says::Hello);
            }
            Happens::Restored => tab.tell_held_back(client),
            Happens::Ended => tab.scope_ended(client),
            _ => {}
        }
    }

    fn online(&self, _: &QueryClient, _: fn(&QueryClient)) -> bool {
        false
    }

    fn concerns(&self, client: &QueryClient, filter: &QueryFilter, concern: Concern) {
        if let (Some(tab), Concern::Invalidated(then)) = (self.get(), concern) {
            tab.outdated(client, filter, fetches(then));
        }
    }
}

impl QueryClient {
    /// Shares with other tabs what [opts in](crate::QueryOptions::dehydrated). Of all tabs that want the same, one
    /// fetches; another takes over when it is closed, called off, paused, or takes [too long](Tabs::lock_timeout).
    /// What is fetched, written or invalidated, and the end of a scope, is told to all; a tab that is new asks the
    /// others before it fetches. What is removed or reset is so in one tab only, and errors stay where they are. Only
    /// tabs of the same build, and in a scope of the same [name](QueryClient::name_scope), hear each other; without a
    /// name only what is public is shared. A tab that may have missed something takes all it shares for out of date.
    ///
    /// A second call replaces the first.
    pub fn share_with_tabs(&self, how: Tabs) {
        let number = self.random();
        let tab = Rc::new(Tab {
            how,
            number,
            company: Cell::new(Company::Unknown),
            presence: RefCell::default(),
            changes: Cell::new(0),
            outdated: RefCell::default(),
            written: RefCell::default(),
            sent: RefCell::default(),
            held_back: RefCell::default(),
            knows: RefCell::default(),
            turns: RefCell::default(),
            stuck: RefCell::default(),
            names: NamesInUse::default(),
            receiving: Cell::new(false),
            listening: RefCell::default(),
        });
        let client = self.in_scope(None);
        tab.names.note(&client);
        let (weak, heard) = (client.downgrade(), Rc::downgrade(&tab));
        let listening = self.listen(move |event| {
            if let (Some(tab), Some(client)) = (heard.upgrade(), weak.upgrade()) {
                tab.hear(&client, event);
            }
        });
        tab.listening.replace(Some(listening));
        let (weak, heard) = (client.downgrade(), Rc::downgrade(&tab));
        tab.how.channel.listen(Rc::new(move |message| {
            if let (Some(tab), Some(client)) = (heard.upgrade(), weak.upgrade()) {
                tab.receive(&client, message);
            }
        }));
        let (weak, heard) = (client.downgrade(), Rc::downgrade(&tab));
        tab.how.channel.listen_for_gaps(Rc::new(move || {
            if let (Some(tab), Some(client)) = (heard.upgrade(), weak.upgrade()) {
                tab.missed(&client);
            }
        }));
        let before = self.extension::<Sharing>().0.replace(Some(tab.clone()));
        self.lock_by(tab.how.locks.clone());
        self.mark(|engine| engine.take_turns_by(turns::turn));
        tab.say(&client, Says::Hello);
        tab.be_first(&client);
        if let Some(before) = before {
            tab.take_over(&client, &before);
        }
    }
}

impl Tab {
    fn say(&self, client: &QueryClient, says: Says) {
        let scope = client.scope_name().map(|name| name.as_str().to_owned());
        self.say_of(scope, says);
    }

    fn say_of(&self, scope: Option<String>, says: Says) {
        let from = From {
            version: VERSION,
            app: self.how.app.clone(),
            build: self.how.build.clone(),
            scope,
            tab: self.number,
            changes: self.changes.get(),
        };
        if let Ok(message) = serde_json::to_string(&Message { from, says }) {
            self.how.channel.post(&message);
        }
    }

    /// Whoever gets the lock that the first of all tabs holds is alone until he hears of another.
    fn be_first(self: &Rc<Self>, client: &QueryClient) {
        let name = format!("{}/{}/first", self.how.app, self.how.build);
        let lock = self.how.locks.lock(&name);
        let (this, weak) = (Rc::downgrade(self), client.downgrade());
        client.begin_task(Box::pin(async move {
            let guard = lock.await;
            let (Some(this), Some(client)) = (this.upgrade(), weak.upgrade()) else { return };
            let locks = guard.is_some();
            this.presence.replace(guard);
            if locks && this.company.get() == Company::Unknown {
                this.company.set(Company::Alone);
                this.look_at_all_turns(&client);
            }
        }));
    }

    /// What happens here is told to the others, and whoever has had his turn lets go.
    fn hear(self: &Rc<Self>, client: &QueryClient, event: &CacheEvent) {
        match event.happening {
            Happening::Fetched { .. } => {
                let sent = self.sent_since(&event.key);
                self.note_sent(&event.key, sent);
                self.tell_or_hold_back(client, &event.key, false);
            }
            Happening::Written => {
                let write =
                    Write { at: updated_at(client, &event.key), tab: self.number, change: self.change() };
                self.written.borrow_mut().insert(event.key.clone(), write);
                self.note_sent(&event.key, None);
                self.tell_or_hold_back(client, &event.key, true);
            }
            Happening::Removed => {
                self.written.borrow_mut().remove(&event.key);
                self.note_sent(&event.key, None);
            }
            _ => {}
        }
        self.end_turn(client, &event.key);
    }

    fn change(&self) -> u64 {
        self.changes.set(self.changes.get() + 1);
        self.changes.get()
    }

    /// Nothing of a held scope is told before it is open again.
    fn tell_or_hold_back(&self, client: &QueryClient, key: &QueryKey, written: bool) {
        if client.read(|engine| engine.same_key(key).into_iter().any(|slot| engine.hides(slot))) {
            let mut all = self.held_back.borrow_mut();
            match all.iter_mut().find(|(held, _)| held == key) {
                Some((_, before)) => *before |= written,
                None => all.push((key.clone(), written)),
            }
        } else {
            self.tell_data(client, key, written, None);
        }
    }

    /// Tells the data of this key. Runs user code.
    fn tell_data(&self, client: &QueryClient, key: &QueryKey, written: bool, answers: Option<(u64, u64)>) {
        let here = client.in_this_scope();
        let named = here.scope_name().is_some();
        for slot in here.read(|engine| engine.same_key(key)) {
            let parcel = here.read(|engine| engine.parcel(slot));
            let Some(parcel) = parcel.filter(|parcel| parcel.public || named) else { continue };
            let Some(entry) = here.pack(&parcel).filter(|_| !here.is_over()) else { continue };
            let turn = (key.clone(), parcel.public);
            let knew = self.turns.borrow().get(&turn).and_then(|turn| turn.knew.clone());
            let knew = knew.unwrap_or_else(|| self.knowledge());
            let sent = self.sent.borrow().get(key).copied();
            self.say(&here, Says::Data { entry, written, knew, sent, answers });
        }
    }

    /// When the attempt was sent that is under way.
    fn sent_since(&self, key: &QueryKey) -> Option<u64> {
        let turns = self.turns.borrow();
        let turn = [false, true].iter().find_map(|public| turns.get(&(key.clone(), *public)));
        turn.and_then(|turn| turn.sent).map(|sent| sent.as_millis())
    }

    fn note_sent(&self, key: &QueryKey, sent: Option<u64>) {
        let mut all = self.sent.borrow_mut();
        match sent {
            Some(sent) => drop(all.insert(key.clone(), sent)),
            None => drop(all.remove(key)),
        }
    }

    fn tell_held_back(&self, client: &QueryClient) {
        for (key, written) in self.held_back.take() {
            let mine = |write: &&mut Write| written && write.tab == self.number;
            if let Some(write) = self.written.borrow_mut().get_mut(&key).filter(mine) {
                // Who has heard of what was told meanwhile has not heard of this.
                write.change = self.change();
            }
            self.tell_data(client, &key, written, None);
        }
    }

    fn knowledge(&self) -> Vec<(u64, u64)> {
        self.knows.borrow().iter().map(|(tab, changes)| (*tab, *changes)).collect()
    }

    /// So many changes of that tab have been heard of.
    fn learn(&self, tab: u64, changes: u64) {
        if tab == self.number || changes == 0 {
            return;
        }
        let mut knows = self.knows.borrow_mut();
        if knows.len() >= TABS && !knows.contains_key(&tab) {
            let written = self.written.borrow();
            knows.retain(|tab, _| written.values().any(|write| write.tab == *tab));
            if knows.len() >= TABS {
                knows.clear();
            }
        }
        let known = knows.entry(tab).or_default();
        *known = (*known).max(changes);
    }

    fn outdated(&self, client: &QueryClient, filter: &QueryFilter, fetch: bool) {
        if self.receiving.get() {
            return;
        }
        let matching = || {
            let slots = client.matching(filter);
            client.read(|engine| {
                slots.iter().filter_map(|slot| engine.get(*slot)).map(|entry| entry.key.clone()).collect()
            })
        };
        let named = client.scope_name().is_some();
        let may_be_told =
            |key: &QueryKey| !client.is_confidential(key) && (named || !is_somebodys(client, key));
        if let Some(meant) = Meant::of(filter, may_be_told, matching) {
            self.outdated.borrow_mut().insert(self.number, self.change());
            self.say(client, Says::Outdated { meant, fetch });
        }
    }

    /// The other tabs end it too.
    fn scope_ended(&self, client: &QueryClient) {
        let names = self.names.ended(client);
        self.end_turns_of_scope(client);
        drop((self.written.take(), self.sent.take(), self.held_back.take()));
        if !self.receiving.get() {
            for name in names {
                self.say_of(Some(name.as_str().to_owned()), Says::Ended);
            }
        }
    }
}

/// When the data of this key arrived, or was written.
fn updated_at(client: &QueryClient, key: &QueryKey) -> u64 {
    let at = client.read(|engine| {
        let slots = engine.same_key(key);
        slots.iter().filter_map(|slot| engine.get(*slot)).map(|entry| entry.state.updated_at).max()
    });
    at.map_or(0, |at| at.as_millis())
}

fn is_somebodys(client: &QueryClient, key: &QueryKey) -> bool {
    client.read(|engine| {
        engine
            .same_key(key)
            .iter()
            .filter_map(|slot| engine.get(*slot))
            .any(|entry| !entry.policy.plain.public)
    })
}
