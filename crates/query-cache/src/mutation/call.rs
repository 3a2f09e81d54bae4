//! What the store needs of a call, whatever its types.

use std::any::TypeId;
use std::rc::Rc;

use super::context::MutationContext;
use super::definition::{Mutation, MutationStep};
use super::options::MutationOptions;
use super::state::typed_error;
use crate::engine::Value;
use crate::environment::LocalBoxFuture;
use crate::error::Classify;
use crate::key::QueryKey;
use crate::policy::Policy;
use crate::query::Answer;

pub(crate) trait DynCall {
    fn name(&self) -> &'static str;
    fn of(&self) -> TypeId;
    fn policy(&self, defaults: Policy) -> Policy;
    fn line(&self) -> Option<QueryKey>;
    fn variables(&self) -> Value;
    fn attempt(self: Rc<Self>, cx: MutationContext) -> LocalBoxFuture<Answer>;
    /// One future for all callbacks: each further one would be code for each further mutation.
    fn step(self: Rc<Self>, step: MutationStep, cx: MutationContext) -> LocalBoxFuture<()>;
}

/// A mutation and its variables.
pub(crate) struct Call<M: Mutation> {
    pub mutation: Rc<M>,
    pub variables: Rc<M::Variables>,
}

impl<M: Mutation> DynCall for Call<M> {
    fn name(&self) -> &'static str {
        self.mutation.name()
    }

    fn of(&self) -> TypeId {
        M::__of()
    }

    fn policy(&self, defaults: Policy) -> Policy {
        self.mutation.options(MutationOptions::of(defaults)).into_policy()
    }

    fn line(&self) -> Option<QueryKey> {
        self.mutation.line(&self.variables)
    }

    fn variables(&self) -> Value {
        self.variables.clone()
    }

    fn attempt(self: Rc<Self>, cx: MutationContext) -> LocalBoxFuture<Answer> {
        Box::pin(async move {
            match self.mutation.mutate(&self.variables, cx).await {
                Ok(data) => Ok(Rc::new(data) as Value),
                Err(error) => {
                    let class = error.class();
                    Err((Rc::new(error) as Value, class))
                }
            }
        })
    }

    fn step(self: Rc<Self>, step: MutationStep, cx: MutationContext) -> LocalBoxFuture<()> {
        Box::pin(async move {
            let (mutation, variables) = (&self.mutation, &*self.variables);
            match step {
                MutationStep::Begun => mutation.on_mutate(variables, cx).await,
                MutationStep::Succeeded(data) => {
                    if let Some(data) = data.downcast_ref() {
                        mutation.on_success(data, variables, cx).await;
                    }
                }
                MutationStep::Failed(error) => {
                    if let Some(error) = error.downcast_ref() {
                        mutation.on_error(error, variables, cx).await;
                    }
                }
                MutationStep::Settled(Ok(data)) => {
                    if let Some(data) = data.downcast_ref() {
                        mutation.on_settled(Ok(data), variables, cx).await;
                    }
                }
                MutationStep::Settled(Err(error)) => {
                    if let Some(error) = typed_error(&error) {
                        mutation.on_settled(Err(&error), variables, cx).await;
                    }
                }
            }
        })
    }
}
