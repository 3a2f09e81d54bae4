//! Several tabs that share: opened, closed, renamed, cut off and written in, over a channel that takes its time. For
//! all of one build and scope there is one request at a time; whoever is left has its data; and in the end all show
//! the same, which is the newest.

mod between;
mod program;
mod tab;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{QueryFilter, ScopeName, Then, query_key};

use self::between::{Between, SLOWEST};
use self::program::{Step, TABS, program};
use self::tab::{ALONE, KEYS, Name, Note, Notes, OWN, PUBLIC, Server, Tab, person_of};
use crate::rng::Rng;
use crate::small::{Seen, Simulation, breaks, rule, simulate};

/// Whose scope must be over by when: a tab's number, and which of its scopes.
struct Ending {
    by: u64,
    tab: u32,
    scope: u32,
}

/// Who shares what with whom: a build, whose, a key.
type Group = (&'static str, Name, usize);

struct Run {
    between: Rc<Between>,
    server: Rc<Server>,
    tabs: [Option<Tab>; TABS],
    opened: u32,
    endings: Vec<Ending>,
    /// When a scope of this build and name was last ended, by the clock on the wall.
    ended: BTreeMap<(&'static str, &'static str), u64>,
    /// When something was last said to be out of date, and is to be fetched at once.
    invalidated: BTreeMap<Group, u64>,
    /// When something was last told to all of a build and name, and those of which one came at that time, so that it
    /// may have missed that.
    told: BTreeMap<(&'static str, Name), u64>,
    missed: BTreeSet<(&'static str, Name)>,
}

impl Run {
    fn new(seed: u64, seen: &Seen) -> Run {
        let between = Between::new(Rng::new(seed ^ 0x7ab5));
        let server = Server::new(&between, seen);
        Run {
            between,
            server,
            tabs: Default::default(),
            opened: 0,
            endings: Vec::new(),
            ended: BTreeMap::new(),
            invalidated: BTreeMap::new(),
            told: BTreeMap::new(),
            missed: BTreeSet::new(),
        }
    }

    fn act(&mut self, step: &Step) {
        let server = self.server.clone();
        match *step {
            Step::Open(place, build, name) => {
                self.act(&Step::Close(place));
                self.opened += 1;
                self.tabs[place] = Some(Tab::open(self.opened, &server, build, name));
                self.comes(build, name);
            }
            Step::Change(key) => server.says.borrow_mut()[key] = server.tick(),
            Step::Fails(in_so_many) => server.fails.set(in_so_many),
            Step::Pass(millis) => self.pass(millis),
            Step::Close(place) => {
                let Some(tab) = self.tabs[place].take() else { return };
                if server.is_asked_by(tab.here.number) {
                    server.seen.saw("one that fetches is closed");
                }
                tab.close();
            }
            Step::Watch(place, _)
            | Step::Unwatch(place, _)
            | Step::Prefetch(place, _)
            | Step::Write(place, _)
            | Step::Invalidate(place, ..)
            | Step::Refetch(place, _)
            | Step::Cancel(place, _)
            | Step::Reset(place, _)
            | Step::Remove(place, _)
            | Step::Online(place, _)
            | Step::Focus(place, _)
            | Step::Hold(place)
            | Step::Restore(place)
            | Step::EndScope(place)
            | Step::Enter(place, _) => {
                let Some(mut tab) = self.tabs[place].take() else { return };
                self.act_in(&mut tab, step);
                self.tabs[place] = Some(tab);
            }
        }
    }

    fn act_in(&mut self, tab: &mut Tab, step: &Step) {
        let (server, client) = (self.server.clone(), tab.client.clone());
        match *step {
            Step::Watch(_, key) => {
                if client.count(&Notes(key)) == 0 {
                    // What nobody has asked for is not kept, and so is missed as by one who is not there.
                    self.comes(tab.here.build, tab.name);
                }
                tab.watch(key);
            }
            Step::Unwatch(_, key) => tab.viewers[key] = None,
            Step::Prefetch(_, key) => client.prefetch(Notes(key)),
            Step::Write(_, key) => {
                let now = server.tick();
                server.says.borrow_mut()[key] = now;
                let note = tab.here.note(key, &person_of(&client), now);
                self.told.insert((tab.here.build, tab.name), self.between.now.get());
                client.set_data(&Notes(key), Note { held: tab.hidden, ..note });
            }
            Step::Invalidate(_, key, then) => {
                let filter = key.map_or(QueryFilter::prefix(query_key!["note"]), |key| (&Notes(key)).into());
                client.invalidate_then(filter, then);
                self.told.insert((tab.here.build, tab.name), self.between.now.get());
                let now = server.tick();
                for key in (0..KEYS).filter(|own| key.is_none_or(|key| key == *own)) {
                    // Where nobody has asked for it there is nothing to say of it.
                    if then == Then::FetchActive && tab.viewers[key].is_some() {
                        self.invalidated.insert((tab.here.build, tab.name, key), now);
                    }
                }
            }
            Step::Refetch(_, key) => client.refetch(&Notes(key)),
            Step::Cancel(_, key) => client.cancel(&Notes(key)),
            Step::Reset(_, key) => {
                client.reset(&Notes(key));
                tab.newest[key] = 0;
            }
            Step::Remove(_, key) => {
                client.remove(&Notes(key));
                tab.newest[key] = 0;
            }
            Step::Online(_, online) => client.set_online(online),
            Step::Focus(_, focused) => client.set_focused(focused),
            Step::Hold(_) => {
                tab.hidden = true;
                client.hold_scope();
            }
            Step::Restore(_) => {
                tab.hidden = false;
                client.restore_scope();
            }
            Step::EndScope(_) => self.end_scope(tab),
            Step::Enter(_, name) => {
                self.end_scope(tab);
                tab.name = name;
                if let Some(name) = name {
                    client.name_scope(ScopeName::new(name));
                }
                self.comes(tab.here.build, name);
            }
            _ => {}
        }
    }

    /// A tab comes to those of this build and name.
    fn comes(&mut self, build: &'static str, name: Name) {
        let told = self.told.get(&(build, name));
        if told.is_some_and(|told| self.between.now.get() <= told + SLOWEST) {
            self.missed.insert((build, name));
        }
    }

    fn end_scope(&mut self, tab: &mut Tab) {
        let now = self.between.now.get();
        if let Some(name) = tab.name {
            self.ended.insert((tab.here.build, name), now);
            for other in self.tabs.iter().flatten() {
                if (other.here.build, other.name) == (tab.here.build, tab.name) {
                    let ending = Ending { by: now + SLOWEST, tab: other.here.number, scope: other.scopes };
                    self.endings.push(ending);
                }
            }
        }
        tab.client.end_scope();
        tab.left();
    }

    fn pass(&mut self, millis: u64) {
        let end = self.between.now.get() + millis;
        loop {
            loop {
                self.tabs.iter().flatten().for_each(|tab| tab.here.environment.run());
                if !self.between.deliver() {
                    break;
                }
            }
            self.look();
            let (now, next) = (self.between.now.get(), self.between.next(end));
            if now >= end {
                break;
            }
            self.between.now.set(next);
            let time = Duration::from_millis(next - now);
            self.tabs.iter().flatten().for_each(|tab| tab.here.environment.advance(time));
        }
    }

    /// Whose scope has ended because it did elsewhere, and what is shown.
    fn look(&mut self) {
        let now = self.between.now.get();
        for tab in self.tabs.iter_mut().flatten() {
            if let Some(name) = tab.name.filter(|_| tab.client.scope_name().is_none()) {
                let ended = self.ended.get(&(tab.here.build, name));
                // A message may wait for another, and that for another again.
                let right = ended.is_some_and(|ended| now <= ended + SLOWEST);
                rule(right, "a scope ends only where it was ended", &(tab.here.build, name));
                self.server.seen.saw("a scope ends because it did in another tab");
                tab.left();
            }
            let group = (tab.here.build, tab.name);
            let on_its_way = self.told.get(&group).is_some_and(|told| now <= told + 2 * SLOWEST);
            check(tab, &self.server, on_its_way || self.missed.contains(&group));
        }
        self.endings.retain(|ending| {
            let late = |tab: &&Tab| tab.here.number == ending.tab && tab.scopes == ending.scope;
            if ending.by < now && self.tabs.iter().flatten().any(|tab| late(&tab)) {
                breaks("a scope that ends in one tab ends in all", ending.tab);
            }
            ending.by >= now
        });
        if let Some(broken) = self.server.broken.take() {
            breaks("one fetches for all", broken);
        }
    }

    /// Whoever shares a key with somebody, and watches it.
    fn groups(&self) -> BTreeMap<Group, Vec<&Tab>> {
        let mut groups: BTreeMap<Group, Vec<&Tab>> = BTreeMap::new();
        for tab in self.tabs.iter().flatten() {
            for key in (0..KEYS).filter(|key| tab.viewers[*key].is_some()) {
                let shared = key == PUBLIC || (key == OWN && tab.name.is_some());
                if shared {
                    groups.entry((tab.here.build, tab.name, key)).or_default().push(tab);
                }
            }
        }
        groups
    }

    fn end(&mut self) {
        self.act(&Step::Fails(0));
        self.pass(2_000);
        for place in 0..TABS {
            for step in [Step::Online(place, true), Step::Restore(place), Step::Focus(place, false)] {
                self.act(&step);
            }
            self.act(&Step::Focus(place, true));
        }
        self.pass(8_000);
        for tab in self.tabs.iter().flatten() {
            for viewer in tab.viewers.iter().flatten() {
                let (state, fetching) = (viewer.state(), viewer.is_fetching());
                let there = state.data().is_some() && !fetching;
                rule(there, "whoever is left has its data", &(tab.here.number, state, fetching));
            }
        }
        for (group, tabs) in self.groups() {
            if self.missed.contains(&(group.0, group.1)) {
                continue;
            }
            let shown = |tab: &&Tab| {
                let viewer = tab.viewers[group.2].as_ref();
                viewer.and_then(|viewer| viewer.state().data().cloned())
            };
            let shown: Vec<_> = tabs.iter().filter_map(shown).collect();
            // What is everybody's stays where the scope changes, and is told on only when it is fetched.
            if group.2 != PUBLIC || tabs.iter().all(|tab| tab.scopes == 0) {
                let same = shown.iter().all(|note| note.says == shown[0].says);
                rule(same, "all tabs show the same in the end", &(group, &shown));
                if shown.len() > 1 {
                    self.server.seen.saw("several show the same");
                }
            }
            let invalidated = self.invalidated.get(&group).copied().unwrap_or(0);
            let moved = tabs.iter().any(|tab| tab.scopes > 0);
            let asked = moved || shown.iter().all(|note| note.began > invalidated);
            rule(asked, "what is out of date is asked for", &(group, &shown, invalidated));
        }
        // Something new, of which one tab of each is told.
        (0..KEYS).for_each(|key| self.act(&Step::Change(key)));
        for place in 0..TABS {
            let Some(tab) = &self.tabs[place] else { continue };
            let of = |tab: &Tab| (tab.here.build, tab.name);
            let first = self.tabs.iter().flatten().position(|other| of(other) == of(tab));
            let own = self.tabs[..place].iter().flatten().count();
            let key = if first == Some(own) { None } else { Some(ALONE) };
            self.act(&Step::Invalidate(place, key, Then::FetchActive));
            if key.is_some() && self.tabs[place].as_ref().is_some_and(|tab| tab.name.is_none()) {
                self.act(&Step::Invalidate(place, Some(OWN), Then::FetchActive));
            }
        }
        self.pass(8_000);
        let says = *self.server.says.borrow();
        for tab in self.tabs.iter().flatten() {
            for (key, viewer) in tab.viewers.iter().enumerate() {
                let Some(state) = viewer.as_ref().map(|viewer| viewer.state()) else { continue };
                let newest = state.data().is_some_and(|note| note.says == says[key]);
                rule(
                    newest,
                    "all tabs show the newest in the end",
                    &(tab.here.number, key, state, says[key]),
                );
            }
        }
        for place in 0..TABS {
            self.act(&Step::Close(place));
        }
    }
}

fn check(tab: &mut Tab, server: &Server, late: bool) {
    for (key, viewer) in tab.viewers.iter().enumerate() {
        let Some(state) = viewer.as_ref().map(|viewer| viewer.state()) else { continue };
        let Some(note) = state.data() else { continue };
        let here = &tab.here;
        rule(key == PUBLIC || !tab.hidden, "a held tab shows nothing", &(here.number, note));
        let person = if key == PUBLIC { String::new() } else { person_of(&tab.client) };
        rule(note.person == person, "it is of whom it is shown to", &(here.number, note, person));
        rule(note.build == here.build, "tabs of another build are not heard", &(here.number, note));
        let own = key == ALONE || (key == OWN && tab.name.is_none());
        let stays = !own || note.tab == here.number;
        rule(stays, "what does not opt in, or is nobody's, stays in its tab", &(here.number, key, note));
        if note.tab != here.number {
            server.seen.saw("what another tab has is shown");
        }
        let newest = std::mem::replace(&mut tab.newest[key], note.says);
        // What is under way in one scope may come to its end in another, if it is everybody's; and until a write has
        // been heard of by all, what was fetched meanwhile may be shown before it and after it.
        let exempt = late || note.held || (key == PUBLIC && server.moved.get());
        rule(exempt || newest <= note.says, "data does not grow older", &(here.number, key, note, newest));
    }
}

struct Shared;

impl Simulation for Shared {
    const OF: &'static str = "tabs";
    const MOST: u64 = 600;
    const MUST: &'static [&'static str] = &[
        "a scope ends because it did in another tab",
        "one that fetches is closed",
        "several show the same",
        "what another tab has is shown",
    ];
    type Step = Step;

    fn program(seed: u64) -> Vec<Step> {
        program(seed)
    }

    fn run(seed: u64, steps: &[Step], seen: &Seen) {
        let mut run = Run::new(seed, seen);
        for step in steps {
            // No two things are done at the same moment.
            run.pass(1);
            run.act(step);
            run.look();
        }
        run.end();
    }
}

#[test]
fn no_program_of_tabs_breaks_a_promise() {
    simulate::<Shared>();
}
