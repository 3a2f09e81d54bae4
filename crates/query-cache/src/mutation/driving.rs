//! The life of a call, from the first callback to the last.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::call::DynCall;
use super::context::{MutationContext, Shared};
use super::definition::MutationStep;
use super::part::Mutations;
use super::run::Run;
use super::state::{MutationError, Outcome};
use super::store::Gate;
use crate::client::{QueryClient, WeakQueryClient};
use crate::engine::Value;
use crate::environment::Millis;
use crate::error::ErrorClass;
use crate::retry::wait_before;
use crate::state::Failure;

/// What drives a call. It keeps the client alive only while an attempt or a callback runs.
pub(super) struct Drive {
    pub client: WeakQueryClient,
    pub call: Rc<dyn DynCall>,
    pub run: Rc<Run>,
    pub shared: Rc<Shared>,
}

impl Drop for Drive {
    /// What was to be undone is undone with the call, whoever still holds its context.
    fn drop(&mut self) {
        drop(self.shared.kept.take());
    }
}

/// The client is gone: nothing is over, but there is nobody to tell.
struct Gone;

pub(super) async fn drive(drive: Drive) {
    // Whatever ends it early ends all of it.
    let _ = drive.whole().await;
}

impl Drive {
    async fn whole(&self) -> Result<(), Gone> {
        let outcome = match self.run.unless_cancelled(self.attempts()).await {
            Some(outcome) => outcome?,
            None => Err(MutationError::Cancelled),
        };
        self.step(|store, fx| store.answered(self.shared.id, fx))?;
        if self.shared.begun.get() {
            let first = match &outcome {
                Ok(data) => Some(MutationStep::Succeeded(data.clone())),
                Err(MutationError::Failed(error)) => Some(MutationStep::Failed(error.clone())),
                Err(MutationError::Misuse(_) | MutationError::Cancelled) => None,
            };
            if let Some(first) = first {
                self.callbacks(first).await?;
            }
            self.callbacks(MutationStep::Settled(outcome.clone())).await?;
        }
        self.gate(Gate::Scope).await?;
        // What was to be undone is undone before it is over.
        drop(self.shared.kept.take());
        let (client, mutations) = self.part()?;
        mutations.step(&client, |store, world, fx| store.finish(self.shared.id, &outcome, world.now, fx));
        Ok(())
    }

    async fn attempts(&self) -> Result<Outcome, Gone> {
        self.gate(Gate::Scope).await?;
        self.shared.begun.set(true);
        self.callbacks(MutationStep::Begun).await?;
        loop {
            self.gate(Gate::Attempt).await?;
            self.shared.attempt.set(self.shared.attempt.get().saturating_add(1));
            let answer = self.call.clone().attempt(self.context()?).await;
            self.run.in_task().await;
            match answer {
                Ok(data) => return Ok(Ok(data)),
                Err((error, class)) => {
                    if let Some(outcome) = self.failed(error, class)? {
                        return Ok(outcome);
                    }
                }
            }
        }
    }

    /// The outcome, unless there is another attempt.
    fn failed(&self, error: Value, class: ErrorClass) -> Result<Option<Outcome>, Gone> {
        let (client, mutations) = self.part()?;
        let id = self.shared.id;
        let policy = &self.shared.facts.policy;
        if class == ErrorClass::Offline {
            client.network_failed();
            if !client.world().online && policy.plain.network != crate::options::NetworkMode::Always {
                mutations.step(&client, |store, _, fx| store.failed(id, None, fx));
                return Ok(None);
            }
        }
        let again = policy.retry_if().is_none_or(|judge| judge(&*error));
        let class = if again { class } else { ErrorClass::Permanent };
        let (random, now) = (client.random(), client.now());
        let failures = self.shared.failures.get();
        self.shared.failures.set(failures.saturating_add(1));
        let wait = wait_before(failures, &policy.plain, class, random);
        let failure = Rc::new(Failure {
            attempt: failures.saturating_add(1),
            attempts: policy.plain.retry.saturating_add(1),
            error: error.clone(),
            wait: wait.unwrap_or_default(),
            at: now.plus(Millis::of(wait.unwrap_or_default())),
        });
        mutations.step(&client, |store, _, fx| match wait {
            Some(_) => store.failed(id, Some(failure), fx),
            None => store.failed_for_good(id, failure, fx),
        });
        Ok(wait.is_none().then_some(Err(MutationError::Failed(error))))
    }

    /// Tells all who are to be told of this, one after the other. What happens in a held scope waits.
    async fn callbacks(&self, step: MutationStep) -> Result<(), Gone> {
        self.gate(Gate::Scope).await?;
        let each = self.part()?.1.each.borrow().clone();
        for told in each {
            told(step.clone(), self.context()?).await;
        }
        self.call.clone().step(step, self.context()?).await;
        Ok(())
    }

    async fn gate(&self, gate: Gate) -> Result<(), Gone> {
        poll_fn(|_| {
            let passed = self.part().map(|(client, mutations)| {
                mutations.step(&client, |store, world, fx| store.pass(self.shared.id, gate, world, fx))
            });
            match passed {
                Ok(true) => Poll::Ready(Ok(())),
                Ok(false) => Poll::Pending,
                Err(gone) => Poll::Ready(Err(gone)),
            }
        })
        .await
    }

    fn part(&self) -> Result<(QueryClient, Rc<Mutations>), Gone> {
        let client = self.client.upgrade().ok_or(Gone)?;
        let mutations = client.extension::<Mutations>();
        Ok((client, mutations))
    }

    fn context(&self) -> Result<MutationContext, Gone> {
        let client = self.client.upgrade().ok_or(Gone)?;
        Ok(MutationContext { client, shared: self.shared.clone() })
    }

    fn step<R>(
        &self,
        step: impl FnOnce(&mut super::store::Store, &mut super::store::Fx) -> R,
    ) -> Result<R, Gone> {
        let (client, mutations) = self.part()?;
        Ok(mutations.step(&client, |store, _, fx| step(store, fx)))
    }
}
