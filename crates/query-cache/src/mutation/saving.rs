//! Calls that outlive the page: written down by name, and resumed.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use serde_core::de::DeserializeOwned;
use serde_core::{Deserialize as _, Serialize};
use serde_json::Value as Json;

use super::call::{Call, DynCall};
use super::context::IdempotencyKey;
use super::definition::Mutation;
use super::part::Mutations;
use super::state::MutationId;
use super::store::Phase;
use super::submitting::Resumed;
use crate::client::QueryClient;
use crate::environment::Timestamp;
use crate::key::QueryKey;

/// How to write down and read the variables of the mutations of one name.
pub(super) struct Registered {
    name: &'static str,
    encode: fn(&dyn Any) -> Option<Json>,
    decode: Box<Decode>,
}

type Decode = dyn Fn(&Json) -> Result<Rc<dyn DynCall>, serde_json::Error>;

/// A call that is not over, as it can be put in storage and [resumed](QueryClient::resume_mutation).
#[derive(Clone, Debug, PartialEq)]
pub struct SavedMutation {
    /// What its mutation is called.
    pub name: String,
    /// What it was given.
    pub variables: Json,
    /// What it is named to the server, before the reload and after.
    pub idempotency_key: IdempotencyKey,
    /// When it was made. In its line it stands by that.
    pub submitted_at: Timestamp,
    /// The line it stands in. Not needed to resume it: that is asked of the mutation again.
    pub line: Option<QueryKey>,
    /// An attempt has begun, here or before a reload, so the server may know of it: to send it again is safe if the server heeds the
    /// idempotency key.
    pub sent: bool,
    /// It is not being sent at this moment.
    pub paused: bool,
}

/// What [`QueryClient::unfinished_mutations`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unfinished {
    /// In the order in which they were made.
    pub saved: Vec<SavedMutation>,
    /// How many could not be written down: their mutation is not
    /// [registered](QueryClient::register_mutation), or its variables refuse.
    pub skipped: usize,
}

/// Why a call cannot be resumed.
#[derive(Debug)]
pub enum ResumeError {
    /// No mutation of this name is registered.
    Unknown {
        /// The name.
        name: String,
    },
    /// The variables are not those of the mutation of this name: it was another build that wrote them, say.
    Variables {
        /// The name.
        name: String,
        /// What serde says.
        error: serde_json::Error,
    },
    /// The scope that it was to be resumed in has ended.
    Over,
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResumeError::Unknown { name } => write!(
                f,
                "no mutation is registered as {name:?}: call `client.register_mutation(..)` before anything is \
                 resumed"
            ),
            ResumeError::Variables { name, error } => {
                write!(f, "what was saved of the mutation {name:?} cannot be read: {error}")
            }
            ResumeError::Over => f.write_str("the scope in which it was to be resumed has ended"),
        }
    }
}

impl Error for ResumeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ResumeError::Variables { error, .. } => Some(error),
            ResumeError::Unknown { .. } | ResumeError::Over => None,
        }
    }
}

