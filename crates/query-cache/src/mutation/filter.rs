//! Finding calls.

use std::any::TypeId;
use std::fmt;
use std::rc::Rc;

use super::context::IdempotencyKey;
use super::definition::Mutation;
use super::part::Mutations;
use super::state::{
    Facts, MutationDetails, MutationId, MutationSnapshot, MutationState, MutationStatus, State,
};
use super::store::Phase;
use crate::client::QueryClient;
use crate::environment::Timestamp;
use crate::key::QueryKey;

type Predicate = Rc<dyn Fn(&MutationInfo) -> bool>;

/// Which calls of mutations a call like [`QueryClient::find_mutations`] is about. A [`MutationId`] is a filter
/// that means that call.
///
/// ```
/// use query_cache::{ManualEnvironment, MutationFilter, QueryClient};
/// # let client = QueryClient::new(ManualEnvironment::new(1));
/// assert_eq!(client.count_mutations(MutationFilter::named("like").paused()), 0);
/// ```
#[derive(Clone)]
pub struct MutationFilter {
    id: Option<MutationId>,
    of: Option<TypeId>,
    name: Option<Rc<str>>,
    status: Option<MutationStatus>,
    paused: bool,
    line: Option<QueryKey>,
    predicate: Option<Predicate>,
}

impl MutationFilter {
    /// Every call.
    pub fn all() -> Self {
        MutationFilter {
            id: None,
            of: None,
            name: None,
            status: None,
            paused: false,
            line: None,
            predicate: None,
        }
    }

    /// The calls of mutations of this name.
    pub fn named(name: &str) -> Self {
        MutationFilter { name: Some(name.into()), ..MutationFilter::all() }
    }

    /// The calls of mutations of this type.
    pub fn of<M: Mutation>() -> Self {
        MutationFilter { of: Some(M::__of()), ..MutationFilter::all() }
    }

    /// Only what has this status.
    pub fn status(mut self, status: MutationStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only what is not over.
    pub fn pending(self) -> Self {
        self.status(MutationStatus::Pending)
    }

    /// Only what is not over and is not being sent.
    pub fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Only what stands, or stood, in this [line](Mutation::line).
    pub fn line(mut self, line: QueryKey) -> Self {
        self.line = Some(line);
        self
    }

    /// Only what the predicate says yes to. It may call the client.
    pub fn matching(mut self, predicate: impl Fn(&MutationInfo) -> bool + 'static) -> Self {
        self.predicate = Some(Rc::new(predicate));
        self
    }

    fn means(&self, info: &MutationInfo) -> bool {
        self.id.is_none_or(|id| id == info.id)
            && self.of.is_none_or(|of| of == info.facts.of)
            && self.name.as_ref().is_none_or(|name| **name == *info.facts.name)
            && self.status.is_none_or(|status| status == info.status())
            && (!self.paused || info.is_paused())
            && self.line.as_ref().is_none_or(|line| info.facts.line.as_ref() == Some(line))
    }
}

impl From<MutationId> for MutationFilter {
    fn from(id: MutationId) -> Self {
        MutationFilter { id: Some(id), ..MutationFilter::all() }
    }
}

impl fmt::Debug for MutationFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutationFilter")
            .field("name", &self.name)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A call, as it was when it was found.
#[derive(Clone)]
pub struct MutationInfo {
    pub(super) id: MutationId,
    pub(super) facts: Rc<Facts>,
    pub(super) state: Rc<State>,
}

impl MutationInfo {
    /// Which call.
    pub fn id(&self) -> MutationId {
        self.id
    }

    /// What its mutation is called.
    pub fn name(&self) -> &'static str {
        self.facts.name
    }

    /// What became of it, in a word.
    pub fn status(&self) -> MutationStatus {
        self.state.status()
    }

    /// Whether it is not over and not being sent.
    pub fn is_paused(&self) -> bool {
        self.state.paused && self.state.outcome.is_none()
    }

    /// When it was made.
    pub fn submitted_at(&self) -> Timestamp {
        self.facts.submitted_at
    }

