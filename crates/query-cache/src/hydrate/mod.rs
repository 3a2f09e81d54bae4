//! The cache as JSON, and back. Registers with a client when it is first used.

mod codec;
mod dehydrating;
mod format;
mod hydrating;
mod keeping;
pub(crate) mod keys;
mod names;
mod sections;
mod waking;

pub use dehydrating::Dehydrated;
pub(crate) use format::{Packed, number_of, number_of_name};
pub(crate) use hydrating::Put;
pub use hydrating::{HydrateError, Hydrated};
pub(crate) use keeping::{Caller, Keeper, Kept};
pub(crate) use names::NamesInUse;
pub use names::ScopeName;
pub(crate) use waking::is_asleep_name;

use std::cell::RefCell;

use crate::client::{Concern, Extension, Happens, QueryClient};
use crate::filter::QueryFilter;
use crate::key::QueryKey;
use keeping::Keeping;
use names::Named;
pub(crate) use sections::Section;
use sections::Sections;

/// What a client has to remember about it.
#[derive(Default)]
pub(crate) struct Hydration {
    scope: RefCell<Option<Named>>,
    /// What begins with one of these never leaves.
    confidential: RefCell<Vec<QueryKey>>,
    sections: Sections,
    keeping: Keeping,
}

impl Extension for Hydration {
    fn happens(&self, _: &QueryClient, what: Happens) {
        if what == Happens::Ended {
            self.sections.forget();
        }
    }

    fn online(&self, _: &QueryClient, _: fn(&QueryClient)) -> bool {
        false
    }
}

impl QueryClient {
    /// What has a key that begins with these segments never leaves this client: it is neither dehydrated nor
    /// stored nor shown to other tabs, and nothing of the kind is taken in. Holds from now on, in every scope; what was
    /// [stored](QueryClient::persist) before, by this build, is removed.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, QueryClient, query_key};
    /// # let client = QueryClient::new(ManualEnvironment::new(1));
    /// client.keep_confidential(query_key!["payments"]);
    /// ```
    pub fn keep_confidential(&self, prefix: QueryKey) {
        self.extension::<Hydration>().confidential.borrow_mut().push(prefix.clone());
        self.in_scope(None).tell_concern(&QueryFilter::prefix(prefix), Concern::Forgotten);
    }

    pub(crate) fn is_confidential(&self, key: &QueryKey) -> bool {
        let hydration = self.extension::<Hydration>();
        let confidential = hydration.confidential.borrow();
        confidential.iter().any(|prefix| key.starts_with(prefix))
    }
}
