//! What a fetch can ask its client for.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::client::WeakQueryClient;
use crate::error::MissingContext;

/// Values that fetches need, one of each type.
#[derive(Default)]
pub(crate) struct Provided(RefCell<Vec<(TypeId, Rc<dyn Any>)>>);

impl Provided {
    pub fn put(&self, of: TypeId, value: Rc<dyn Any>) {
        let mut values = self.0.borrow_mut();
        let before = match values.iter_mut().find(|(held, _)| *held == of) {
            Some((_, held)) => Some(std::mem::replace(held, value)),
            None => {
                values.push((of, value));
                None
            }
        };
        // The value before may have a `Drop` that provides something: let go of the list first.
        drop(values);
        drop(before);
    }

    pub fn get(&self, of: TypeId) -> Option<Rc<dyn Any>> {
        self.0.borrow().iter().find(|(held, _)| *held == of).map(|(_, value)| value.clone())
    }
}

/// Handed to [`Query::fetch`](crate::Query::fetch), one for each attempt.
#[derive(Clone)]
pub struct FetchContext {
    pub(crate) client: WeakQueryClient,
    pub(crate) attempt: u32,
}

impl FetchContext {
    /// The value of this type that was given to [`QueryClient::provide`](crate::QueryClient::provide).
    ///
    /// # Errors
    /// [`MissingContext`] when nobody provided one.
    pub fn get<T: 'static>(&self) -> Result<Rc<T>, MissingContext> {
        self.client
            .upgrade()
            .and_then(|client| client.provided(TypeId::of::<T>()))
            .and_then(|value| value.downcast().ok())
            .ok_or(MissingContext { type_name: type_name::<T>() })
    }

    /// Which attempt this is; the first is 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl fmt::Debug for FetchContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchContext").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