impl QueryClient {
    /// Lets calls of this mutation be written down while they wait, and resumed after a reload, by its
    /// [name](Mutation::name). Call it when the app starts, before anything is resumed; a later one of the same
    /// name replaces an earlier one. Belongs to no scope: it outlives them.
    ///
    /// From then on they also travel with the cache, under the scope's name: [`dehydrate`](QueryClient::dehydrate)
    /// takes along those that are not over, and [`hydrate`](QueryClient::hydrate) resumes them. With
    /// [`persist`](QueryClient::persist) each is on the storage until it is over, and resumed when the app starts
    /// again.
    pub fn register_mutation<M>(&self, mutation: M)
    where
        M: Mutation<Variables: Serialize + DeserializeOwned>,
    {
        fn encode<V: Serialize + 'static>(variables: &dyn Any) -> Option<Json> {
            serde_json::to_value(variables.downcast_ref::<V>()?).ok()
        }
        let mutation = Rc::new(mutation);
        let registered = Rc::new(Registered {
            name: mutation.name(),
            encode: encode::<M::Variables>,
            decode: Box::new(move |json| {
                let variables = Rc::new(M::Variables::deserialize(json)?);
                Ok(Rc::new(Call { mutation: mutation.clone(), variables }))
            }),
        });
        let mutations = self.extension::<Mutations>();
        let mut list = mutations.registered.borrow_mut();
        let place = list.iter().position(|held| held.name == registered.name);
        let before = place.map(|place| list.remove(place));
        list.push(registered);
        drop(list);
        drop(before);
        mutations.travel(self);
    }

    /// The calls of this scope that are not over and whose mutation is
    /// [registered](QueryClient::register_mutation), to be put in storage. Those that have their answer, and
    /// only their callbacks still run, are not among them. In a held scope, too: what is found is for storage
    /// that belongs to the scope, not to be shown.
    pub fn unfinished_mutations(&self) -> Unfinished {
        let (saved, skipped) = self.write_down(|_| true);
        Unfinished { saved: saved.into_iter().map(|(_, saved)| saved).collect(), skipped }
    }

    /// Those of them that are meant, and how many could not be written down.
    pub(super) fn write_down(
        &self,
        meant: impl Fn(MutationId) -> bool,
    ) -> (Vec<(MutationId, SavedMutation)>, usize) {
        let (mut saved, mut skipped) = (Vec::new(), 0);
        if self.is_over() {
            return (saved, skipped);
        }
        let mutations = self.extension::<Mutations>();
        let mut waiting: Vec<_> = mutations.read(|store| {
            let waiting = store.entries.iter().filter(|(id, entry)| meant(**id) && !entry.state.answered);
            waiting.map(|(id, entry)| (*id, entry.facts.clone(), entry.sent > 0, entry.phase)).collect()
        });
        waiting.sort_by_key(|(id, facts, ..)| (facts.submitted_at, *id));
        for (id, facts, sent, phase) in waiting {
            // User code writes them down: the list is let go before.
            let registered = mutations.registered(facts.name);
            let Some(variables) = registered.and_then(|registered| (registered.encode)(&*facts.variables))
            else {
                skipped += 1;
                continue;
            };
            let paused = matches!(phase, Phase::Gated(_));
            let written = SavedMutation {
                name: facts.name.to_owned(),
                variables,
                idempotency_key: facts.key.clone(),
                submitted_at: facts.submitted_at,
                line: facts.line.clone(),
                sent,
                paused,
            };
            saved.push((id, written));
        }
        (saved, skipped)
    }

    /// Makes a call again that was written down, with its idempotency key and its place in its line; callbacks
    /// begin with [`on_mutate`](Mutation::on_mutate), since what that showed went with the page. While there
    /// is no network it waits, as any. One that this client has already, by its idempotency key, is not made
    /// twice. Resume them in the order in which they were found, before new ones are made.
    ///
    /// # Errors
    /// [`ResumeError`], when the name is not registered, the variables cannot be read or this handle's scope is
    /// over. Nothing is made then.
    pub fn resume_mutation(&self, saved: &SavedMutation) -> Result<MutationId, ResumeError> {
        let here = self.in_this_scope();
        let mutations = self.extension::<Mutations>();
        let unknown = || ResumeError::Unknown { name: saved.name.clone() };
        let registered = mutations.registered(&saved.name).ok_or_else(unknown)?;
        let call = (registered.decode)(&saved.variables)
            .map_err(|error| ResumeError::Variables { name: saved.name.clone(), error })?;
        if here.is_over() {
            return Err(ResumeError::Over);
        }
        let held = mutations.read(|store| {
            let mut held = store.entries.iter().filter(|(_, held)| held.facts.key == saved.idempotency_key);
            held.next().map(|(id, _)| *id)
        });
        if let Some(held) = held {
            return Ok(held);
        }
        let resumed = Resumed {
            key: saved.idempotency_key.clone(),
            submitted_at: saved.submitted_at,
            sent: saved.sent,
        };
        Ok(here.submit(call, Some(resumed)).0)
    }
}

impl Mutations {
    fn registered(&self, name: &str) -> Option<Rc<Registered>> {
        self.registered.borrow().iter().find(|held| held.name == name).cloned()
    }
}
