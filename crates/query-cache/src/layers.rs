//! Optimistic layers: patches over what the server said, until it says so itself.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::client::{Act, Find, Glass, QueryClient, ROUNDS, WeakQueryClient};
use crate::engine::{Engine, FlightId, Folded, Garbage, Layers, Trash, Value};
use crate::filter::QueryFilter;
use crate::query::{Query, kind_of};
use crate::slab::Slot;

/// Makes other data of data; `None` of what is of another type.
type Patch = Rc<dyn Fn(&Value) -> Option<Value>>;

#[derive(Clone)]
struct Laid {
    id: u64,
    patch: Patch,
    /// The last attempt begun before it was acknowledged.
    acknowledged: Option<u64>,
}

impl Laid {
    /// Whether the answer to this attempt has it in it.
    fn is_in(&self, fetch: Option<u64>) -> bool {
        self.acknowledged.zip(fetch).is_some_and(|(last, fetch)| fetch > last)
    }
}

/// All layers over an entry, lowest first.
#[derive(Clone, Default)]
struct Stack {
    version: u64,
    base: Option<Value>,
    list: Vec<Laid>,
}

impl Stack {
    /// What is seen of the base. Runs user code.
    fn seen(&self) -> Option<Value> {
        self.base.as_ref().map(|base| see_through(base, self.list.iter()))
    }
}

fn see_through<'a>(base: &Value, layers: impl Iterator<Item = &'a Laid>) -> Value {
    layers.fold(base.clone(), |data, layer| (layer.patch)(&data).unwrap_or(data))
}

impl Layers for Stack {
    fn base(&self) -> Option<&Value> {
        self.base.as_ref()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn land(&mut self, base: Option<&Value>, fetch: Option<u64>, version: u64, garbage: &mut Trash) -> bool {
        self.version = version;
        garbage.extend(std::mem::replace(&mut self.base, base.cloned()).map(Garbage::Value));
        let (answered, waiting) = self.list.drain(..).partition(|layer| layer.is_in(fetch));
        self.list = waiting;
        let answered: Vec<Laid> = answered;
        if !answered.is_empty() {
            garbage.push(Garbage::Guard(Box::new(answered)));
        }
        !self.list.is_empty()
    }
}

/// A copy of the layers over an entry, to be looked through while nothing is borrowed.
fn stack(engine: &Engine, slot: Slot) -> Option<Stack> {
    let layers: &dyn Any = engine.get(slot)?.layers()?;
    layers.downcast_ref().cloned()
}

fn fold(client: &QueryClient, find: Find<'_>, data: &Value, by: Option<FlightId>) -> Option<Folded> {
    let stack = client.read(|engine| stack(engine, find(engine)?))?;
    let fetch = by.map(FlightId::number);
    let seen = see_through(data, stack.list.iter().filter(|layer| !layer.is_in(fetch)));
    Some(Folded { seen, version: stack.version })
}

const GLASS: Glass = Glass {
    look: |client, find, data, by| {
        fold(client, find, data, by).map_or_else(|| data.clone(), |folded| folded.seen)
    },
    act: see,
};

/// Acts on the engine with what is seen of the data. Should other layers be laid meanwhile, it is looked at again.
fn see(client: &QueryClient, find: Find<'_>, data: &Value, by: Option<FlightId>, act: Act<'_>) {
    for round in 1..=ROUNDS {
        let folded = fold(client, find, data, by);
        if client.is_over() {
            return;
        }
        let version = folded.as_ref().map(|folded| folded.version);
        let seen = folded.as_ref().map_or(data, |folded| &folded.seen);
        let acted = client.step(|engine, now, fx| {
            let present = find(engine).and_then(|slot| engine.layers_version(slot));
            let fits = present == version || round == ROUNDS;
            if fits {
                act(engine, seen, now, fx);
            }
            fits
        });
        if acted {
            return;
        }
    }
}

/// What is done to the layers over an entry.
enum Change {
    Lay(Laid),
    TakeOff(u64),
    Commit(u64),
}

/// Changes the layers over an entry, and with them what is seen. Should it change while the patches run, they run
/// again. `false`: there is no data for a patch to become part of, and nothing has changed.
fn change(client: &QueryClient, slot: Slot, change: &Change) -> bool {
    for round in 1..=ROUNDS {
        let before = client.read(|engine| {
            let none = || Stack { base: engine.get(slot)?.data().cloned(), ..Stack::default() }.into();
            Some((engine.state(slot)?, stack(engine, slot).or_else(none)?))
        });
        let Some((state, mut stack)) = before else { return true };
        if matches!(change, Change::Commit(_)) && stack.base.is_none() {
            return false;
        }
        let version = stack.version;
        let mut commits = false;
        let off = match change {
            Change::Lay(layer) => {
                stack.list.push(layer.clone());
                None
            }
            Change::TakeOff(id) | Change::Commit(id) => {
                let place = stack.list.iter().position(|layer| layer.id == *id);
                let Some(place) = place else { return true };
                let layer = stack.list.remove(place);
                if let (Change::Commit(_), Some(base)) = (change, &stack.base) {
                    commits = true;
                    stack.base = (layer.patch)(base).or_else(|| stack.base.clone());
                }
                Some(layer)
            }
        };
        let seen = stack.seen();
        if client.is_over() {
            return true;
        }
        let done = client.step(|engine, _, fx| {
            let same = engine.state(slot).is_some_and(|now| Rc::ptr_eq(&now, &state))
                && engine.layers_version(slot).unwrap_or_default() == version;
            if !same && round < ROUNDS {
                return Err(stack);
            }
            stack.version = engine.next_number();
            let layers =
                (!stack.list.is_empty()).then(|| Box::new(std::mem::take(&mut stack)) as Box<dyn Layers>);
            engine.lay(slot, layers, seen.as_ref(), commits, fx);
            Ok(stack)
        });
        // What it looked through may be dropped only now.
        let over = done.is_ok();
        drop((done, off, seen, state));
        if over {
            return true;
        }
    }
    true
}

impl QueryClient {
    /// Shows the query's data with a change that the server has not confirmed: lays a patch over it, for as long as
    /// the [`Layer`] lives. The data below stays as it is, and each answer of the server takes its place there; the
    /// patch is then applied again, so write it such that a second time changes nothing: set a member, do not
    /// toggle it; insert by id, do not push. While there is no data, there is nothing to see.
    ///
    /// Several patches lie one over the other, in the order in which they came. Taking one off leaves the others.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, QueryClient, query, query_key};
    ///
    /// let client = QueryClient::new(ManualEnvironment::new(1));
    /// let post = || query(query_key!["posts", 7], async |_| Ok::<_, String>((0, "title".to_owned())));
    /// client.set_data(&post(), (0, "title".to_owned()));
    ///
    /// let liked = client.patch(&post(), |(_, title)| (1, title.clone()));
    /// let named = client.patch(&post(), |(likes, _)| (*likes, "name".to_owned()));
    /// assert_eq!(*client.get_data(&post()).unwrap(), (1, "name".to_owned()));
    ///
    /// drop(liked); // The server refused it.
    /// assert_eq!(*client.get_data(&post()).unwrap(), (0, "name".to_owned()));
    /// named.commit(); // The server confirmed it.
    /// assert_eq!(*client.committed_data(&post()).unwrap(), (0, "name".to_owned()));
    /// ```
    pub fn patch<Q: Query>(&self, query: &Q, patch: impl Fn(&Q::Data) -> Q::Data + 'static) -> Layer {
        let here = self.in_this_scope();
        let key = query.key();
        let policy = here.policy_of(query, &key);
        let patch: Patch = Rc::new(move |data| Some(Rc::new(patch(data.downcast_ref()?)) as Value));
        if here.is_over() {
            return Layer { client: WeakQueryClient::default(), entry: Slot::NONE, id: None };
        }
        here.look_through(GLASS);
        let (entry, id) = here.step(|engine, now, fx| {
            (engine.entry_for_write(&key, kind_of::<Q>(), &policy, now, fx), engine.next_number())
        });
        change(&here, entry, &Change::Lay(Laid { id, patch, acknowledged: None }));
        Layer { client: here.downgrade(), entry, id: Some(id) }
    }
}

/// A patch over a query's data, laid by [`QueryClient::patch`]. Dropping it takes the patch off: the change has
/// failed. Once the scope has ended in which it was laid, it does nothing.
#[must_use = "the patch is taken off when this is dropped"]
pub struct Layer {
    client: WeakQueryClient,
    entry: Slot,
    /// `None`: it is over.
    id: Option<u64>,
}

impl Layer {
    /// The server has confirmed the change, and said nothing more of the data: the patch becomes part of it. The
    /// answer to a fetch begun before may lack the change, and is discarded when it comes. While there is no data to
    /// become part of, it stays as by [`commit_when_fetched`](Layer::commit_when_fetched).
    pub fn commit(mut self) {
        let Some((client, id)) = self.client.upgrade().zip(self.id) else { return };
        if change(&client, self.entry, &Change::Commit(id)) {
            self.id = None;
        } else {
            drop(client);
            self.commit_when_fetched();
        }
    }

