//! Whose turn it is to fetch.

use std::any::Any;
use std::rc::Rc;

use super::{Company, Sharing, Tab};
use crate::client::QueryClient;
use crate::engine::{Engine, Later, Look};
use crate::environment::Timestamp;
use crate::hydrate::keys;
use crate::key::QueryKey;

use super::messages::Says;

/// A fetch that waits for its turn, or has it.
pub(super) struct Turn {
    pub look: Look,
    /// Turns go on in the order in which they were begun.
    number: u64,
    /// When it began to wait.
    pub since: Timestamp,
    /// Waits for others to say that they have it, until then.
    asked: Option<Timestamp>,
    /// It waits in the line until then.
    gives_up: Timestamp,
    place: Place,
    /// Somebody else was before it in the line.
    waited: bool,
    /// Has asked the others.
    has_asked: bool,
    /// What was known of other tabs' changes when it was sent.
    pub knew: Option<Vec<(u64, u64)>>,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}

enum Place {
    /// In the line. The number tells it from one before.
    Waits(u64),
    Has(#[expect(dead_code, reason = "held for its `Drop`")] Option<Box<dyn Any>>),
}

/// An attempt waits for its turn, or has waited long enough for what it asked.
pub(super) fn turn(look: Look) -> Later {
    Box::new(move |client| {
        let of = client.read(|engine| {
            let entry = engine.get(look.entry)?;
            Some((entry.key.clone(), entry.policy.plain.public))
        });
        let tab = client.extension::<Sharing>().get();
        let shared = |public: bool| public || client.in_scope(None).scope_name().is_some();
        match (tab, of) {
            (Some(tab), Some((key, public))) if shared(public) && !client.is_confidential(&key) => {
                tab.take_turn(client, (key, public), look);
            }
            _ => client.step(|engine, _, fx| engine.admit(look, fx)),
        }
    })
}

/// What comes next for a turn.
enum Next {
    Nothing,
    Admit(Look),
    Ask(Look, Timestamp, u64),
    Wait(Look, Timestamp),
}

impl Tab {
    fn take_turn(self: &Rc<Self>, client: &QueryClient, of: (QueryKey, bool), look: Look) {
        let known = self.turns.borrow_mut().get_mut(&of).map(|turn| turn.look = look).is_some();
        if !known && !self.stand_in_line(client, &of, look) {
            return client.step(|engine, _, fx| engine.admit(look, fx));
        }
        self.look_at_turn(client, &of);
    }

    /// What waited in the tab that this one replaces waits in this.
    pub(super) fn take_over(self: &Rc<Self>, client: &QueryClient, before: &Tab) {
        for (of, turn) in before.turns.take() {
            let look = turn.look;
            drop(turn);
            if client.mark(|engine| engine.waits(look)) {
                self.take_turn(client, of, look);
            }
        }
    }

    /// `false`: there is no line for this.
    fn stand_in_line(self: &Rc<Self>, client: &QueryClient, of: &(QueryKey, bool), look: Look) -> bool {
        let (key, public) = of;
        let Some(key) = keys::to_json(key) else { return false };
        // Tabs of other scopes are not heard, so they are not waited for either, in what is public or not.
        let scope = client.in_scope(None).scope_name();
        let scope = scope.map_or_else(|| "nobody".to_owned(), |name| format!("of:{}", name.as_str()));
        let kind = if *public { "public" } else { "own" };
        let name = format!("{}/{}/{kind}/{key}/{scope}", self.how.app, self.how.build);
        let number = client.mark(Engine::next_number);
        let stuck = self.stuck.borrow().contains(of);
        let now = client.now();
        let turn = Turn {
            look,
            number,
            since: now,
            asked: None,
            gives_up: now.plus(self.how.lock_timeout),
            place: if stuck { Place::Has(None) } else { Place::Waits(number) },
            waited: false,
            has_asked: false,
            knew: None,
            sent: None,
        };
        self.turns.borrow_mut().insert(of.clone(), turn);
        if stuck {
            return true;
        }
        let lock = self.how.locks.lock(&name);
        let (this, weak, place) = (Rc::downgrade(self), client.in_scope(None).downgrade(), of.clone());
        client.begin_task(Box::pin(async move {
            let guard = lock.await;
            let (Some(this), Some(client)) = (this.upgrade(), weak.upgrade()) else { return };
            this.stuck.borrow_mut().remove(&place);
            if this.placed(&place, number, guard) {
                this.look_at_turn(&client, &place);
            }
        }));
        if let Some(turn) = self.turns.borrow_mut().get_mut(of) {
            turn.waited = !matches!(turn.place, Place::Has(_));
        }
        true
    }

    /// Whether somebody still stands there. Else the guard is dropped, and the next in line has it.
    fn placed(&self, of: &(QueryKey, bool), number: u64, guard: Option<Box<dyn Any>>) -> bool {
        let mut turns = self.turns.borrow_mut();
        let turn =
            turns.get_mut(of).filter(|turn| matches!(turn.place, Place::Waits(held) if held == number));
        let Some(turn) = turn else {
            drop(turns);
            drop(guard);
            return false;
        };
        turn.place = Place::Has(guard);
        true
    }

