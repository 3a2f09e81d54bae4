//! What a fetch or a source can ask its client for.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::client::{QueryClient, WeakQueryClient};
use crate::entry::{FetchCause, Kind};
use crate::error::MissingContext;
use crate::key::QueryKey;

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
    pub(crate) cause: FetchCause,
    pub(crate) focused: bool,
    pub(crate) meta: Option<Rc<dyn Any>>,
    #[cfg(feature = "stream")]
    pub(crate) flight: crate::engine::FlightId,
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

    /// The client, to put what else the answer holds into the cache. It belongs to the scope the fetch was
    /// begun in ([`QueryClient::in_this_scope`](crate::QueryClient::in_this_scope)). `None` when the cache
    /// is gone.
    pub fn client(&self) -> Option<QueryClient> {
        self.client.upgrade()
    }

    /// Which attempt this is; the first is 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Why the fetch was begun.
    pub fn cause(&self) -> FetchCause {
        self.cause
    }

    /// Whether the page could be seen when the attempt was begun.
    pub fn is_focused(&self) -> bool {
        self.focused
    }

    /// What [`QueryOptions::meta`](crate::QueryOptions::meta) was given, if it is of this type.
    pub fn meta<M: 'static>(&self) -> Option<Rc<M>> {
        self.meta.clone()?.downcast().ok()
    }
}

impl fmt::Debug for FetchContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchContext")
            .field("attempt", &self.attempt)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

/// Handed to what feeds a query from outside ([`QueryOptions::fed_by`](crate::QueryOptions::fed_by)): the
/// way into its entry. Does nothing once the scope it was made in has ended.
pub struct SourceContext<T: ?Sized = dyn Any, E: ?Sized = dyn Any> {
    pub(crate) client: WeakQueryClient,
    pub(crate) key: QueryKey,
    pub(crate) kind: Kind,
    types: PhantomData<fn(Rc<T>, Rc<E>)>,
}

impl SourceContext {
    pub(crate) fn new(client: WeakQueryClient, key: QueryKey, kind: Kind) -> Self {
        SourceContext { client, key, kind, types: PhantomData }
    }

    pub(crate) fn typed<T, E>(self) -> SourceContext<T, E> {
        SourceContext { client: self.client, key: self.key, kind: self.kind, types: PhantomData }
    }
}

impl<T: 'static, E: 'static> SourceContext<T, E> {
    /// Newer data. Many in one turn are told once.
    pub fn push(&self, data: T) {
        if let Some(client) = self.client.upgrade() {
            client.push(&self.key, self.kind, Ok(Rc::new(data)));
        }
    }

    /// The source has failed. Data that is there stays.
    pub fn fail(&self, error: E) {
        if let Some(client) = self.client.upgrade() {
            client.push(&self.key, self.kind, Err(Rc::new(error)));
        }
    }

    /// The client, of the scope the source was opened in.
    pub fn client(&self) -> Option<QueryClient> {
        self.client.upgrade()
    }
}

impl<T: ?Sized, E: ?Sized> Clone for SourceContext<T, E> {
    fn clone(&self) -> Self {
        SourceContext {
            client: self.client.clone(),
            key: self.key.clone(),
            kind: self.kind,
            types: PhantomData,
        }
    }
}

impl<T: ?Sized, E: ?Sized> fmt::Debug for SourceContext<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceContext").field(&self.key).finish()
    }
}
