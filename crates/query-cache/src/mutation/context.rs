//! What a mutation can ask for.

use std::any::{Any, TypeId, type_name};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::state::{Facts, MutationId};
use crate::client::QueryClient;
use crate::environment::Timestamp;
use crate::error::MissingContext;

/// Names one call of a mutation, and stays the same when it is tried again, also after a reload. Sent with the
/// request (as `Idempotency-Key`, say), it lets a server do once what it is told twice.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(Rc<str>);

impl IdempotencyKey {
    /// In the form of a random UUID (version 4).
    pub(super) fn random(first: u64, second: u64) -> Self {
        let (a, b, c) = (first >> 32, (first >> 16) & 0xffff, first & 0xfff);
        let (d, e) = (((second >> 48) & 0x3fff) | 0x8000, second & 0xffff_ffff_ffff);
        IdempotencyKey(format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}").into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key that was kept in storage.
impl From<&str> for IdempotencyKey {
    fn from(text: &str) -> Self {
        IdempotencyKey(text.into())
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What all steps of one call share.
pub(crate) struct Shared {
    pub id: MutationId,
    pub facts: Rc<Facts>,
    pub resumed: bool,
    pub begun: Cell<bool>,
    pub attempt: Cell<u32>,
    pub failures: Cell<u32>,
    pub kept: RefCell<Vec<Rc<dyn Any>>>,
}

/// Handed to a mutation's [`mutate`](crate::Mutation::mutate) and callbacks: all of one call share it. It keeps
/// the cache alive for as long as an attempt or a callback has it. Where it was the last to do so, nothing follows.
#[derive(Clone)]
pub struct MutationContext {
    pub(super) client: QueryClient,
    pub(super) shared: Rc<Shared>,
}

impl MutationContext {
    /// The client, to put the answer into the cache and say what is out of date. It belongs to the scope the
    /// call was made in ([`QueryClient::in_this_scope`]).
    pub fn client(&self) -> &QueryClient {
        &self.client
    }

    /// The value of this type that was given to [`QueryClient::provide`].
    ///
    /// # Errors
    /// [`MissingContext`] when nobody provided one.
    pub fn get<T: 'static>(&self) -> Result<Rc<T>, MissingContext> {
        let provided = self.client.provided(TypeId::of::<T>());
        let typed = provided.and_then(|value| value.downcast().ok());
        typed.ok_or(MissingContext { type_name: type_name::<T>() })
    }

    /// Names this call to the server, the same for each of its attempts, also after a reload.
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.shared.facts.key
    }

    /// Which call this is.
    pub fn id(&self) -> MutationId {
        self.shared.id
    }

    /// What the mutation is [called](crate::Mutation::name).
    pub fn name(&self) -> &'static str {
        self.shared.facts.name
    }

    /// When the call was made: before the reload, if there was one.
    pub fn submitted_at(&self) -> Timestamp {
        self.shared.facts.submitted_at
    }

    /// How many attempts have begun; the first is 1. Zero in [`on_mutate`](crate::Mutation::on_mutate).
    pub fn attempt(&self) -> u32 {
        self.shared.attempt.get()
    }

    /// Whether the call was made before a reload, and resumed.
    pub fn is_resumed(&self) -> bool {
        self.shared.resumed
    }

    /// What [`MutationOptions::meta`](crate::MutationOptions::meta) was given, if it is of this type.
    pub fn meta<T: 'static>(&self) -> Option<Rc<T>> {
        self.shared.facts.policy.meta()?.clone().downcast().ok()
    }

    /// Keeps a value for later callbacks: a guard that undoes what was shown at once. It is dropped when the
    /// call is over, after the last callback, and when it is thrown away because the scope has ended, unless
    /// it is [taken](MutationContext::take) before.
    ///
    /// ```
    /// # use query_cache::{ManualEnvironment, Mutation, MutationContext, QueryClient};
    /// struct Undo(String);
    /// # struct Rename;
    /// # impl Mutation for Rename {
    /// # type Variables = String; type Data = (); type Error = String;
    /// # fn name(&self) -> &'static str { "rename" }
    /// # async fn mutate(&self, _: &String, _: MutationContext) -> Result<(), String> { Ok(()) }
    /// async fn on_mutate(&self, _: &String, cx: MutationContext) {
    ///     cx.keep(Undo("what it was before".to_owned()));
    /// }
    /// async fn on_error(&self, _: &String, _: &String, cx: MutationContext) {
    ///     if let Some(undo) = cx.take::<Undo>() {
    ///         println!("back to {}", undo.0);
    ///     }
    /// }
    /// # }
    /// ```
    pub fn keep<T: 'static>(&self, value: T) {
        let value: Rc<dyn Any> = Rc::new(value);
        self.shared.kept.borrow_mut().push(value);
    }

    /// What was kept of this type, first the latest.
    pub fn kept<T: 'static>(&self) -> Option<Rc<T>> {
        let kept = self.shared.kept.borrow().iter().rev().find(|value| value.is::<T>()).cloned();
        kept?.downcast().ok()
    }

    /// Takes what was kept of this type, first the latest. `None` also while somebody holds what
    /// [`kept`](MutationContext::kept) gave him.
    pub fn take<T: 'static>(&self) -> Option<T> {
        let mut kept = self.shared.kept.borrow_mut();
        let place = kept.iter().rposition(|value| value.is::<T>() && Rc::strong_count(value) == 1)?;
        let value = kept.remove(place);
        drop(kept);
        Rc::into_inner(value.downcast::<T>().ok()?)
    }
}

impl fmt::Debug for MutationContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutationContext")
            .field("name", &self.name())
            .field("idempotency_key", self.idempotency_key())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}
