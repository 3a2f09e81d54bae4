//! Out of the cache.

use std::fmt;

use serde_json::value::RawValue;

use super::Hydration;
use super::format::{Packed, VERSION, Whole, number_of};
use super::waking::Sleeping;
use crate::client::QueryClient;
use crate::engine::Parcel;
use crate::filter::QueryFilter;
use crate::slab::Slot;

/// What [`QueryClient::dehydrate`] comes to. Its `Debug` does not show the data.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Dehydrated {
    /// One JSON value, for [`QueryClient::hydrate`].
    pub json: String,
    /// How many entries are in it.
    pub written: usize,
    /// How many that the filter means are not: they have no data, their query does not opt in, they belong to
    /// somebody and the scope has no name, they are confidential, or they do not encode.
    pub skipped: usize,
}

impl fmt::Debug for Dehydrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dehydrated { json, written, skipped } = self;
        f.debug_struct("Dehydrated")
            .field("bytes", &json.len())
            .field("written", written)
            .field("skipped", skipped)
            .finish()
    }
}

impl QueryClient {
    /// The data of all queries that the filter means and that [opt in](crate::QueryOptions::dehydrated), as one
    /// JSON value, with the time each arrived. What belongs to somebody is in it only if the scope has a
    /// [name](QueryClient::name_scope) and is not held. Errors are not, nor is what is still being fetched.
    pub fn dehydrate(&self, filter: impl Into<QueryFilter>) -> Dehydrated {
        let here = self.in_this_scope();
        let scope = here.scope_name();
        let slots = here.matching(&filter.into());
        let meant = slots.len();
        let entries: Vec<Packed> =
            slots.into_iter().filter_map(|slot| here.pack_slot(slot, scope.is_some())).collect();
        let mut sections = serde_json::Map::new();
        if scope.is_some() && !here.is_held() {
            sections = here.extension::<Hydration>().sections.pack(&here);
        }
        if here.is_over() {
            // By the code of a predicate or of data.
            return Dehydrated { skipped: meant, ..Dehydrated::default() };
        }
        let written = entries.len();
        let scope = scope.as_ref().map(|name| name.as_str());
        let whole = Whole { version: VERSION, scope, entries, sections };
        match serde_json::to_string(&whole) {
            Ok(json) => Dehydrated { json, written, skipped: meant.saturating_sub(written) },
            Err(_) => Dehydrated { skipped: meant, ..Dehydrated::default() },
        }
    }

    fn pack_slot(&self, slot: Slot, named: bool) -> Option<Packed> {
        let parcel = self.read(|engine| engine.parcel(slot))?;
        if !parcel.public && !named { None } else { self.pack(&parcel) }
    }

    /// Runs user code. `None`: it is not to leave.
    pub(crate) fn pack(&self, parcel: &Parcel) -> Option<Packed> {
        if self.is_confidential(&parcel.key) {
            return None;
        }
        if let Some(sleeping) = parcel.data.downcast_ref::<Sleeping>() {
            return Packed::new(parcel, sleeping.query, sleeping.json()?);
        }
        let codec = parcel.codec?;
        let json = (codec.encode)(&*parcel.data).ok()?;
        Packed::new(parcel, number_of(parcel.kind), RawValue::from_string(json).ok()?)
    }
}
