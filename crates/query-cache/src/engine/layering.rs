//! What lies over an entry's data, as far as the engine knows: it keeps it, and says what there is below.

use std::any::Any;

use super::{Effects, Engine, Garbage, Trash, Value};
use crate::events::Happening;
use crate::slab::Slot;
#[cfg(feature = "stream")]
use crate::state::same_data;
use crate::state::{Action, State};

/// The layers over an entry.
pub(crate) trait Layers: Any {
    /// The data below.
    fn base(&self) -> Option<&Value>;

    /// Changes with every change of them.
    fn version(&self) -> u64;

    /// There is other data below, or none. Where a fetch brought it, the layers go that waited for one begun so
    /// late. Says whether any are left.
    fn land(&mut self, base: Option<&Value>, fetch: Option<u64>, version: u64, garbage: &mut Trash) -> bool;
}

/// What has become of the data below the layers over an entry.
#[derive(Clone, Copy)]
pub(crate) enum Landing<'a> {
    /// There is other data, or none. A fetch brought it, or nothing of the kind.
    Data(Option<&'a Value>, Option<u64>),
    /// What a stream had taken away is there again.
    #[cfg(feature = "stream")]
    Back(&'a Value),
    /// The scope has ended.
    ScopeEnd,
}

/// There is one only where layers have been laid, so that an app without does not hold it.
pub(crate) type Lander = fn(&mut Engine, Slot, Landing<'_>, &mut Effects);

pub(crate) fn land(engine: &mut Engine, slot: Slot, landing: Landing<'_>, fx: &mut Effects) {
    match landing {
        Landing::Data(base, fetch) => engine.land_below(slot, base, fetch, fx),
        #[cfg(feature = "stream")]
        Landing::Back(base) => {
            engine.land_below(slot, Some(base), None, fx);
            // Other layers may have been laid since.
            fx.later.push(Box::new(move |client| client.see_again(slot)));
        }
        Landing::ScopeEnd => engine.bare(slot, fx),
    }
}

/// What is to be seen of data, through the layers of that version.
pub(crate) struct Folded {
    pub seen: Value,
    pub version: u64,
}

impl Engine {
    /// The number of the last attempt that was begun.
    pub fn last_number(&self) -> u64 {
        self.fetches
    }

    /// The version of the layers over an entry, if there are any.
    pub fn layers_version(&self, slot: Slot) -> Option<u64> {
        self.entries.get(slot)?.layers().map(Layers::version)
    }

    pub fn layers_mut(&mut self, slot: Slot) -> Option<&mut dyn Layers> {
        self.entries.get_mut(slot)?.extra.as_mut()?.layers.as_deref_mut()
    }

    /// Has it seen to that there is other data below the layers over an entry, if any entry has some.
    pub(super) fn land(&mut self, slot: Slot, landing: Landing<'_>, fx: &mut Effects) {
        if let Some(lander) = self.lander {
            lander(self, slot, landing, fx);
        }
    }

    /// Who sees to that from now on.
    pub fn set_lander(&mut self, lander: Lander) {
        self.lander = Some(lander);
    }

    fn land_below(&mut self, slot: Slot, base: Option<&Value>, fetch: Option<u64>, fx: &mut Effects) {
        let Some(extra) = self.entries.get_mut(slot).and_then(|entry| entry.extra.as_mut()) else { return };
        let Some(layers) = &mut extra.layers else { return };
        self.fetches += 1;
        if !layers.land(base, fetch, self.fetches, &mut fx.garbage) {
            fx.garbage.extend(extra.layers.take().map(Garbage::Layers));
        }
    }

    /// Takes the layers off what outlives the scope: those who put them there are gone.
    fn bare(&mut self, slot: Slot, fx: &mut Effects) {
        let Some(extra) = self.entries.get_mut(slot).and_then(|entry| entry.extra.as_mut()) else { return };
        let Some(layers) = extra.layers.take() else { return };
        if let Some(base) = layers.base() {
            self.apply(slot, &Action::Show { data: base }, fx);
        }
        fx.garbage.push(Garbage::Layers(layers));
    }

    /// Lays other layers over an entry, if it is in this state still, or in any case: what is seen changes with
    /// them. `commits`: some have become part of the base, so an answer to a fetch begun before is older.
    pub fn lay(
        &mut self,
        slot: Slot,
        layers: Option<Box<dyn Layers>>,
        seen: Option<&Value>,
        commits: bool,
        fx: &mut Effects,
    ) {
        let Some(entry) = self.entries.get_mut(slot) else {
            fx.garbage.extend(layers.map(Garbage::Layers));
            return;
        };
        let extra = entry.extra.get_or_insert_default();
        fx.garbage.extend(std::mem::replace(&mut extra.layers, layers).map(Garbage::Layers));
        if commits {
            entry.writes = entry.writes.wrapping_add(1);
        }
        if let Some(data) = seen {
            self.apply(slot, &Action::Show { data }, fx);
        }
        if commits {
            self.tell(slot, Happening::Written, fx);
        }
    }

    /// Shows what is seen of the data below the layers, if that is still what is there.
    #[cfg(feature = "stream")]
    pub fn show(&mut self, slot: Slot, base: &Value, seen: &Value, fx: &mut Effects) {
        let Some(entry) = self.entries.get(slot) else { return };
        if same_data(entry.base(), Some(base)) && !same_data(entry.data(), Some(seen)) {
            self.apply(slot, &Action::Show { data: seen }, fx);
        }
    }

    /// The state of an entry: the same for as long as nothing has changed.
    pub fn state(&self, slot: Slot) -> Option<std::rc::Rc<State>> {
        self.entries.get(slot).map(|entry| entry.state.clone())
    }
}
