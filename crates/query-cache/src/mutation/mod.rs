//! Mutations: what changes something on a server. One erased store of calls, thin typed shells around it.
//!
//! Client and engine know nothing of this: it registers with the first call.

mod call;
mod context;
mod definition;
mod driving;
mod events;
mod filter;
mod future;
mod going;
mod inline;
mod moving;
mod observer;
mod options;
mod part;
mod run;
#[cfg(feature = "hydrate")]
mod saving;
mod state;
mod store;
mod submitting;
mod telling;
#[cfg(feature = "hydrate")]
mod travelling;

pub use context::{IdempotencyKey, MutationContext};
pub use definition::{Mutation, MutationStep, MutationWith};
pub use events::{MutationEvent, MutationHappening, MutationListening};
pub use filter::{MutationFilter, MutationInfo};
pub use future::MutationFuture;
pub use inline::{InlineMutation, mutation};
pub use observer::{MutationObserver, MutationsObserver};
pub use options::{DefaultMutationOptions, MutationOptions};
#[cfg(feature = "hydrate")]
pub use saving::{ResumeError, SavedMutation, Unfinished};
pub use state::{
    MutationDetails, MutationError, MutationId, MutationSnapshot, MutationState, MutationStatus,
};
