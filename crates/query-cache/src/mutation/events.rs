//! What happens to mutations, told to those who listen.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::part::Mutations;
use super::state::{MutationError, MutationId};
use crate::client::{QueryClient, WeakQueryClient};

/// Something that happened to a call of a mutation. Told one turn later, in order, to those who
/// [listen](QueryClient::listen_to_mutations).
#[derive(Clone)]
pub struct MutationEvent {
    /// Which call.
    pub id: MutationId,
    /// What its mutation is called.
    pub name: &'static str,
    /// What happened to it.
    pub happening: MutationHappening,
}

/// What can happen to a call.
#[derive(Clone)]
#[non_exhaustive]
pub enum MutationHappening {
    /// It was made.
    Added,
    /// An attempt is sent, or has to wait.
    Attempt {
        /// It waits for the network, the page, the scope or those before it in its line.
        paused: bool,
    },
    /// It is done.
    Succeeded {
        /// What the server said.
        data: Rc<dyn Any>,
    },
    /// It failed for good, or was called off.
    Failed {
        /// Why.
        error: MutationError<dyn Any>,
    },
    /// It is forgotten.
    Removed,
}

impl fmt::Debug for MutationHappening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MutationHappening::Added => f.write_str("Added"),
            MutationHappening::Attempt { paused } => {
                f.debug_struct("Attempt").field("paused", paused).finish()
            }
            MutationHappening::Succeeded { .. } => f.write_str("Succeeded"),
            MutationHappening::Failed { error: MutationError::Cancelled } => f.write_str("Cancelled"),
            MutationHappening::Failed { .. } => f.write_str("Failed"),
            MutationHappening::Removed => f.write_str("Removed"),
        }
    }
}

impl fmt::Debug for MutationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.happening)
    }
}

type EventListener = Rc<dyn Fn(&MutationEvent)>;

#[derive(Default)]
pub(super) struct Listeners {
    list: RefCell<Vec<(u32, EventListener)>>,
    next: Cell<u32>,
}

impl Listeners {
    /// Tells those who listen, until one of them ends the scope. One that another has removed is told no more.
    pub fn tell(&self, client: &QueryClient, event: &MutationEvent) {
        let numbers: Vec<u32> = self.list.borrow().iter().map(|(number, _)| *number).collect();
        for number in numbers {
            let held =
                self.list.borrow().iter().find(|(held, _)| *held == number).map(|(_, held)| held.clone());
            if let Some(listener) = held.filter(|_| !client.is_over()) {
                listener(event);
            }
        }
    }
}

impl QueryClient {
    /// Tells the listener of all that happens to mutations, one turn later and in order, for as long as the
    /// guard lives.
    pub fn listen_to_mutations(&self, listener: impl Fn(&MutationEvent) + 'static) -> MutationListening {
        let mutations = self.extension::<Mutations>();
        let number = mutations.listeners.next.get();
        mutations.listeners.next.set(number.wrapping_add(1));
        mutations.listeners.list.borrow_mut().push((number, Rc::new(listener)));
        mutations.mark(|store| store.listened = true);
        MutationListening { client: self.downgrade(), number }
    }
}

/// Listens to what happens to mutations until it is dropped. Made by [`QueryClient::listen_to_mutations`].
#[must_use = "it listens only for as long as this lives"]
pub struct MutationListening {
    client: WeakQueryClient,
    number: u32,
}

impl Drop for MutationListening {
    fn drop(&mut self) {
        let Some(client) = self.client.upgrade() else { return };
        let mutations = client.extension::<Mutations>();
        let mut list = mutations.listeners.list.borrow_mut();
        let place = list.iter().position(|(held, _)| *held == self.number);
        let removed = place.map(|place| list.remove(place));
        let more = !list.is_empty();
        drop(list);
        mutations.mark(|store| store.listened = more);
        drop(removed);
    }
}

impl fmt::Debug for MutationListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MutationListening")
    }
}
