//! All calls: who may go, what is known of each, whom to tell.
//!
//! As the engine, it stores users' values and never calls, compares, polls or drops one: what leaves it leaves
//! through [`Fx`].

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::task::Waker;

use super::events::{MutationEvent, MutationHappening};
use super::future::Promise;
use super::going::First;
use super::run::Run;
use super::state::{Facts, MutationId, Outcome, State};
use super::telling::{Parts, Target, Watcher, diff};
use crate::client::{QueryClient, World};
use crate::environment::{Millis, Timestamp};
use crate::key::QueryKey;
use crate::state::Failure;

/// What a step leaves to be done once the store is let go.
#[derive(Default)]
pub(super) struct Fx {
    pub turn: bool,
    pub ring: Option<Timestamp>,
    pub wakers: Vec<Waker>,
    pub runs: Vec<Rc<Run>>,
    /// Whoever let others go first goes now.
    pub then: Option<fn(&QueryClient)>,
    pub garbage: Vec<Box<dyn Any>>,
}

/// What a call waits at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// The scope is open.
    Scope,
    /// So is the way to the server.
    Attempt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// At a gate that is shut.
    Gated(Gate),
    /// An attempt is under way.
    Sent,
    /// A callback runs, or is about to.
    Working,
    Over,
}

pub(super) struct Entry {
    pub facts: Rc<Facts>,
    pub state: Rc<State>,
    pub run: Rc<Run>,
    pub promise: Rc<Promise>,
    /// The scope it was made in.
    pub scope: u32,
    pub phase: Phase,
    /// Attempts begun; those before a reload count as one.
    pub sent: u32,
    /// When the next attempt is due.
    pub until: Timestamp,
    pub gc_at: Timestamp,
}

#[derive(Default)]
pub(super) struct Store {
    pub entries: BTreeMap<MutationId, Entry>,
    /// Those that are not over, first the one whose turn it is.
    pub lines: HashMap<QueryKey, VecDeque<MutationId>>,
    pub watchers: Vec<Watcher>,
    /// Somebody listens.
    pub listened: bool,
    pub events: Vec<MutationEvent>,
    numbers: u64,
    pub first: Option<First>,
}

impl Store {
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn insert(&mut self, id: MutationId, entry: Entry, fx: &mut Fx) {
        if let Some(line) = &entry.facts.line {
            let at = (entry.facts.submitted_at, id);
            let mut line = self.lines.remove_entry(line).unwrap_or_else(|| (line.clone(), VecDeque::new()));
            // One that has begun is not overtaken, by whatever was kept from earlier.
            let before = |held: &MutationId| {
                self.entries
                    .get(held)
                    .is_some_and(|entry| entry.sent > 0 || (entry.facts.submitted_at, *held) < at)
            };
            let place = line.1.iter().rposition(before).map_or(0, |place| place.saturating_add(1));
            line.1.insert(place, id);
            self.lines.insert(line.0, line.1);
        }
        self.tell(id, &entry.facts, MutationHappening::Added, fx);
        self.entries.insert(id, entry);
        self.notice(id, Parts::ALL, fx);
    }

