//! Who may go on, in which order, and who waits for that.

use std::rc::Rc;

use super::events::MutationHappening;
use super::run::Run;
use super::state::{MutationId, State};
use super::store::{Fx, Gate, Phase, Store};
use crate::client::{QueryClient, World};
use crate::environment::{Millis, Timestamp};
use crate::key::QueryKey;
use crate::options::NetworkMode;

/// Whether a call may go on.
#[derive(PartialEq, Eq)]
enum Way {
    Open,
    /// Until some time.
    Waits,
    /// Until something happens.
    Shut,
}

/// Those that go on before queries are fetched again.
pub(super) struct First {
    ids: Vec<MutationId>,
    pub then: fn(&QueryClient),
    until: Timestamp,
}

/// How long queries wait at most for the mutations that go first: a server that does not answer, or a mutation
/// that itself waits for a query, holds up nothing for good.
const FIRST: Millis = Millis(10_000);

impl Store {
    fn way(&self, id: MutationId, gate: Gate, world: World) -> Way {
        let Some(entry) = self.entries.get(&id) else { return Way::Shut };
        if world.held {
            return Way::Shut;
        }
        if gate == Gate::Scope {
            return Way::Open;
        }
        let first = |line: &QueryKey| self.lines.get(line).and_then(|line| line.front()) == Some(&id);
        if !entry.facts.line.as_ref().is_none_or(first) {
            return Way::Shut;
        }
        if entry.until > world.now {
            return Way::Waits;
        }
        let needs_network = match entry.facts.policy.plain.network {
            NetworkMode::Online => true,
            NetworkMode::Always => false,
            NetworkMode::OfflineFirst => entry.sent > 0,
        };
        // Nobody who does not look waits for another attempt.
        if (needs_network && !world.online) || !(world.focused || entry.state.failures == 0) {
            return Way::Shut;
        }
        Way::Open
    }

    /// Goes through the gate, if it is open. What stops there is paused, unless it only waits for a time.
    pub(super) fn pass(&mut self, id: MutationId, gate: Gate, world: World, fx: &mut Fx) -> bool {
        let way = self.way(id, gate, world);
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let open = way == Way::Open;
        entry.phase = match (open, gate) {
            (false, _) => Phase::Gated(gate),
            (true, Gate::Scope) => Phase::Working,
            (true, Gate::Attempt) => Phase::Sent,
        };
        if gate == Gate::Scope {
            return open;
        }
        let paused = way == Way::Shut;
        let mut state = State::clone(&entry.state);
        let told = std::mem::replace(&mut state.paused, paused) != paused;
        state.waiting = way == Way::Waits;
        if open {
            entry.sent = entry.sent.saturating_add(1);
        } else if way == Way::Waits {
            fx.ring = Some(entry.until);
        }
        let facts = entry.facts.clone();
        self.put(id, state, fx);
        if open || (paused && told) {
            self.tell(id, &facts, MutationHappening::Attempt { paused }, fx);
        }
        open
    }

    /// Those that wait at a gate, in the order in which they were called.
    pub(super) fn gated(&self) -> Vec<MutationId> {
        let gated = self.entries.iter().filter(|(_, entry)| matches!(entry.phase, Phase::Gated(_)));
        let mut gated: Vec<_> = gated.map(|(id, entry)| (entry.facts.submitted_at, *id)).collect();
        gated.sort_unstable();
        gated.into_iter().map(|(_, id)| id).collect()
    }

    /// The run of a call whose gate is open now.
    pub(super) fn freed(&mut self, id: MutationId, world: World, fx: &mut Fx) -> Option<Rc<Run>> {
        let entry = self.entries.get(&id)?;
        let Phase::Gated(gate) = entry.phase else { return None };
        match self.way(id, gate, world) {
            Way::Open => return Some(entry.run.clone()),
            Way::Shut if gate == Gate::Attempt && !entry.state.paused => {
                let mut state = State::clone(&entry.state);
                (state.paused, state.waiting) = (true, false);
                let facts = entry.facts.clone();
                self.put(id, state, fx);
                self.tell(id, &facts, MutationHappening::Attempt { paused: true }, fx);
            }
            Way::Waits => {
                fx.ring = Some(entry.until);
                let mut state = State::clone(&entry.state);
                (state.paused, state.waiting) = (false, true);
                self.put(id, state, fx);
            }
            Way::Shut => {}
        }
        None
    }

    /// Has `then` wait for those that go on now, but not for long. Says whether there are any.
    pub(super) fn go_first(&mut self, then: fn(&QueryClient), world: World, fx: &mut Fx) -> bool {
        let goes = |id: &MutationId| {
            let line = self.entries.get(id).and_then(|entry| entry.facts.line.as_ref());
            let head = line.and_then(|line| self.lines.get(line)?.front()).unwrap_or(id);
            match self.entries.get(head).map(|head| head.phase) {
                Some(Phase::Gated(gate)) => self.way(*head, gate, world) == Way::Open,
                Some(Phase::Sent | Phase::Working) => true,
                Some(Phase::Over) | None => false,
            }
        };
        let ids: Vec<_> = self.gated().into_iter().filter(goes).collect();
        if ids.is_empty() {
            return false;
        }
        let until = world.now.plus(FIRST);
        fx.ring = Some(until);
        self.first = Some(First { ids, then, until });
        true
    }

    /// The network is gone again: its next return begins anew.
    pub(super) fn nobody_first(&mut self) {
        self.first = None;
    }

    /// Nobody need wait for this one any more.
    pub(super) fn release(&mut self, id: MutationId, fx: &mut Fx) {
        if let Some(first) = &mut self.first {
            first.ids.retain(|held| *held != id);
            if first.ids.is_empty() {
                fx.then = self.first.take().map(|first| first.then);
            }
        }
    }

    /// Those who go first have had their time.
    pub(super) fn hurry(&mut self, world: World, fx: &mut Fx) {
        if self.first.as_ref().is_some_and(|first| first.until <= world.now) {
            fx.then = self.first.take().map(|first| first.then);
        }
    }
}
