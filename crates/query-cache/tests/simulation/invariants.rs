//! What must be true after each step.

use query_cache::{Details, FetchStatus, NetworkMode, QueryClient, Snapshot, Status, Timestamp};

use super::keys::{DEAR, FED, FIXED, KEYS, Look, name_of, network};
use super::model::Facts;
use super::program::Act;
use super::value::{Fault, Origin, Value};
use super::views::{Observing, Shown};
use super::world::World;

impl World {
    /// `ran`: the world has just run until nothing was ready.
    pub fn check(&self, ran: bool) {
        let Some(client) = self.client() else { return };
        self.quiet.set(true);
        for key in 0..KEYS {
            let snapshot = client.snapshot(&self.item(key, Look::PLAIN));
            let facts = self.facts(key, |facts| facts.clone());
            self.check_requests(key, &facts, ran);
            if snapshot.is_some() && self.is_hidden(key) {
                self.breaks("a held scope shows nothing", || name_of(key));
            }
            if let Some(snapshot) = &snapshot {
                self.check_entry(key, &facts, snapshot);
            }
            if ran && !self.is_hidden(key) {
                self.check_activity(key, snapshot.as_ref());
            }
        }
        self.each_view(|slot, _| self.check_view(slot, ran));
        self.check_counts(&client);
        self.quiet.set(false);
    }

    /// What the server sees.
    fn check_requests(&self, key: usize, facts: &Facts, ran: bool) {
        let live = self.server.live(key);
        if live > 1 {
            self.breaks("one fetch at a time", || format!("{live} of {}", name_of(key)));
        }
        let waited_for = || self.calls.borrow().iter().any(|call| call.key == key && !call.is_done());
        let wanted = facts.watchers > 0 || facts.detached || key == DEAR || waited_for();
        // Within the turn somebody else may come to want it.
        if ran && live > 0 && !wanted {
            self.breaks("what nobody wants is not fetched", || name_of(key));
        }
    }

    /// What is stored.
    fn check_entry(&self, key: usize, facts: &Facts, snapshot: &Snapshot) {
        self.look_at(key, &snapshot.state::<Value, Fault>(), &|| "the cache".to_owned());
        let details: Details<Fault> = snapshot.details();
        let Some(data) = snapshot.any_data().and_then(|data| data.downcast_ref::<Value>()) else { return };
        let fetched = data.origin == Origin::Fetched;
        let newest = data.confirmed.get();
        if fetched && newest < facts.written {
            self.breaks("an older answer does not replace a newer write", || {
                format!("{} was fetched at {newest} and written at {}", name_of(key), facts.written)
            });
        }
        // A write that was forgotten meanwhile is not undone.
        let kept = facts.written > facts.called_off;
        if data.origin == Origin::Updated && data.born < facts.written && kept {
            self.breaks("an update does not undo a newer write", || {
                format!("{} was made at {} and written at {}", name_of(key), data.born, facts.written)
            });
        }
        if fetched && newest < facts.floor {
            self.breaks("what is forgotten stays forgotten", || {
                format!("{} was fetched at {newest} and forgotten at {}", name_of(key), facts.floor)
            });
        }
        if data.origin == Origin::StandIn {
            self.breaks("a placeholder is not stored", || name_of(key));
        }
        // An unwatched entry may have gone and come back without anybody's noticing.
        let same_entry = facts.watchers > 0 && facts.invalidated > facts.watched_since;
        let behind = if fetched {
            newest < facts.invalidated
        } else {
            same_entry && facts.answered < facts.invalidated
        };
        if behind && !details.invalidated {
            self.breaks("no invalidation is lost", || {
                format!(
                    "{} is taken to be up to date; invalidated at {}, its data is of {newest}",
                    name_of(key),
                    facts.invalidated
                )
            });
        }
        if data.born == 0 || snapshot.is_stale() && key == FIXED {
            self.breaks("what is static is never stale", || name_of(key));
        }
    }

