//! Whose data it is, by a name that means the same tomorrow and in another tab.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::Hydration;
use crate::client::{Happens, QueryClient};
use crate::engine::Engine;

/// The name of a scope: somebody's id, say, with that of the organization they act for. What belongs to
/// somebody is taken out, stored and shared under it, and taken in under the same name only. It is written
/// beside the data, so it is no secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ScopeName(Rc<str>);

impl ScopeName {
    /// This name. An empty one is a name like any other.
    pub fn new(name: impl Into<Rc<str>>) -> Self {
        ScopeName(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopeName").field(&self.0).finish()
    }
}

/// The scope that has the name.
pub(super) struct Named {
    scope: u32,
    name: ScopeName,
    /// Names that it had before.
    before: Vec<ScopeName>,
}

impl QueryClient {
    /// Gives the scope that is open now, or held, its name. The name goes with the scope.
    pub fn name_scope(&self, name: ScopeName) {
        if self.is_over() {
            return;
        }
        let scope = self.read(Engine::scope);
        let hydration = self.extension::<Hydration>();
        let before = hydration.scope.take().filter(|named| named.scope == scope);
        if before.as_ref().is_some_and(|named| named.name == name) {
            hydration.scope.replace(before);
            return;
        }
        let before = before.map_or_else(Vec::new, |named| [named.before, vec![named.name]].concat());
        hydration.scope.replace(Some(Named { scope, name, before }));
        self.tell_extensions(Happens::Named);
    }

    /// All names that the scope that is open now has had, and its number.
    fn scope_names(&self) -> (u32, Vec<ScopeName>) {
        let scope = self.read(Engine::scope);
        let hydration = self.extension::<Hydration>();
        let named = hydration.scope.borrow();
        let names = |named: &Named| [&*named.before, std::slice::from_ref(&named.name)].concat();
        (scope, named.as_ref().filter(|named| named.scope == scope).map_or_else(Vec::new, names))
    }

    /// The name of the scope that is open now, if it was given one.
    pub fn scope_name(&self) -> Option<ScopeName> {
        let scope = self.read(Engine::scope);
        let hydration = self.extension::<Hydration>();
        let named = hydration.scope.borrow();
        named.as_ref().filter(|named| named.scope == scope && !self.is_over()).map(|named| named.name.clone())
    }
}

/// The names under which something is kept elsewhere, until their scopes have ended. Each is given back once: the next
/// scope may be named before the end of this one is seen to, and may have the same name.
#[derive(Default)]
pub(crate) struct NamesInUse(RefCell<Vec<(u32, ScopeName)>>);

impl NamesInUse {
    /// Something is kept under the names of the scope that is open.
    pub fn note(&self, client: &QueryClient) {
        let (scope, names) = client.scope_names();
        let mut noted = self.0.borrow_mut();
        for name in names {
            if !noted.iter().any(|(of, held)| *of == scope && *held == name) {
                noted.push((scope, name));
            }
        }
    }

    /// Those of scopes that have ended.
    pub fn ended(&self, client: &QueryClient) -> Vec<ScopeName> {
        let scope = client.read(Engine::scope);
        let (open, ended) = self.0.take().into_iter().partition(|(of, _)| *of == scope);
        self.0.replace(open);
        Vec::into_iter(ended).map(|(_, name)| name).collect()
    }
}