    /// The server has confirmed the change, and its answer to the next fetch will have it: the patch stays until
    /// the answer to a fetch has landed that was begun after this call. Says that the query is out of date, so that
    /// there is such a fetch once somebody watches.
    pub fn commit_when_fetched(mut self) {
        let Some(client) = self.client.upgrade().filter(|client| !client.is_over()) else { return };
        let of = client.mark(|engine| {
            acknowledge(engine, self.entry, self.id);
            engine.get(self.entry).map(|entry| (entry.key.clone(), entry.kind))
        });
        if let Some((key, kind)) = of {
            client.invalidate(QueryFilter::of_kind(key, kind));
        }
        // It is the entry's business from here on.
        self.id = None;
    }

    /// The server has refused the change: the patch is taken off, and no other.
    pub fn roll_back(self) {}
}

/// Has a layer wait for a fetch begun after this.
fn acknowledge(engine: &mut Engine, slot: Slot, id: Option<u64>) {
    let (last, version) = (engine.last_number(), engine.next_number());
    let Some(layers) = engine.layers_mut(slot) else { return };
    let layers: &mut dyn Any = layers;
    if let Some(stack) = layers.downcast_mut::<Stack>() {
        stack.version = version;
        let layer = stack.list.iter_mut().find(|layer| Some(layer.id) == id);
        layer.into_iter().for_each(|layer| layer.acknowledged = Some(last));
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        if let (Some(client), Some(id)) = (self.client.upgrade(), self.id.take()) {
            change(&client, self.entry, &Change::TakeOff(id));
        }
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layer").field(&self.id).finish()
    }
}
