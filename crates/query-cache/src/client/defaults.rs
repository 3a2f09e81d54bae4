//! Options that hold for many queries.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::QueryClient;
use crate::key::QueryKey;
use crate::options::{DefaultOptions, QueryOptions};
use crate::policy::Policy;
use crate::query::DynQuery;

type Change = Rc<dyn Fn(DefaultOptions) -> DefaultOptions>;

type LookUp = fn(&Defaults, &QueryKey) -> Policy;

/// Changes to the options, in the order in which they count, each with the prefix it is for.
#[derive(Default)]
pub(super) struct Defaults {
    changes: RefCell<Vec<(Option<QueryKey>, Change)>>,
    /// What looks them up. Named only where some are set, so that an app that sets none does not hold it.
    look_up: Cell<Option<LookUp>>,
}

impl Defaults {
    fn of(&self, key: &QueryKey) -> Policy {
        // User code: a copy of the list, so that it may set some.
        let changes = self.changes.borrow();
        let fits = |prefix: &Option<QueryKey>| prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix));
        let fitting: Vec<Change> =
            changes.iter().filter(|(prefix, _)| fits(prefix)).map(|(_, change)| change.clone()).collect();
        drop(changes);
        fitting.iter().fold(QueryOptions::default(), |options, change| change(options)).into_policy()
    }
}

impl QueryClient {
    /// The options that queries begin with. They count from then on, for what is asked for anew; a later
    /// call replaces an earlier one.
    pub fn set_default_options(&self, change: impl Fn(DefaultOptions) -> DefaultOptions + 'static) {
        self.put_default(None, Rc::new(change));
    }

    /// The options that queries begin with whose keys begin with these segments, on top of the client's. A
    /// query that several prefixes fit gets all of them, in the order in which they were first given; a
    /// later call for the same prefix replaces an earlier one.
    pub fn set_prefix_options(
        &self,
        prefix: QueryKey,
        change: impl Fn(DefaultOptions) -> DefaultOptions + 'static,
    ) {
        self.put_default(Some(prefix), Rc::new(change));
    }

    fn put_default(&self, prefix: Option<QueryKey>, change: Change) {
        self.shared.defaults.look_up.set(Some(Defaults::of));
        let mut defaults = self.shared.defaults.changes.borrow_mut();
        let before = match defaults.iter_mut().find(|(held, _)| *held == prefix) {
            Some((_, held)) => Some(std::mem::replace(held, change)),
            None => {
                let place = if prefix.is_none() { 0 } else { defaults.len() };
                defaults.insert(place, (prefix, change));
                None
            }
        };
        drop(defaults);
        drop(before);
    }

    /// What all options of a query come to.
    pub(super) fn policy(&self, key: &QueryKey, query: &dyn DynQuery) -> Rc<Policy> {
        let policy = query.policy(self.default_policy(key));
        self.shared.policies.borrow_mut().share(policy)
    }

    pub(crate) fn default_policy(&self, key: &QueryKey) -> Policy {
        let defaults = &self.shared.defaults;
        defaults.look_up.get().map_or_else(Policy::default, |look_up| look_up(defaults, key))
    }

    pub(crate) fn share(&self, policy: Policy) -> Rc<Policy> {
        self.shared.policies.borrow_mut().share(policy)
    }
}
