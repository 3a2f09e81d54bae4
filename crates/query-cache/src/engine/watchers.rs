//! Those who watch an entry: a list through the observers themselves, so that watching allocates nothing, keeps
//! its order and ends in constant time.

use super::{Observer, ObserverSlot};
use crate::slab::Slab;

/// The ends of the list. The rest of it is in the observers' [`Links`].
#[derive(Clone, Copy)]
pub(crate) struct Watchers {
    first: ObserverSlot,
    last: ObserverSlot,
    count: u32,
}

/// An observer's neighbours in the list of its entry.
#[derive(Clone, Copy)]
pub(crate) struct Links {
    before: ObserverSlot,
    next: ObserverSlot,
}

impl Links {
    pub const NONE: Links = Links { before: ObserverSlot::NONE, next: ObserverSlot::NONE };
}

impl Default for Watchers {
    fn default() -> Self {
        Watchers { first: ObserverSlot::NONE, last: ObserverSlot::NONE, count: 0 }
    }
}

impl Watchers {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub(super) fn iter<'a>(
        &self,
        observers: &'a Slab<Observer>,
    ) -> impl Iterator<Item = (ObserverSlot, &'a Observer)> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let observer = observers.get(at.0)?;
            Some((std::mem::replace(&mut at, observer.links.next), observer))
        })
    }

    /// Calls `act` for each, in order.
    pub(super) fn each(
        &self,
        observers: &mut Slab<Observer>,
        mut act: impl FnMut(ObserverSlot, &mut Observer),
    ) {
        let mut at = self.first;
        while let Some(observer) = observers.get_mut(at.0) {
            let next = observer.links.next;
            act(at, observer);
            at = next;
        }
    }

    /// Puts an observer that is in no list at the end of this.
    pub(super) fn push(&mut self, observers: &mut Slab<Observer>, name: ObserverSlot) {
        let before = std::mem::replace(&mut self.last, name);
        match observers.get_mut(before.0) {
            Some(before) => before.links.next = name,
            None => self.first = name,
        }
        if let Some(observer) = observers.get_mut(name.0) {
            observer.links = Links { before, next: ObserverSlot::NONE };
        }
        self.count += 1;
    }

    /// Strikes the observer that has, or had, these neighbours.
    pub(super) fn strike(&mut self, observers: &mut Slab<Observer>, links: Links) {
        let Links { before, next } = links;
        match observers.get_mut(before.0) {
            Some(observer) => observer.links.next = next,
            None => self.first = next,
        }
        match observers.get_mut(next.0) {
            Some(observer) => observer.links.before = before,
            None => self.last = before,
        }
        self.count = self.count.saturating_sub(1);
    }
}