    /// What the cache says it does is what it does.
    fn check_activity(&self, key: usize, snapshot: Option<&Snapshot>) {
        let live = self.server.live(key);
        let Some(snapshot) = snapshot else {
            if live > 0 {
                self.breaks("what is fetched has an entry", || name_of(key));
            }
            return;
        };
        let state = snapshot.state::<Value, Fault>();
        let details: Details<Fault> = snapshot.details();
        // When it is tried again; an error pushed meanwhile hides that.
        let due = match state.retry() {
            Some(retry) => Some(retry.at).filter(|_| retry.waiting),
            None => Some(Timestamp::MAX).filter(|_| details.status == Status::Error && details.failures > 0),
        };
        let rings = due.is_some_and(|due| self.env.alarm_at().is_some_and(|alarm| alarm <= due));
        let weather = self.weather.get();
        let offline = !weather.online && network(key) != NetworkMode::Always;
        let right = match details.fetch_status {
            FetchStatus::Idle => live == 0,
            FetchStatus::Fetching => live == 1 || rings,
            FetchStatus::Paused => live == 0 && (offline || !weather.focused),
        };
        if !right {
            self.breaks("what was asked for is being done", || {
                format!("{} is {snapshot:?}; requests: {live}; {weather:?}", name_of(key))
            });
        }
        if live == 0 && details.fetch_status == FetchStatus::Idle {
            // Whatever was to go on unwatched is over.
            self.facts(key, |facts| facts.detached = false);
        }
    }

    fn check_view(&self, slot: usize, ran: bool) {
        let Some(view) = self.view(slot) else { return };
        let key = view.key.get();
        let who = || format!("observer {slot}");
        let snapshot = match &view.observing {
            Observing::Whole(observer) => observer.snapshot(),
            Observing::Part(observer) => {
                if let Some(picked) = observer.selected() {
                    self.owned(picked.owner, || format!("what {} has selected of {}", who(), name_of(key)));
                }
                observer.snapshot()
            }
        };
        let state = snapshot.state::<Value, Fault>();
        self.look_at(key, &state, &who);
        if self.is_hidden(key) {
            if Shown::of(&state) != (Shown::Pending { paused: false, retry: None }) {
                self.breaks("a held scope shows nothing", || format!("{} shows {}", who(), name_of(key)));
            }
            return;
        }
        if !ran {
            return;
        }
        if let Some((shows, told)) = view.shows()
            && told.as_ref() != Some(&shows)
        {
            self.breaks("who watches is told", || format!("{} shows {shows:?}; told: {told:?}", who()));
        }
        let details: Details<Fault> = snapshot.details();
        if details.fetch_status != FetchStatus::Idle || details.status == Status::Error {
            return;
        }
        let facts = self.facts(key, |facts| facts.clone());
        if view.look.get().enabled && details.status == Status::Pending && !facts.is_called_off {
            self.breaks("what is asked for settles", || {
                format!("{} waits for {}, which nobody fetches", who(), name_of(key))
            });
        }
        if let Some(must) = facts.must.filter(|_| view.asks.get())
            && facts.answered.max(facts.failed) < must
        {
            self.breaks("no invalidation is lost", || {
                let answered = facts.answered;
                format!(
                    "{} watches {}, invalidated at {must}, last fetched at {answered}, now idle",
                    who(),
                    name_of(key)
                )
            });
        }
    }

    fn check_counts(&self, client: &QueryClient) {
        let views = self.views.borrow().iter().flatten().count();
        if client.observer_count() != views {
            self.breaks("guards are counted", || format!("{} of {views}", client.observer_count()));
        }
        if client.query_count() > KEYS {
            self.breaks("a key has one entry", || client.query_count().to_string());
        }
        let open = self.ledger.count("source");
        let watched = i64::from(self.facts(FED, |facts| facts.watchers > 0));
        if open != watched {
            self.breaks("a source is open while its query is watched", || {
                format!("{open} open, {watched} watched")
            });
        }
    }
}

impl Act {
    /// Whether nothing is ready once it is done.
    pub fn runs(&self) -> bool {
        matches!(self, Act::Run | Act::Pass(_))
    }
}