    pub(super) fn look_at_turn(&self, client: &QueryClient, of: &(QueryKey, bool)) {
        let now = client.now();
        match self.next(client, of, now) {
            Next::Nothing => {}
            Next::Admit(look) => client.step(|engine, _, fx| engine.admit(look, fx)),
            Next::Wait(look, until) => client.step(|engine, now, _| engine.look_until(look, until, now)),
            Next::Ask(look, until, question) => {
                client.step(|engine, now, _| engine.look_until(look, until, now));
                if let Some(key) = keys::to_json(&of.0) {
                    self.say(&client.in_scope(None), Says::Wanted { key, question });
                }
            }
        }
    }

    fn next(&self, client: &QueryClient, of: &(QueryKey, bool), now: Timestamp) -> Next {
        let mut turns = self.turns.borrow_mut();
        let Some(turn) = turns.get_mut(of) else { return Next::Nothing };
        let look = turn.look;
        let (waits, empty, anew) = client.mark(|engine| {
            let empty = engine.get(look.entry).is_none_or(|entry| entry.data().is_none());
            (engine.waits(look), empty, engine.begins_anew(look))
        });
        if !waits {
            return Next::Nothing;
        }
        if matches!(turn.place, Place::Waits(_)) {
            if turn.gives_up > now {
                return Next::Wait(look, turn.gives_up);
            }
            self.stuck.borrow_mut().insert(of.clone());
        }
        // Somebody may have it: whoever was before in the line, or any other where this tab has nothing.
        if self.company.get() != Company::Alone && (empty || turn.waited) && !anew {
            let until = *turn.asked.get_or_insert(now.plus(self.how.patience));
            if !std::mem::replace(&mut turn.has_asked, true) {
                return Next::Ask(look, until, turn.number);
            }
            if until > now {
                return Next::Wait(look, until);
            }
        }
        turn.waited = false;
        turn.sent = Some(now);
        let knows = self.knows.borrow();
        turn.knew = Some(knows.iter().map(|(tab, changes)| (*tab, *changes)).collect());
        Next::Admit(look)
    }

    pub(super) fn look_at_all_turns(&self, client: &QueryClient) {
        for of in self.turns_in_order() {
            self.look_at_turn(client, &of);
        }
    }

    fn turns_in_order(&self) -> Vec<(QueryKey, bool)> {
        let mut all: Vec<_> =
            self.turns.borrow().iter().map(|(of, turn)| (turn.number, of.clone())).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, of)| of).collect()
    }

    /// Another tab has told what it has, perhaps in answer to a question. One that is not enough and answers what this
    /// tab has asked is what there was when it was asked. Any other may be long under way, with a better one behind it.
    pub(super) fn answered(&self, client: &QueryClient, key: &QueryKey, answers: Option<(u64, u64)>) {
        for public in [false, true] {
            let of = (key.clone(), public);
            let turn = self.turns.borrow().get(&of).map(|turn| (turn.look, turn.since));
            let Some((look, since)) = turn else { continue };
            if client.step(|engine, now, fx| engine.answered_elsewhere(look, since, now, fx)) {
                let turn = self.turns.borrow_mut().remove(&of);
                drop(turn);
            } else {
                if let Some(turn) = self.turns.borrow_mut().get_mut(&of)
                    && turn.has_asked
                    && answers == Some((self.number, turn.number))
                {
                    turn.asked = Some(Timestamp::default());
                }
                self.look_at_turn(client, &of);
            }
        }
    }

    /// The scope has ended: nothing is fetched for it. What is public goes on, and nobody is told any more what has
    /// come of it in this turn, so that is seen to here.
    pub(super) fn end_turns_of_scope(&self, client: &QueryClient) {
        let (public, ours) = self.turns_in_order().into_iter().partition::<Vec<_>, _>(|(_, public)| *public);
        self.stuck.borrow_mut().retain(|(_, public)| *public);
        let ours: Vec<_> = ours.iter().filter_map(|of| self.turns.borrow_mut().remove(of)).collect();
        drop(ours);
        for (key, _) in public {
            let look = self.turns.borrow().get(&(key.clone(), true)).map(|turn| turn.look);
            if look.is_some_and(|look| !client.read(|engine| engine.needs_its_turn(look.entry))) {
                self.tell_data(client, &key, false, None);
                self.end_turn(client, &key);
            }
        }
    }

    /// Whoever has nothing to send, or must wait for the world, lets others have their turn.
    pub(super) fn end_turn(&self, client: &QueryClient, key: &QueryKey) {
        for public in [false, true] {
            let of = (key.clone(), public);
            let look = self.turns.borrow().get(&of).map(|turn| turn.look);
            if look.is_some_and(|look| !client.read(|engine| engine.needs_its_turn(look.entry))) {
                let turn = self.turns.borrow_mut().remove(&of);
                drop(turn);
            }
        }
    }
}
