//! Sources that feed a query from outside. Named by the option that asks for one, and by nothing else.

use std::any::Any;

use crate::client::QueryClient;
use crate::context::SourceContext;
use crate::engine::{Effects, Engine};
use crate::entry::Kind;
use crate::key::QueryKey;
use crate::policy::Source;
use crate::slab::Slot;

/// What an entry holds while it is fed.
struct Feed {
    number: u64,
    guard: Option<Box<dyn Any>>,
}

/// A source to open, because its query is watched from now on.
struct Opening {
    entry: Slot,
    number: u64,
    source: Source,
    key: QueryKey,
    kind: Kind,
    scope: Option<u32>,
}

/// Has the source of an entry opened, once the engine is let go.
pub(crate) fn open_source(engine: &mut Engine, slot: Slot, fx: &mut Effects) {
    let number = engine.next_number();
    let scope = engine.scope();
    let Some(entry) = engine.get(slot) else { return };
    let Some(source) = entry.policy.source().cloned() else { return };
    let opening = Opening {
        entry: slot,
        number,
        source,
        key: entry.key.clone(),
        kind: entry.kind,
        scope: (!entry.policy.plain.public).then_some(scope),
    };
    engine.set_feed(slot, Box::new(Feed { number, guard: None }), fx);
    fx.later.push(Box::new(move |client| open(opening, client)));
}

fn open(opening: Opening, client: &QueryClient) {
    let Opening { entry, number, source, key, kind, scope } = opening;
    if !client.mark(|engine| feed(engine, entry, number).is_some()) {
        return; // User code has seen to it meanwhile that nobody watches, or that the scope is over.
    }
    let guard = (source.open)(SourceContext::new(client.in_scope(scope).downgrade(), key, kind));
    // Given back if nobody watches any more.
    let back = client.mark(|engine| match feed(engine, entry, number) {
        Some(feed) => feed.guard.replace(guard),
        None => Some(guard),
    });
    drop(back);
}

/// The feed that has this number, if it is still wanted.
fn feed(engine: &mut Engine, entry: Slot, number: u64) -> Option<&mut Feed> {
    engine.feed(entry)?.downcast_mut::<Feed>().filter(|feed| feed.number == number)
}
