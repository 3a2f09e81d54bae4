//! A mutation: a typed value that says how something is changed, and what follows from that.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use super::context::MutationContext;
use super::options::MutationOptions;
use super::state::MutationError;
use crate::error::Classify;
use crate::key::QueryKey;

/// Something that is changed on a server.
///
/// ```
/// use query_cache::{Mutation, MutationContext, QueryFilter, query_key};
///
/// struct RenamePost;
///
/// impl Mutation for RenamePost {
///     type Variables = (u64, String);
///     type Data = ();
///     type Error = String;
///
///     fn name(&self) -> &'static str {
///         "rename post"
///     }
///     async fn mutate(&self, (id, title): &(u64, String), cx: MutationContext) -> Result<(), String> {
///         // A server that knows the key does it once, however often it is sent.
///         println!("PUT /posts/{id} {title}, Idempotency-Key: {}", cx.idempotency_key());
///         Ok(())
///     }
///     async fn on_success(&self, _: &(), (id, _): &(u64, String), cx: MutationContext) {
///         let post = QueryFilter::prefix(query_key!["posts", *id]);
///         cx.client().invalidate(post.clone());
///         cx.client().settled(post).await; // pending until the new title is shown
///     }
/// }
/// ```
///
/// In order, each waited for: [`on_mutate`](Mutation::on_mutate), [`mutate`](Mutation::mutate) as often as the
/// options allow, [`on_success`](Mutation::on_success) or [`on_error`](Mutation::on_error),
/// [`on_settled`](Mutation::on_settled). Only then is the call over: it is pending until then.
///
/// What follows cannot fail: the server has done it, whatever becomes of the rest. What can make the whole a
/// failure belongs in `mutate`.
pub trait Mutation: Sized + 'static {
    /// What a call is given.
    type Variables: 'static;
    /// What the server says to it. Handed out as `Rc<Data>`.
    type Data: 'static;
    /// Why it did not work. To use [`MutationContext::get`] with `?`, let it be `From<MissingContext>`.
    type Error: Classify + 'static;

    /// What it is called: in filters and events, and in storage, where one that waits is found again after a
    /// reload. No two mutations of an app have the same.
    fn name(&self) -> &'static str;

    /// How it is sent and kept: the defaults, changed as need be.
    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        defaults
    }

    /// The line that a call with these variables stands in. Of one line, whatever its mutations, one call is
    /// under way at a time, first in, first out; one that fails does not stop those behind it. It leaves the line
    /// after its last callback: one that waits there for another call of its own line waits for ever. `None`, the
    /// default: it waits for no other.
    fn line(&self, variables: &Self::Variables) -> Option<QueryKey> {
        let _ = variables;
        None
    }

    /// One attempt. Write it as `async fn`. What it owns is dropped when the call is called off or the scope
    /// ends.
    fn mutate(
        &self,
        variables: &Self::Variables,
        cx: MutationContext,
    ) -> impl Future<Output = Result<Self::Data, Self::Error>>;

    /// Runs first, in the call itself, whether or not there is a network: the place to show at once what will
    /// be. What has to be undone if it fails is given to [`MutationContext::keep`].
    fn on_mutate(&self, variables: &Self::Variables, cx: MutationContext) -> impl Future<Output = ()> {
        let _ = (variables, cx);
        async {}
    }

    /// The server has done it.
    fn on_success(
        &self,
        data: &Self::Data,
        variables: &Self::Variables,
        cx: MutationContext,
    ) -> impl Future<Output = ()> {
        let _ = (data, variables, cx);
        async {}
    }

    /// The last attempt has failed. Not called for what was called off.
    fn on_error(
        &self,
        error: &Self::Error,
        variables: &Self::Variables,
        cx: MutationContext,
    ) -> impl Future<Output = ()> {
        let _ = (error, variables, cx);
        async {}
    }

    /// It is done, has failed or was called off. Not called when the scope has ended, and not for what was
    /// called off before it began.
    fn on_settled(
        &self,
        outcome: Result<&Self::Data, &MutationError<Self::Error>>,
        variables: &Self::Variables,
        cx: MutationContext,
    ) -> impl Future<Output = ()> {
        let _ = (outcome, variables, cx);
        async {}
    }

    /// The same mutation with other options, where it is used: `RenamePost.with_options(|o| o.retry(2))`.
    fn with_options(
        self,
        change: impl Fn(MutationOptions<Self>) -> MutationOptions<Self> + 'static,
    ) -> MutationWith<Self> {
        MutationWith { mutation: self, change: Box::new(change) }
    }

    /// Of which type it is, whatever it is wrapped in.
    #[doc(hidden)]
    fn __of() -> TypeId {
        TypeId::of::<Self>()
    }
}

/// What happens in a call, as [`QueryClient::on_each_mutation`](crate::QueryClient::on_each_mutation) is told.
#[derive(Clone)]
pub enum MutationStep {
    /// It begins.
    Begun,
    /// The server has done it.
    Succeeded(Rc<dyn Any>),
    /// The last attempt has failed.
    Failed(Rc<dyn Any>),
    /// It is done, has failed or was called off.
    Settled(Result<Rc<dyn Any>, MutationError<dyn Any>>),
}

impl fmt::Debug for MutationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MutationStep::Begun => "Begun",
            MutationStep::Succeeded(_) => "Succeeded",
            MutationStep::Failed(_) => "Failed",
            MutationStep::Settled(_) => "Settled",
        })
    }
}

type Change<M> = Box<dyn Fn(MutationOptions<M>) -> MutationOptions<M>>;

/// A mutation with other options, made by [`Mutation::with_options`].
pub struct MutationWith<M> {
    mutation: M,
    change: Change<M>,
}

impl<M: Mutation> Mutation for MutationWith<M> {
    type Variables = M::Variables;
    type Data = M::Data;
    type Error = M::Error;

    fn name(&self) -> &'static str {
        self.mutation.name()
    }

    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        let own = self.mutation.options(MutationOptions::of(defaults.into_policy()));
        MutationOptions::of((self.change)(own).into_policy())
    }

    fn line(&self, variables: &M::Variables) -> Option<QueryKey> {
        self.mutation.line(variables)
    }

    async fn mutate(&self, variables: &M::Variables, cx: MutationContext) -> Result<M::Data, M::Error> {
        self.mutation.mutate(variables, cx).await
    }

    async fn on_mutate(&self, variables: &M::Variables, cx: MutationContext) {
        self.mutation.on_mutate(variables, cx).await;
    }

    async fn on_success(&self, data: &M::Data, variables: &M::Variables, cx: MutationContext) {
        self.mutation.on_success(data, variables, cx).await;
    }

    async fn on_error(&self, error: &M::Error, variables: &M::Variables, cx: MutationContext) {
        self.mutation.on_error(error, variables, cx).await;
    }

    async fn on_settled(
        &self,
        outcome: Result<&M::Data, &MutationError<M::Error>>,
        variables: &M::Variables,
        cx: MutationContext,
    ) {
        self.mutation.on_settled(outcome, variables, cx).await;
    }

    fn __of() -> TypeId {
        M::__of()
    }
}

impl<M: fmt::Debug> fmt::Debug for MutationWith<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutationWith").field("mutation", &self.mutation).finish_non_exhaustive()
    }
}
