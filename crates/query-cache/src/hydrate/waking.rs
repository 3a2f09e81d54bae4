//! Entries that are still JSON, and are decoded when somebody asks for them.

use std::any::TypeId;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::format::number_of;
use crate::client::{Asleep, QueryClient};
use crate::entry::{Kind, Types};
use crate::filter::{QueryFilter, Wanted};
use crate::key::QueryKey;
use crate::policy::Policy;
use crate::slab::Slot;

/// The data of an entry that is still JSON.
pub(super) struct Sleeping {
    pub query: u32,
    /// `None` while it is being decoded.
    json: RefCell<Option<Box<RawValue>>>,
}

impl Sleeping {
    pub fn new(query: u32, json: Box<RawValue>) -> Self {
        Sleeping { query, json: RefCell::new(Some(json)) }
    }

    pub fn json(&self) -> Option<Box<RawValue>> {
        self.json.borrow().clone()
    }
}

/// The types of an entry that is still JSON, which are not yet known.
pub(super) fn asleep() -> Types {
    let of = TypeId::of::<Sleeping>();
    Types { types: of, query: of, name: NAME }
}

const NAME: &str = "(JSON)";

pub(crate) fn is_asleep_name(name: &str) -> bool {
    name == NAME
}

pub(super) const ASLEEP: Asleep = Asleep { find, wake, meant, is };

fn find(client: &QueryClient, key: &QueryKey) -> Option<Slot> {
    client.read(|engine| engine.find(key, asleep))
}

fn is(client: &QueryClient, slot: Slot) -> bool {
    client.read(|engine| engine.get(slot).is_some_and(|entry| is_asleep(entry.kind)))
}

pub(super) fn is_asleep(kind: Kind) -> bool {
    kind().types == TypeId::of::<Sleeping>()
}

fn wake(client: &QueryClient, key: &QueryKey, kind: Kind, policy: &Rc<Policy>) {
    let here = client.in_this_scope();
    let Some(slot) = find(client, key).filter(|_| !here.is_over()) else { return };
    let Some(data) = client.read(|engine| Some(engine.get(slot)?.data()?.clone())) else {
        // It was reset: there is nothing to decode.
        return here.step(|engine, _, fx| engine.forget(slot, fx));
    };
    let Some(sleeping) = data.downcast_ref::<Sleeping>() else { return };
    let json = sleeping.json.take();
    let Some(json) = json else { return }; // Decoding it asked for it.
    let public = here.read(|engine| engine.get(slot).is_some_and(|entry| entry.policy.plain.public));
    let decoded = match policy.codec() {
        // Nobody's own data is made of what is everybody's, nor the other way round.
        _ if public != policy.plain.public => Err("it is public, or its query is, but not both".to_owned()),
        Some(codec) => (codec.decode)(json.get()),
        None => Err("its query does not opt in".to_owned()),
    };
    let unchanged = client.read(|engine| {
        let now = engine.get(slot).and_then(|entry| entry.data());
        now.is_some_and(|now| Rc::ptr_eq(now, &data))
    });
    if unchanged && !here.is_over() {
        let decoded = decoded.map_err(Rc::from);
        here.step(|engine, now, fx| {
            engine.turn_into(slot, kind, policy, decoded.as_ref().map_err(Rc::clone), now, fx);
        });
    }
}

/// Which entries are meant by a filter that says of which type they are: those that were, as far as is known.
fn meant(client: &QueryClient, filter: &QueryFilter) -> Vec<Slot> {
    let kind = match (&filter.wanted, &filter.query) {
        (Wanted::One(_, kind), _) | (_, Some(kind)) => *kind,
        _ => return Vec::new(), // It says nothing of types, and means them already.
    };
    let number = number_of(kind);
    let any = match &filter.wanted {
        Wanted::One(key, _) => QueryFilter { wanted: Wanted::Key(key.clone()), ..filter.clone() },
        _ => filter.clone(),
    };
    let any = QueryFilter { query: Some(asleep), ..any };
    let now = client.now();
    client.read(|engine| {
        let mut slots = engine.matching(&any, now);
        let query = |slot: &Slot| Some(engine.get(*slot)?.data()?.downcast_ref::<Sleeping>()?.query);
        let one = matches!(filter.wanted, Wanted::One(..));
        slots.retain(|slot| one || query(slot).is_some_and(|query| query == number));
        slots
    })
}