    /// What it is named to the server.
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.facts.key
    }

    /// The line it stands in, if any.
    pub fn line(&self) -> Option<&QueryKey> {
        self.facts.line.as_ref()
    }

    /// What it was given, if it is of this type.
    pub fn variables<V: 'static>(&self) -> Option<Rc<V>> {
        self.facts.variables.clone().downcast().ok()
    }

    /// What [`MutationOptions::meta`](crate::MutationOptions::meta) was given, if it is of this type.
    pub fn meta<T: 'static>(&self) -> Option<Rc<T>> {
        self.facts.policy.meta()?.clone().downcast().ok()
    }

    /// What is known of it, without types.
    pub fn snapshot(&self) -> MutationSnapshot {
        MutationSnapshot { facts: Some(self.facts.clone()), state: Some(self.state.clone()) }
    }

    /// The state, with the types of this mutation: idle, if they are not its own.
    pub fn state<M: Mutation>(&self) -> MutationState<M::Data, M::Error> {
        self.snapshot().state()
    }

    /// The rest of what is known, with the types of this mutation.
    pub fn details<M: Mutation>(&self) -> Option<MutationDetails<M::Variables, M::Error>> {
        self.snapshot().details()
    }
}

impl fmt::Debug for MutationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutationInfo")
            .field("id", &self.id)
            .field("name", &self.name())
            .field("status", &self.status())
            .field("paused", &self.is_paused())
            .finish_non_exhaustive()
    }
}

impl QueryClient {
    /// The calls that the filter means, in the order in which they were made. Nothing while the scope is held.
    pub fn find_mutations(&self, filter: impl Into<MutationFilter>) -> Vec<MutationInfo> {
        if self.is_over() || self.is_held() {
            return Vec::new();
        }
        self.matching_mutations(&filter.into())
    }

    /// How many calls the filter means. None while the scope is held.
    pub fn count_mutations(&self, filter: impl Into<MutationFilter>) -> usize {
        self.find_mutations(filter).len()
    }

    pub(super) fn matching_mutations(&self, filter: &MutationFilter) -> Vec<MutationInfo> {
        let mutations = self.extension::<Mutations>();
        let mut found: Vec<MutationInfo> = mutations.read(|store| {
            let infos = store.entries.keys().filter_map(|id| store.info(*id));
            infos.filter(|info| filter.means(info)).collect()
        });
        if let Some(predicate) = &filter.predicate {
            found.retain(|info| predicate(info));
        }
        found
    }

    /// Calls these calls off, unless they have their answer, and says how many it were. An attempt under way is
    /// dropped; whether the server has done it nobody knows, so [`on_settled`](Mutation::on_settled) runs all
    /// the same. Then they are over, with [`MutationError::Cancelled`](crate::MutationError::Cancelled), and
    /// whoever is next in their line goes.
    pub fn cancel_mutations(&self, filter: impl Into<MutationFilter>) -> usize {
        if self.is_over() {
            return 0;
        }
        let here = self.in_this_scope();
        let mutations = self.extension::<Mutations>();
        let mut count = 0;
        for info in self.matching_mutations(&filter.into()) {
            let run = mutations.read(|store| {
                let entry = store.entries.get(&info.id).filter(|_| !here.is_over())?;
                (!entry.state.answered).then(|| entry.run.clone())
            });
            if let Some(run) = run {
                count += 1;
                run.cancel();
            }
        }
        count
    }

    /// Forgets these calls, as far as they are over. Whoever watches one sees it as if it had not been made.
    pub fn forget_mutations(&self, filter: impl Into<MutationFilter>) {
        if self.is_over() {
            return;
        }
        let here = self.in_this_scope();
        let found = self.matching_mutations(&filter.into());
        self.extension::<Mutations>().step(self, |store, _, fx| {
            for info in found.iter().filter(|_| !here.is_over()) {
                if store.entries.get(&info.id).is_some_and(|entry| entry.phase == Phase::Over) {
                    store.forget(info.id, fx);
                }
            }
        });
    }
}
