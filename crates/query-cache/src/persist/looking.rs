//! Off the storage: before first data is fetched, it is looked for there.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::index::{self, DATA, META};
use super::{Persistence, Persisting, StorageFault};
use crate::client::QueryClient;
use crate::engine::{Arrival, Engine, Later, Look, Value};
use crate::environment::Timestamp;
use crate::key::QueryKey;
use crate::policy::Policy;

/// Looks for the data of an entry, and tells the engine what came of it.
pub(super) fn look(look: Look) -> Later {
    Box::new(move |client| {
        let persistence = client.extension::<Persisting>().get();
        let wanted = persistence.and_then(|persistence| Wanted::new(client, persistence, look));
        match wanted {
            Some(wanted) => wanted.begin(client),
            None => client.step(|engine, now, fx| engine.look_is_over(look, None, now, fx)),
        }
    })
}

/// One thing to look for.
struct Wanted {
    persistence: Rc<Persistence>,
    look: Look,
    key: QueryKey,
    policy: Rc<Policy>,
    rest: String,
}

/// What was found.
struct Found {
    data: Value,
    at: Timestamp,
    invalidated: bool,
}

impl Found {
    fn arrival(&self) -> Arrival<'_> {
        Arrival { data: &self.data, at: self.at, invalidated: self.invalidated, replaces: false }
    }
}

impl Wanted {
    /// `None`: there is no need to look.
    fn new(client: &QueryClient, persistence: Rc<Persistence>, look: Look) -> Option<Self> {
        let (key, policy) = client.read(|engine| {
            let entry = engine.get(look.entry)?;
            Some((entry.key.clone(), entry.policy.clone()))
        })?;
        let scope = if policy.plain.public { None } else { Some(client.in_scope(None).scope_name()?) };
        let rest = index::rest(scope.as_ref().map(|name| name.as_str()), &persistence.how.build, &key)?;
        let now = client.now();
        let absent = persistence.loaded.get() && persistence.known(&rest, now).is_none();
        let useless = absent || persistence.off.get() || persistence.is_silent(now);
        (!useless && !client.is_confidential(&key)).then_some(Wanted { persistence, look, key, policy, rest })
    }

    fn begin(self, client: &QueryClient) {
        let patience = self.persistence.how.patience;
        let look = self.look;
        client.step(|engine, now, _| engine.look_until(look, now.plus(patience), now));
        let here = client.in_scope((!self.policy.plain.public).then(|| client.read(Engine::scope)));
        let weak = here.downgrade();
        here.begin_task(Box::pin(async move {
            let found = self.find(&weak).await;
            let Some(client) = weak.upgrade().filter(|client| !client.is_over()) else { return };
            let entry = look.entry;
            match &found {
                None => client.step(|engine, now, fx| engine.look_is_over(look, None, now, fx)),
                Some(found) => client.see(&|_| Some(entry), &found.data, None, &|engine, seen, now, fx| {
                    engine.look_is_over(look, Some((found.arrival(), seen)), now, fx);
                }),
            }
            drop(found);
        }));
    }

    async fn find(&self, client: &crate::client::WeakQueryClient) -> Option<Found> {
        let persistence = &self.persistence;
        persistence.until_loaded().await;
        let known = persistence.known(&self.rest, client.upgrade()?.now())?;
        let name = persistence.name(DATA, &self.rest);
        let text = match persistence.ask(client, persistence.how.storage.get(&name)).await {
            Ok(text) => text,
            Err(error) => {
                persistence.fault(StorageFault::Broken(error.to_string().into()));
                return None;
            }
        };
        let client = client.upgrade().filter(|client| !client.is_over())?;
        // Nothing is to be made of what was purged or removed meanwhile.
        let known = persistence.known(&self.rest, client.now()).filter(|now| now.at == known.at)?;
        let Some(text) = text else {
            // Another tab needed the room.
            persistence.forget(&client, vec![self.rest.clone()]);
            return None;
        };
        let codec = self.policy.codec()?;
        match (codec.decode)(&text) {
            Ok(data) => Some(Found { data, at: known.at, invalidated: known.invalidated }),
            Err(error) => {
                persistence.forget(&client, vec![self.rest.clone()]);
                if !client.is_over() {
                    client.step(|engine, _, fx| {
                        if let Some(slot) = engine.find_entry(self.look.entry, &self.key) {
                            engine.tell_not_decoded(slot, error.into(), fx);
                        }
                    });
                }
                None
            }
        }
    }
}

impl Persistence {
    pub(super) fn name(&self, kind: &str, rest: &str) -> String {
        index::prefix(&self.how.app, kind) + rest
    }

    /// What is known of an entry that is young enough.
    fn known(&self, rest: &str, now: Timestamp) -> Option<index::Known> {
        let index = self.index.borrow();
        index.get(rest).filter(|known| now.past(known.at) <= self.how.max_age).cloned()
    }

    /// Reads what there is.
    pub(super) fn load(self: &Rc<Self>, client: &QueryClient) {
        let (this, weak) = (self.clone(), client.downgrade());
        let prefix = index::prefix(&this.how.app, META);
        client.begin_task(Box::pin(async move {
            let listed = this.ask(&weak, this.how.storage.list(&prefix)).await;
            let Some(client) = weak.upgrade() else { return };
            match listed {
                Ok(records) => this.take_in(&client, records, &prefix),
                Err(error) => this.fault(StorageFault::Broken(error.to_string().into())),
            }
            this.loaded.set(true);
            for waker in this.waiting.take() {
                waker.wake();
            }
            let missed = this.missed.take();
            missed.iter().for_each(|said| this.do_as(&client, said));
            this.write_soon(&client);
            this.serve(&client);
        }));
    }

    fn take_in(self: &Rc<Self>, client: &QueryClient, records: Vec<super::Stored>, prefix: &str) {
        let now = client.now();
        let (mut index, mut gone) = index::Index::read(records, prefix, &self.how.build, now);
        self.purged_early.take().iter().for_each(|scope| index.remove_scope(scope));
        gone.extend(index.remove_keys(|key| client.is_confidential(key)));
        gone.extend(index.expire(self.how.max_age, now));
        gone.extend(index.shrink(self.how.budget));
        self.index.replace(index);
        self.removed.borrow_mut().extend(gone);
    }

    async fn until_loaded(&self) {
        poll_fn(|cx| {
            if self.loaded.get() {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
