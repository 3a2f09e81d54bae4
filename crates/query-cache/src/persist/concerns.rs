//! What is invalidated or forgotten is so on the storage, too, in the cache or not.

use std::rc::Rc;

use super::Persistence;
use super::index;
use crate::client::{Concern, QueryClient};
use crate::filter::QueryFilter;
use crate::key::QueryKey;

/// As much is remembered of what was said before the index was there.
const MISSED: usize = 256;

/// What was said of all queries that a filter means, when it was said.
pub(super) struct Said {
    filter: QueryFilter,
    concern: Concern,
    /// Whose they are.
    scopes: Vec<String>,
    /// What the filter means of what is in the cache, and what it does not, if only the cache can tell.
    meant: Vec<String>,
    /// In order.
    spared: Vec<String>,
}

impl Persistence {
    pub(super) fn concerns(self: &Rc<Self>, client: &QueryClient, filter: &QueryFilter, concern: Concern) {
        let name = client.scope_name();
        let scopes = [None, name.as_ref().map(|name| name.as_str())];
        let rests = |keys: Vec<QueryKey>| -> Vec<String> {
            let of = |scope| keys.iter().filter_map(move |key| index::rest(scope, &self.how.build, key));
            scopes.into_iter().flat_map(of).collect()
        };
        let (mut meant, mut spared) = (Vec::new(), Vec::new());
        if filter.predicate.is_some() || !filter.is_by_key() {
            let mut slots = client.matching(filter);
            slots.sort_unstable();
            let keys = |is: bool| {
                client.read(|engine| {
                    let all = engine.matching(&QueryFilter::all(), client.now()).into_iter();
                    let these = all.filter(|slot| slots.binary_search(slot).is_ok() == is);
                    these.filter_map(|slot| engine.get(slot)).map(|entry| entry.key.clone()).collect()
                })
            };
            (meant, spared) = (rests(keys(true)), rests(keys(false)));
            spared.sort_unstable();
        }
        let named = scopes.iter().skip(1).flatten().map(|name| index::scope_part(Some(name)));
        let scopes = std::iter::once(index::scope_part(None)).chain(named).collect();
        let said = Said { filter: filter.clone(), concern, scopes, meant, spared };
        if self.loaded.get() { self.do_as(client, &said) } else { self.miss(said) }
    }

    /// It is seen to when the index is there. If that takes for ever, nothing in it is believed.
    fn miss(&self, said: Said) {
        let mut missed = self.missed.borrow_mut();
        let full = missed.len() >= MISSED;
        let before = if full { std::mem::take(&mut *missed) } else { Vec::new() };
        if full {
            let mut scopes: Vec<_> =
                before.iter().chain([&said]).flat_map(|said| said.scopes.clone()).collect();
            scopes.sort_unstable();
            scopes.dedup();
            let (filter, concern) = (QueryFilter::all(), Concern::Forgotten);
            missed.push(Said { filter, concern, scopes, meant: Vec::new(), spared: Vec::new() });
        } else {
            missed.push(said);
        }
        drop(missed);
        drop(before);
    }

    /// Does with what is stored as was said.
    pub(super) fn do_as(self: &Rc<Self>, client: &QueryClient, said: &Said) {
        let mut meant = self.index.borrow().meant(&said.filter, &said.scopes, &self.how.build);
        meant.retain(|rest| said.spared.binary_search(rest).is_err());
        meant.extend(said.meant.iter().cloned());
        match said.concern {
            Concern::Forgotten => self.forget(client, meant),
            Concern::Invalidated(_) => {
                let mut index = self.index.borrow_mut();
                meant.retain(|rest| index.invalidate(rest));
                drop(index);
                self.outdated.borrow_mut().extend(meant);
                self.write_soon(client);
            }
        }
    }
}
