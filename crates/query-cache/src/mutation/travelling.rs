//! Calls that are not over travel with the cache, from page to page, as JSON or by way of a storage.

use std::rc::Rc;

use serde_json::{Value, json};

use super::events::MutationEvent;
use super::part::Mutations;
use super::saving::{ResumeError, SavedMutation};
use crate::client::QueryClient;
use crate::environment::Timestamp;
use crate::hydrate::{Caller, Kept, Section};

/// What they are called in the JSON.
const NAME: &str = "mutations";

struct Travelling;

impl Section for Travelling {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dehydrate(&self, client: &QueryClient) -> Option<Value> {
        let mut saved = client.unfinished_mutations().saved;
        // What nobody has registered yet goes on as it came.
        saved.extend(client.extension::<Mutations>().unresumed.borrow().iter().cloned());
        (!saved.is_empty()).then(|| saved.iter().map(to_json).collect())
    }

    fn hydrate(&self, client: &QueryClient, json: &Value) {
        let saved = json.as_array().into_iter().flatten().filter_map(from_json).collect();
        resume(client, saved);
    }
}

impl Mutations {
    /// One more mutation is registered: what came of it is resumed. With the first, calls begin to travel.
    pub(super) fn travel(&self, client: &QueryClient) {
        if !self.travels.replace(true) {
            client.register_section(Rc::new(Travelling));
            let weak = client.in_scope(None).downgrade();
            let listening = client.listen_to_mutations(move |event| {
                if let Some(client) = weak.upgrade() {
                    hear(&client, event);
                }
            });
            self.keeping.replace(Some(listening));
            client.in_scope(None).keep_calls(Rc::new(Calls));
        }
        let waiting = self.unresumed.take();
        if !waiting.is_empty() {
            resume(&client.in_this_scope(), waiting);
        }
    }
}

/// Has calls kept while they are not over.
struct Calls;

/// What happened to a call is written down, if there is somebody to keep it.
fn hear(client: &QueryClient, event: &MutationEvent) {
    let Some(keeper) = client.keeper() else { return };
    let mutations = client.extension::<Mutations>();
    match client.write_down(|id| id == event.id).0.pop() {
        Some((id, saved)) => {
            mutations.kept.borrow_mut().insert(id, saved.idempotency_key.clone());
            keeper.keep(client, kept(&saved));
        }
        None => {
            let before = mutations.kept.borrow_mut().remove(&event.id);
            if let Some(key) = before {
                keeper.done(client, key.as_str());
            }
        }
    }
}

impl Caller for Calls {
    fn unfinished(&self, client: &QueryClient) -> Vec<Kept> {
        let (found, _) = client.write_down(|_| true);
        let mutations = client.extension::<Mutations>();
        let known = found.iter().map(|(id, saved)| (*id, saved.idempotency_key.clone()));
        mutations.kept.borrow_mut().extend(known);
        let unresumed = mutations.unresumed.borrow().clone();
        found.iter().map(|(_, saved)| saved).chain(&unresumed).map(kept).collect()
    }

    fn go_on(&self, client: &QueryClient, calls: Vec<Value>) {
        resume(client, calls.iter().filter_map(from_json).collect());
    }
}

fn kept(saved: &SavedMutation) -> Kept {
    Kept { name: saved.idempotency_key.as_str().to_owned(), at: saved.submitted_at, json: to_json(saved) }
}

/// Resumes what can be, and keeps what is not registered for when it is. What does not read as its mutation's
/// variables was written by another build: it is dropped.
fn resume(client: &QueryClient, saved: Vec<SavedMutation>) {
    for saved in saved {
        if let Err(ResumeError::Unknown { .. }) = client.resume_mutation(&saved)
            && !client.is_over()
        {
            let mutations = client.extension::<Mutations>();
            let mut unresumed = mutations.unresumed.borrow_mut();
            if unresumed.iter().all(|held| held.idempotency_key != saved.idempotency_key) {
                unresumed.push(saved);
            }
        }
    }
}

fn to_json(saved: &SavedMutation) -> Value {
    json!({
        "name": saved.name,
        "variables": saved.variables,
        "idempotencyKey": saved.idempotency_key.as_str(),
        "submittedAt": saved.submitted_at.as_millis(),
        "sent": saved.sent,
        "paused": saved.paused,
    })
}

/// The line is left out: that is asked of the mutation again.
fn from_json(json: &Value) -> Option<SavedMutation> {
    Some(SavedMutation {
        name: json.get("name")?.as_str()?.to_owned(),
        variables: json.get("variables")?.clone(),
        idempotency_key: json.get("idempotencyKey")?.as_str()?.into(),
        submitted_at: Timestamp::from_millis(json.get("submittedAt")?.as_u64()?),
        line: None,
        sent: json.get("sent")?.as_bool()?,
        paused: json.get("paused")?.as_bool()?,
    })
}
