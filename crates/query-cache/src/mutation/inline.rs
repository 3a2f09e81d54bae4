//! A mutation made of a name and a closure.

use std::fmt;
use std::marker::PhantomData;

use super::context::MutationContext;
use super::definition::Mutation;
use crate::error::Classify;

/// A mutation made of a name and a closure, by [`mutation`].
pub struct InlineMutation<F, V, T, E> {
    name: &'static str,
    mutate: F,
    types: PhantomData<fn(V) -> (T, E)>,
}

/// A mutation on the spot, for small cases that do not deserve a type.
///
/// ```
/// use query_cache::{ManualEnvironment, MutationContext, QueryClient, QueryFilter, mutation, query_key};
///
/// let like = mutation("like", async |post: &u64, cx: MutationContext| {
///     println!("POST /posts/{post}/like");
///     cx.client().invalidate(QueryFilter::prefix(query_key!["posts", *post]));
///     Ok::<_, String>(())
/// });
/// let client = QueryClient::new(ManualEnvironment::new(1));
/// client.mutate(like, 7).detach();
/// ```
pub fn mutation<F, V, T, E>(name: &'static str, mutate: F) -> InlineMutation<F, V, T, E>
where
    F: AsyncFn(&V, MutationContext) -> Result<T, E> + 'static,
    V: 'static,
    T: 'static,
    E: Classify + 'static,
{
    InlineMutation { name, mutate, types: PhantomData }
}

impl<F, V, T, E> Mutation for InlineMutation<F, V, T, E>
where
    F: AsyncFn(&V, MutationContext) -> Result<T, E> + 'static,
    V: 'static,
    T: 'static,
    E: Classify + 'static,
{
    type Variables = V;
    type Data = T;
    type Error = E;

    fn name(&self) -> &'static str {
        self.name
    }

    async fn mutate(&self, variables: &V, cx: MutationContext) -> Result<T, E> {
        (self.mutate)(variables, cx).await
    }
}

impl<F, V, T, E> fmt::Debug for InlineMutation<F, V, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InlineMutation").field(&self.name).finish()
    }
}
