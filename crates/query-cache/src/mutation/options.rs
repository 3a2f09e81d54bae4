//! How a mutation is sent and kept.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use super::definition::Mutation;
use crate::options::{GcTime, NetworkMode, QueryOptions};
use crate::policy::Policy;

/// How a mutation is sent and kept. Handed to [`Mutation::options`] with the defaults in it, to be returned
/// changed. What a call was made with holds for that call to its end.
///
/// What stands earlier is what stands later's default: the client's defaults, those of the mutation's name, the
/// mutation's own [`options`](Mutation::options), and [`with_options`](Mutation::with_options) where it is used.
pub struct MutationOptions<M: ?Sized> {
    policy: Policy,
    mutation: PhantomData<fn(&M)>,
}

/// The options of no mutation in particular: defaults.
pub type DefaultMutationOptions = MutationOptions<()>;

impl<M: ?Sized> fmt::Debug for MutationOptions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = &self.policy.plain;
        f.debug_struct("MutationOptions")
            .field("retry", &plain.retry)
            .field("network", &plain.network)
            .finish_non_exhaustive()
    }
}

impl<M: ?Sized> Default for MutationOptions<M> {
    fn default() -> Self {
        let mut policy = Policy::default();
        policy.plain.retry = 0;
        MutationOptions::of(policy)
    }
}

impl<M: ?Sized> MutationOptions<M> {
    pub(crate) fn of(policy: Policy) -> Self {
        MutationOptions { policy, mutation: PhantomData }
    }

    pub(crate) fn into_policy(self) -> Policy {
        self.policy
    }

    /// The options that a query has, too.
    fn like_query(self, change: impl FnOnce(QueryOptions<()>) -> QueryOptions<()>) -> Self {
        MutationOptions::of(change(QueryOptions::of(self.policy)).into_policy())
    }

    /// How often an attempt that failed is repeated: `retry(2)` makes three attempts. Default 0: a server that
    /// does not know the [idempotency key](crate::MutationContext::idempotency_key) may do it twice.
    pub fn retry(self, times: u32) -> Self {
        self.like_query(|options| options.retry(times))
    }

    /// The wait before another attempt: a random time of up to `first`, twice that, four times and so on,
    /// never over `longest`. Default 1 s and 30 s. An error that says when to come back is obeyed instead.
    pub fn backoff(self, first: Duration, longest: Duration) -> Self {
        self.like_query(|options| options.backoff(first, longest))
    }

    /// What it has to do with the network. Default [`NetworkMode::Online`]: without one it waits.
    pub fn network(self, mode: NetworkMode) -> Self {
        self.like_query(|options| options.network(mode))
    }

    /// How long it is remembered when it is over and nobody watches it. Default: five minutes.
    pub fn gc(self, gc: GcTime) -> Self {
        self.like_query(|options| options.gc(gc))
    }

    /// A value for the mutation ([`MutationContext::meta`](crate::MutationContext::meta)) and for filters.
    pub fn meta<T: 'static>(self, meta: T) -> Self {
        self.like_query(|options| options.meta(meta))
    }
}

impl<M: Mutation> MutationOptions<M> {
    /// Asked, in addition to the error's [class](crate::Classify), whether an error is worth another
    /// attempt. Errors that class themselves permanent or unauthorized are not tried again in any case.
    pub fn retry_if(mut self, judge: impl Fn(&M::Error) -> bool + 'static) -> Self {
        self.policy.custom().retry_if =
            Some(Rc::new(move |error: &dyn Any| error.downcast_ref::<M::Error>().is_none_or(&judge)));
        self
    }
}
