//! Into the cache.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use super::Hydration;
use super::format::{Packed, VERSION, WholeRead};
use super::waking::{ASLEEP, Sleeping, asleep, is_asleep};
use crate::client::QueryClient;
use crate::engine::{Arrival, Value};
use crate::environment::Timestamp;
use crate::key::QueryKey;
use crate::slab::Slot;

/// What [`QueryClient::hydrate`] comes to, in entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hydrated {
    /// In the cache now. They stay JSON until somebody asks for them; one that does not decode then is dropped
    /// and told of as [`Happening::NotDecoded`](crate::Happening::NotDecoded).
    pub taken: usize,
    /// Left out, since what is in the cache is as new or newer.
    pub older: usize,
    /// Left out, since they belong to somebody, and not to the scope that is open; or are confidential; or there
    /// is such an entry in the cache whose query does not opt in.
    pub refused: usize,
    /// Dropped: they are no entries, or their data is needed now and does not decode.
    pub broken: usize,
}

/// Why nothing could be taken from the JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HydrateError {
    /// It is no JSON, or not of this form. What is wrong with it, in the parser's words.
    NotReadable(Rc<str>),
    /// It was written in this version of the form, which this program does not read.
    OtherVersion(u32),
}

impl fmt::Display for HydrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HydrateError::NotReadable(why) => write!(f, "this is no dehydrated cache: {why}"),
            HydrateError::OtherVersion(version) => {
                write!(f, "this cache was dehydrated in version {version}, and only {VERSION} can be read")
            }
        }
    }
}

impl std::error::Error for HydrateError {}

/// What became of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Taken,
    Older,
    Refused,
    Broken,
}

impl QueryClient {
    /// Takes in what [`dehydrate`](QueryClient::dehydrate) gave, each entry with its own time, so that what was
    /// stale is. What is in the cache already gives way only to newer data, and a fetch under way goes on. What was
    /// out of date here is so still, since what comes may not know of it. What belongs to somebody is taken only if
    /// the scope has the [name](QueryClient::name_scope) it was taken out under.
    ///
    /// # Errors
    /// [`HydrateError`] when it is not such JSON at all. An entry that is not does no harm to the others.
    pub fn hydrate(&self, json: &str) -> Result<Hydrated, HydrateError> {
        let not_readable = |error: serde_json::Error| HydrateError::NotReadable(error.to_string().into());
        #[derive(serde::Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(json).map_err(not_readable)?;
        if version != VERSION {
            return Err(HydrateError::OtherVersion(version));
        }
        let whole: WholeRead<'_> = serde_json::from_str(json).map_err(not_readable)?;
        let here = self.in_this_scope();
        let name = here.scope_name();
        let same = whole.scope.is_some() && whole.scope.as_deref() == name.as_ref().map(|name| name.as_str());
        let mut report = Hydrated::default();
        for entry in whole.entries {
            let packed = serde_json::from_str::<Packed>(entry.get());
            let put = packed.map_or(Put::Broken, |mut packed| {
                if here.is_over() || !(same || packed.public) {
                    return Put::Refused;
                }
                packed.invalidated |= packed.key().is_some_and(|key| here.is_outdated(&key));
                here.unpack(packed)
            });
            match put {
                Put::Taken => report.taken += 1,
                Put::Older => report.older += 1,
                Put::Refused => report.refused += 1,
                Put::Broken => report.broken += 1,
            }
        }
        if same {
            here.extension::<Hydration>().sections.unpack(&here, whole.sections);
        }
        Ok(report)
    }

    fn is_outdated(&self, key: &QueryKey) -> bool {
        self.read(|engine| {
            let mut held = engine.same_key(key).into_iter().filter_map(|slot| engine.get(slot));
            held.any(|entry| entry.state.invalidated)
        })
    }

    /// Takes in one entry, which is for this scope. Runs user code.
    pub(crate) fn unpack(&self, packed: Packed) -> Put {
        self.unpack_as(packed, false)
    }

    /// [`unpack`](QueryClient::unpack); what `replaces` gives way to nothing that is there.
    pub(crate) fn unpack_as(&self, packed: Packed, replaces: bool) -> Put {
        let Some(key) = packed.key() else { return Put::Broken };
        if self.is_over() || self.is_confidential(&key) {
            return Put::Refused;
        }
        let at = packed.at(self.now());
        let held = self.read(|engine| engine.same_key(&key));
        let awake: Vec<_> = self.read(|engine| {
            let awake = held.iter().filter_map(|slot| engine.get(*slot).map(|entry| (*slot, entry)));
            awake.filter(|(_, entry)| !is_asleep(entry.kind)).map(|(slot, _)| slot).collect()
        });
        match awake.is_empty() {
            true => self.lay_down(&key, packed, at, replaces),
            false => self.put_awake(&awake, &packed, at, replaces),
        }
    }

    /// Somebody has asked for it already, so it is decoded now.
    fn put_awake(&self, slots: &[Slot], packed: &Packed, at: Timestamp, replaces: bool) -> Put {
        let mut came_to = Put::Refused;
        for slot in slots {
            let found = self.read(|engine| {
                let entry = engine.get(*slot)?;
                let newer = replaces || entry.data().is_none() || entry.state.updated_at < at;
                // What is somebody's is not made everybody's, nor the other way round.
                let fits = entry.policy.plain.public == packed.public;
                entry.policy.codec().filter(|_| fits).map(|codec| (codec, newer))
            });
            let Some((codec, newer)) = found else { continue };
            if !newer {
                came_to = Put::Older;
                continue;
            }
            match (codec.decode)(packed.data.get()) {
                _ if self.is_over() => return Put::Refused,
                Ok(data) => {
                    let put = Cell::new(false);
                    self.see(&|_| Some(*slot), &data, None, &|engine, seen, now, fx| {
                        let arrival = Arrival { data: &data, at, invalidated: packed.invalidated, replaces };
                        put.set(engine.put_back(*slot, seen, arrival, now, fx));
                    });
                    return if put.get() { Put::Taken } else { Put::Older };
                }
                Err(error) => {
                    self.step(|engine, _, fx| engine.tell_not_decoded(*slot, error.into(), fx));
                    came_to = Put::Broken;
                }
            }
        }
        came_to
    }

    /// Nobody has asked for it: it stays as it is.
    fn lay_down(&self, key: &QueryKey, packed: Packed, at: Timestamp, replaces: bool) -> Put {
        self.see_to_sleeping(ASLEEP);
        let Packed { query, invalidated, public, data, .. } = packed;
        let data: Value = Rc::new(Sleeping::new(query, data));
        let mut policy = self.default_policy(key);
        policy.plain.public = public;
        let policy = self.share(policy);
        if self.is_over() {
            return Put::Refused;
        }
        let put = self.step(|engine, now, fx| {
            let arrival = Arrival { data: &data, at, invalidated, replaces };
            engine.put_to_sleep(key, asleep, &policy, arrival, now, fx)
        });
        if put { Put::Taken } else { Put::Older }
    }
}
