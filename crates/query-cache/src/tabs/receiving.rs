//! What other tabs say.

use std::rc::Rc;

use super::messages::{From, Header, Message, Says, VERSION};
use super::{Company, Tab, Write, updated_at};
use crate::client::{Concern, QueryClient};
use crate::engine::Then;
use crate::filter::QueryFilter;
use crate::hydrate::{Packed, Put, keys};
use crate::policy::Policy;

/// What another tab says of its data.
struct Origin {
    written: bool,
    knew: Vec<(u64, u64)>,
    sent: Option<u64>,
    answers: Option<(u64, u64)>,
}

impl Tab {
    /// Runs user code.
    pub(super) fn receive(self: &Rc<Self>, client: &QueryClient, message: &str) {
        let Ok(Header { from }) = serde_json::from_str::<Header>(message) else { return };
        let ours = from.version == VERSION && from.app == self.how.app && from.build == self.how.build;
        let scope = client.scope_name();
        let same_scope = from.scope.as_deref() == scope.as_ref().map(|name| name.as_str());
        if !ours || !same_scope || from.tab == self.number {
            return;
        }
        let Ok(Message { from, says }) = serde_json::from_str(message) else { return };
        self.company.set(Company::Others);
        self.learn(from.tab, from.changes);
        let here = client.in_this_scope();
        match says {
            Says::Hello => self.say(&here, Says::Here { knows: self.knowledge() }),
            Says::Here { knows } => knows.into_iter().for_each(|(tab, changes)| self.learn(tab, changes)),
            Says::Wanted { key, question } => {
                if let Some(key) = keys::from_json(&key) {
                    self.tell_data(&here, &key, false, Some((from.tab, question)));
                }
            }
            Says::Data { entry, written, knew, sent, answers } => {
                self.take_in(&here, &from, entry, Origin { written, knew, sent, answers });
            }
            Says::Outdated { meant, fetch } => {
                self.outdated.borrow_mut().insert(from.tab, from.changes);
                let then = if fetch { Then::FetchActive } else { Then::Nothing };
                self.receiving.set(true);
                meant.filters().into_iter().for_each(|filter| outdate(&here, filter, then));
                self.receiving.set(false);
            }
            Says::Ended => {
                self.receiving.set(true);
                here.end_scope();
                self.receiving.set(false);
            }
        }
    }

    /// Others may have said what was not heard.
    pub(super) fn missed(&self, client: &QueryClient) {
        self.say(client, Says::Hello);
        let here = client.in_this_scope();
        let named = here.scope_name().is_some();
        invalidate_shared(&here, &QueryFilter::all(), Then::FetchActive, |policy| {
            policy.codec().is_some() && (named || policy.plain.public)
        });
    }

    /// Data that another tab has, of what is in this one too.
    fn take_in(
        &self,
        here: &QueryClient,
        from: &From,
        mut entry: Packed,
        Origin { written, knew, sent, answers }: Origin,
    ) {
        let Some(key) = entry.key().filter(|_| entry.public || here.scope_name().is_some()) else { return };
        let slots = here.read(|engine| engine.same_key(&key));
        if slots.is_empty() {
            // Who asks for it here will ask for it there.
            return here.tell_elsewhere(&key, &entry);
        }
        let knew = |of: u64| knew.iter().find(|(tab, _)| *tab == of).map_or(0, |(_, changes)| *changes);
        let write = Write { at: entry.at, tab: from.tab, change: from.changes };
        let last = self.written.borrow().get(&key).copied();
        // A write that it did not know of is newer than what was fetched, unless that was sent for after it, and of two
        // writes the later one counts, in all tabs alike.
        let after = |last: &Write| !written && sent.is_some_and(|sent| sent > last.at);
        let unknown =
            last.filter(|last| last.tab != from.tab && last.change > knew(last.tab) && !after(last));
        let late = |sent: Option<u64>| sent.is_some_and(|sent| sent > write.at);
        if written && late(self.sent.borrow().get(&key).copied()) {
            return; // What is here was sent for after it.
        }
        if unknown.is_some_and(|last| !(written && (write.at, write.tab) > (last.at, last.tab))) {
            return;
        }
        if written {
            self.written.borrow_mut().insert(key.clone(), write);
            // What was fetched here meanwhile was sent for before.
            entry.at = entry.at.max(updated_at(here, &key).saturating_add(1));
        }
        let outdated = here.read(|engine| {
            slots.iter().any(|slot| engine.get(*slot).is_some_and(|entry| entry.state.invalidated))
        });
        // A write does not ask the server, and an answer that was sent for before an invalidation does not know of it,
        // whichever tab that came from.
        let unasked =
            || self.outdated.borrow().iter().any(|(tab, last)| *tab != from.tab && *last > knew(*tab));
        entry.invalidated |= outdated && (written || unasked());
        let put = here.unpack_as(entry, written);
        if put == Put::Taken {
            self.note_sent(&key, sent.filter(|_| !written));
        }
        if written && put == Put::Taken && !here.is_over() && !late(self.sent_since(&key)) {
            here.mark(|engine| slots.iter().for_each(|slot| engine.count_as_write(*slot)));
        }
        if !here.is_over() {
            self.answered(here, &key, answers);
        }
    }
}

/// Without a name only what is public is shared.
fn outdate(here: &QueryClient, filter: QueryFilter, then: Then) {
    if here.scope_name().is_some() {
        return here.invalidate_then(filter, then);
    }
    here.tell_concern(&filter, Concern::Invalidated(then));
    invalidate_shared(here, &filter, then, |policy| policy.plain.public);
}

/// Of what the filter means, that of which the policy says so.
fn invalidate_shared(here: &QueryClient, filter: &QueryFilter, then: Then, is: impl Fn(&Policy) -> bool) {
    let slots = here.matching(filter);
    here.step(|engine, now, fx| {
        for slot in slots {
            if engine.get(slot).is_some_and(|entry| is(&entry.policy)) {
                engine.invalidate(slot, then, now, fx);
            }
        }
    });
}
