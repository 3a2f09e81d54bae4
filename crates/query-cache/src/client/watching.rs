//! Watching: one query, or all that happens.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::extensions::{Extension, Happens};
use super::{QueryClient, WeakQueryClient};
use crate::engine::{Asked, Engine, ObserverSlot, Teller};
use crate::entry::same_types;
use crate::events::CacheEvent;
use crate::observer::{Observer, QueryObserver};
use crate::query::{AnyQuery, Query};

impl QueryClient {
    /// Watches a query for as long as the guard lives: fetches it now unless it is fresh, and calls the
    /// listener, one turn later, when its state has changed.
    pub fn observe<Q: Query>(&self, query: Q, listener: impl Fn() + 'static) -> QueryObserver<Q> {
        QueryObserver::new(self.observe_any(&AnyQuery::new(query), Rc::new(listener)))
    }

    /// [`QueryClient::observe`] without types, for bridges to a UI framework.
    pub fn observe_any(&self, query: &AnyQuery, listener: Rc<dyn Fn()>) -> Observer {
        let observe =
            |asked: &Asked<'_>| self.step(|engine, now, fx| engine.observe(asked, &listener, now, fx));
        let slot = self.ask(&query.0, observe).unwrap_or(ObserverSlot::NONE);
        Observer::new(self.clone(), slot)
    }

    pub(crate) fn follow(&self, observer: ObserverSlot, query: &AnyQuery) {
        let key = query.key();
        let same = self.read(|engine| {
            let kind = query.0.kind();
            engine
                .observed(observer)
                .is_some_and(|(_, entry)| entry.key == key && same_types(entry.kind, kind))
        });
        if same {
            let policy = self.policy(&key, &*query.0);
            self.step(|engine, now, fx| engine.renew(observer, &query.0, &policy, now, fx));
        } else {
            self.ask(&query.0, |asked| self.step(|engine, now, fx| engine.turn(observer, asked, now, fx)));
        }
    }

    /// Tells the listener of all that happens, one turn later and in order, for as long as the guard lives.
    pub fn listen(&self, listener: impl Fn(&CacheEvent) + 'static) -> Listening {
        let listeners = self.extension::<Listeners>();
        let number = listeners.add(Rc::new(listener));
        let queue = Rc::downgrade(&listeners);
        let teller: Teller = Rc::new(move |scope, key, happening| {
            if let Some(listeners) = queue.upgrade() {
                listeners.queue.borrow_mut().push((scope, CacheEvent { key: key.clone(), happening }));
            }
        });
        drop(self.mark(|engine| engine.listen(Some(teller))));
        Listening { client: self.downgrade(), number }
    }
}

/// Listens to what happens in the cache until it is dropped. Made by [`QueryClient::listen`].
#[must_use = "it listens only for as long as this lives"]
pub struct Listening {
    client: WeakQueryClient,
    number: u32,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let Some(client) = self.client.upgrade() else { return };
        if !client.extension::<Listeners>().remove(self.number) {
            drop(client.mark(|engine| engine.listen(None)));
        }
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}

type EventListener = Rc<dyn Fn(&CacheEvent)>;

/// Those who listen, and what they are still to be told, with the scope it happened in.
#[derive(Default)]
struct Listeners {
    list: RefCell<Vec<(u32, EventListener)>>,
    next: Cell<u32>,
    queue: RefCell<Vec<(u32, CacheEvent)>>,
}

impl Extension for Listeners {
    fn happens(&self, client: &QueryClient, what: Happens) {
        match what {
            Happens::Turn => {
                let here = client.in_this_scope();
                for (_, event) in self.queue.take() {
                    self.tell(&here, &event);
                }
            }
            // Nobody else's business. Some hold data, whose `Drop` is to find the new scope.
            Happens::Ended => {
                let scope = client.read(Engine::scope);
                let (told, untold) = self.queue.take().into_iter().partition(|(of, _)| *of == scope);
                self.queue.replace(told);
                drop::<Vec<_>>(untold);
            }
            _ => {}
        }
    }

    fn online(&self, _: &QueryClient, _: fn(&QueryClient)) -> bool {
        false
    }
}

impl Listeners {
    /// Tells those who listen, until one of them ends the scope: what happened before is no business of the
    /// next. One that another has removed is told no more.
    fn tell(&self, client: &QueryClient, event: &CacheEvent) {
        for number in self.numbers() {
            if let Some(listener) = self.get(number).filter(|_| !client.is_over()) {
                listener(event);
            }
        }
    }

    fn add(&self, listener: EventListener) -> u32 {
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        self.list.borrow_mut().push((number, listener));
        number
    }

    /// Says whether any are left.
    fn remove(&self, number: u32) -> bool {
        let mut list = self.list.borrow_mut();
        let place = list.iter().position(|(held, _)| *held == number);
        let removed = place.map(|place| list.remove(place));
        let more = !list.is_empty();
        drop(list);
        drop(removed);
        more
    }

    fn numbers(&self) -> Vec<u32> {
        self.list.borrow().iter().map(|(number, _)| *number).collect()
    }

    fn get(&self, number: u32) -> Option<EventListener> {
        self.list.borrow().iter().find(|(held, _)| *held == number).map(|(_, listener)| listener.clone())
    }
}