    pub fn put(&mut self, id: MutationId, state: State, fx: &mut Fx) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let changed = diff(&entry.state, &state);
        let before = std::mem::replace(&mut entry.state, Rc::new(state));
        fx.garbage.push(Box::new(before));
        self.notice(id, changed, fx);
    }

    /// An attempt failed, and is followed by another after this wait; or at once, when there is a network.
    pub fn failed(&mut self, id: MutationId, failure: Option<Rc<Failure>>, fx: &mut Fx) {
        self.release(id, fx);
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.phase = Phase::Working;
        let Some(failure) = failure else { return };
        entry.until = failure.at;
        let mut state = State::clone(&entry.state);
        state.failures = failure.attempt;
        state.failure = Some(failure);
        self.put(id, state, fx);
    }

    /// The last attempt failed.
    pub fn failed_for_good(&mut self, id: MutationId, failure: Rc<Failure>, fx: &mut Fx) {
        let Some(entry) = self.entries.get(&id) else { return };
        let mut state = State::clone(&entry.state);
        state.failures = failure.attempt;
        state.failure = Some(failure);
        self.put(id, state, fx);
    }

    /// There is an outcome; the callbacks come next.
    pub fn answered(&mut self, id: MutationId, fx: &mut Fx) {
        self.release(id, fx);
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.phase = Phase::Working;
        let mut state = State::clone(&entry.state);
        (state.paused, state.waiting, state.answered) = (false, false, true);
        self.put(id, state, fx);
    }

    /// It is over: whoever is next in its line may go.
    pub fn finish(&mut self, id: MutationId, outcome: &Outcome, now: Timestamp, fx: &mut Fx) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.phase = Phase::Over;
        let mut state = State::clone(&entry.state);
        state.outcome = Some(outcome.clone());
        state.settled_at = Some(now);
        let (facts, promise) = (entry.facts.clone(), entry.promise.clone());
        self.put(id, state, fx);
        fx.wakers.extend(promise.keep(outcome.clone()));
        let happening = match outcome {
            Ok(data) => MutationHappening::Succeeded { data: data.clone() },
            Err(error) => MutationHappening::Failed { error: error.clone() },
        };
        self.tell(id, &facts, happening, fx);
        self.leave_line(id, &facts, fx);
        self.keep_from(id, now, fx);
    }

    fn leave_line(&mut self, id: MutationId, facts: &Facts, fx: &mut Fx) {
        let Some(key) = &facts.line else { return };
        let Some(line) = self.lines.get_mut(key) else { return };
        if let Some(place) = line.iter().position(|held| *held == id) {
            line.remove(place);
        }
        match line.front() {
            Some(next) => fx.runs.extend(self.entries.get(next).map(|next| next.run.clone())),
            None => {
                fx.garbage.extend(self.lines.remove_entry(key).map(|line| Box::new(line) as Box<dyn Any>))
            }
        }
    }

    /// Its time begins to count.
    pub fn keep_from(&mut self, id: MutationId, now: Timestamp, fx: &mut Fx) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.phase == Phase::Over) else {
            return;
        };
        let keep = entry.facts.policy.plain.gc;
        entry.gc_at = now.plus(keep);
        if keep != Millis(u64::MAX) {
            fx.ring = Some(entry.gc_at);
        }
    }

    fn is_watched(&self, id: MutationId) -> bool {
        self.watchers.iter().any(|watcher| watcher.target == Target::One(id))
    }

    /// Forgets what is over for long enough. A held scope forgets nothing.
    pub fn sweep(&mut self, world: World, fx: &mut Fx) {
        if world.held {
            return;
        }
        let over = self.entries.iter().filter(|(_, entry)| entry.phase == Phase::Over);
        let old: Vec<_> = over.filter(|(_, entry)| entry.gc_at <= world.now).map(|(id, _)| *id).collect();
        for id in old {
            if !self.is_watched(id) {
                self.forget(id, fx);
            }
        }
    }

    pub fn forget(&mut self, id: MutationId, fx: &mut Fx) {
        if let Some(entry) = self.entries.remove(&id) {
            self.tell(id, &entry.facts, MutationHappening::Removed, fx);
            self.notice(id, Parts::ALL, fx);
            fx.garbage.push(Box::new(entry));
        }
    }

    /// A scope has ended: its calls are thrown away, and so is what was not yet told of them. `open`: the scope
    /// whose calls stay, made while the other one was being ended. `None`: the client is gone.
    pub fn end(&mut self, open: Option<u32>, fx: &mut Fx) -> Vec<Rc<Run>> {
        let all = std::mem::take(&mut self.entries);
        let (kept, entries): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.into_iter().partition(|(_, entry)| Some(entry.scope) == open);
        self.entries = kept;
        let (told, untold): (Vec<_>, Vec<_>) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(|event| self.entries.contains_key(&event.id));
        self.events = told;
        fx.garbage.push(Box::new(untold));
        let (lines, over): (HashMap<_, _>, HashMap<_, _>) = std::mem::take(&mut self.lines)
            .into_iter()
            .map(|(key, mut line)| {
                line.retain(|id| self.entries.contains_key(id));
                (key, line)
            })
            .partition(|(_, line)| !line.is_empty());
        self.lines = lines;
        fx.garbage.push(Box::new(over));
        let next = self.lines.values().filter_map(|line| self.entries.get(line.front()?));
        fx.runs.extend(next.map(|next| next.run.clone()));
        fx.then = self.first.take().map(|first| first.then);
        let mut runs = Vec::new();
        for (id, entry) in &entries {
            self.notice(*id, Parts::ALL, fx);
            runs.push(entry.run.clone());
            fx.wakers.extend(entry.promise.wake());
        }
        fx.garbage.push(Box::new(entries));
        runs
    }
}
