//! Parts of the cache that register when they are first used: what an app never calls is not in its binary.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::rc::Rc;

use super::QueryClient;
#[cfg(feature = "hydrate")]
use crate::{engine::Then, filter::QueryFilter, hydrate::Packed, key::QueryKey};

/// What happens to a client as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happens {
    /// The scope is held.
    Held,
    /// A held scope is open again.
    Restored,
    /// The scope has ended, and another is open.
    Ended,
    /// The network is gone.
    Offline,
    /// The page is seen again.
    Focused,
    /// The page is seen no more.
    Hidden,
    /// The alarm rang, perhaps too early.
    Alarm,
    /// The turn ends: those who watch are told next.
    Turn,
    /// Those who watch have been told.
    Told,
    /// The scope has a name from now on, or another.
    #[cfg(feature = "hydrate")]
    Named,
}

/// A part that client and engine do not know by name.
pub(crate) trait Extension: 'static {
    /// Something has happened to the client. The engine has changed already, and is not borrowed.
    fn happens(&self, client: &QueryClient, what: Happens);

    /// The network is back. Says `true` where something of its own goes first, and calls `then`, which fetches
    /// queries again, when that is over.
    fn online(&self, client: &QueryClient, then: fn(&QueryClient)) -> bool;

    /// These queries are invalidated, or forgotten, wherever they are: what is in the cache is seen to by whoever
    /// tells this.
    #[cfg(feature = "hydrate")]
    fn concerns(&self, _client: &QueryClient, _filter: &QueryFilter, _concern: Concern) {}

    /// Another tab has this, and nobody here has asked for it: on a storage that both use it is there.
    #[cfg(feature = "hydrate")]
    fn is_elsewhere(&self, _client: &QueryClient, _key: &QueryKey, _entry: &Packed) {}
}

/// What is done to all queries that a filter means.
#[cfg(feature = "hydrate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// They are out of date, and this is fetched at once.
    Invalidated(Then),
    /// They are to be forgotten.
    Forgotten,
}

struct Held {
    of: TypeId,
    extension: Rc<dyn Extension>,
    /// The same, to be had by its type.
    any: Rc<dyn Any>,
}

#[derive(Default)]
pub(super) struct Extensions(RefCell<Vec<Held>>);

impl Extensions {
    fn get<T: Extension>(&self, make: impl FnOnce() -> T) -> Rc<T> {
        let of = TypeId::of::<T>();
        let held = self.0.borrow().iter().find(|held| held.of == of).map(|held| held.any.clone());
        if let Some(found) = held.and_then(|any| any.downcast().ok()) {
            return found;
        }
        let made = Rc::new(make());
        self.0.borrow_mut().push(Held { of, extension: made.clone(), any: made.clone() });
        made
    }

    fn all(&self) -> Vec<Rc<dyn Extension>> {
        self.0.borrow().iter().map(|held| held.extension.clone()).collect()
    }
}

impl QueryClient {
    /// The part of this type, made when it is first asked for.
    pub(crate) fn extension<T: Extension + Default>(&self) -> Rc<T> {
        self.shared.extensions.get(T::default)
    }

    pub(crate) fn tell_extensions(&self, what: Happens) {
        for extension in self.shared.extensions.all() {
            extension.happens(self, what);
        }
    }

    #[cfg(feature = "hydrate")]
    pub(crate) fn tell_concern(&self, filter: &QueryFilter, concern: Concern) {
        if !self.is_over() {
            for extension in self.shared.extensions.all() {
                extension.concerns(self, filter, concern);
            }
        }
    }

    #[cfg(feature = "hydrate")]
    pub(crate) fn tell_elsewhere(&self, key: &QueryKey, entry: &Packed) {
        for extension in self.shared.extensions.all() {
            extension.is_elsewhere(self, key, entry);
        }
    }

    /// Whether one of them sees to it that `then` is called.
    pub(super) fn extensions_go_first(&self, then: fn(&QueryClient)) -> bool {
        self.shared.extensions.all().iter().any(|extension| extension.online(self, then))
    }
}
