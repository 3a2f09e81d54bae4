//! Data, and what is seen of it through the layers over it. Where none were ever laid, that is the data.

use super::QueryClient;
use crate::engine::{Effects, Engine, FlightId, Initially, Value, land};
use crate::environment::Timestamp;
use crate::slab::Slot;

/// How often something is begun again that changes while user code runs.
pub(crate) const ROUNDS: usize = 8;

/// Where the entry is that data is for.
pub(crate) type Find<'a> = &'a dyn Fn(&Engine) -> Option<Slot>;

/// What is done with what is seen of data.
pub(crate) type Act<'a> = &'a dyn Fn(&mut Engine, &Value, Timestamp, &mut Effects);

/// What looks through layers. Named where some are laid, so that an app without does not hold it.
#[derive(Clone, Copy)]
pub(crate) struct Glass {
    /// What is seen of data: the answer to this attempt, or no answer.
    pub look: fn(&QueryClient, Find<'_>, &Value, Option<FlightId>) -> Value,
    /// Acts with that.
    pub act: fn(&QueryClient, Find<'_>, &Value, Option<FlightId>, Act<'_>),
}

impl QueryClient {
    pub(crate) fn look_through(&self, glass: Glass) {
        self.shared.glass.set(Some(glass));
        self.mark(|engine| engine.set_lander(land));
    }

    /// What is seen of data to begin with.
    pub(super) fn initially(&self, data: Value, at: Option<Timestamp>, find: Find<'_>) -> Initially {
        let glass = self.shared.glass.get();
        let seen = glass.map_or_else(|| data.clone(), |glass| (glass.look)(self, find, &data, None));
        Initially { data, seen, at }
    }

    /// Acts on the engine with what is seen of the data.
    pub(crate) fn see(&self, find: Find<'_>, data: &Value, by: Option<FlightId>, act: Act<'_>) {
        match self.shared.glass.get() {
            Some(glass) => (glass.act)(self, find, data, by, act),
            None => self.step(|engine, now, fx| act(engine, data, now, fx)),
        }
    }

    /// Looks again at what is below the layers over an entry.
    #[cfg(feature = "stream")]
    pub(crate) fn see_again(&self, slot: Slot) {
        if let Some(base) = self.read(|engine| engine.get(slot)?.base().cloned()) {
            self.see(&|_| Some(slot), &base, None, &|engine, seen, _, fx| engine.show(slot, &base, seen, fx));
        }
    }
}
