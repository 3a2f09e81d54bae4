//! What is known to be on the storage, without its data.
//!
//! Each entry is two records under the same rest of a name: `APP/m/REST` says when it arrived, how long it is,
//! whether it is out of date and of which type; `APP/d/REST` is its data. `REST` is `SCOPE/BUILD/KEY`, so that a
//! scope is purged by two prefixes, for all builds.

use std::collections::{BTreeMap, BTreeSet};

use super::storage::Stored;
use crate::environment::{Millis, Timestamp};
use crate::filter::{Activity, QueryFilter, Wanted};
use crate::hydrate::{keys, number_of};
use crate::key::QueryKey;
use crate::segment::Segment;
use crate::state::FetchStatus;

/// What is known of one entry.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub at: Timestamp,
    pub bytes: usize,
    pub invalidated: bool,
    pub query: u32,
    /// Its key, if it is of this build.
    key: Option<QueryKey>,
}

/// The entries of one app, by the rest of their names.
#[derive(Default)]
pub(super) struct Index {
    entries: BTreeMap<String, Known>,
    oldest: BTreeSet<(Timestamp, String)>,
    bytes: usize,
}

/// No character of these would end a part of a name.
pub(super) fn part(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2F")
}

pub(super) const META: &str = "m";
pub(super) const DATA: &str = "d";
pub(super) const CALLS: &str = "c";

/// `None`: what is public.
pub(super) fn scope_part(scope: Option<&str>) -> String {
    scope.map_or_else(|| "public".to_owned(), |name| format!("of:{}", part(name)))
}

pub(super) fn prefix(app: &str, kind: &str) -> String {
    format!("{}/{kind}/", part(app))
}

pub(super) fn rest(scope: Option<&str>, build: &str, key: &QueryKey) -> Option<String> {
    Some(format!("{}/{}/{}", scope_part(scope), part(build), keys::to_json(key)?))
}

impl Known {
    pub fn new(at: Timestamp, bytes: usize, invalidated: bool, query: u32, key: &QueryKey) -> Self {
        Known { at, bytes, invalidated, query, key: Some(key.clone()) }
    }

    /// The record of it.
    pub fn to_text(&self) -> String {
        format!("[{},{},{},{}]", self.at.as_millis(), self.bytes, self.invalidated, self.query)
    }
}

impl Index {
    /// What the records say. Those that say nothing are given back, to be removed.
    pub fn read(records: Vec<Stored>, prefix: &str, build: &str, now: Timestamp) -> (Self, Vec<String>) {
        let (mut index, mut odd) = (Index::default(), Vec::new());
        let build = part(build);
        for Stored { name, text } in records {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            match serde_json::from_str::<(u64, usize, bool, u32)>(&text) {
                Ok((at, bytes, invalidated, query)) => {
                    let at = Timestamp::from_millis(at).min(now);
                    let key = key_of(rest, &build);
                    index.put(rest.to_owned(), Known { at, bytes, invalidated, query, key });
                }
                Err(_) => odd.push(rest.to_owned()),
            }
        }
        (index, odd)
    }

    pub fn get(&self, rest: &str) -> Option<&Known> {
        self.entries.get(rest)
    }

    pub fn put(&mut self, rest: String, known: Known) {
        self.remove(&rest);
        self.bytes = self.bytes.saturating_add(known.bytes);
        self.oldest.insert((known.at, rest.clone()));
        self.entries.insert(rest, known);
    }

    pub fn remove(&mut self, rest: &str) -> Option<Known> {
        let known = self.entries.remove(rest)?;
        self.bytes = self.bytes.saturating_sub(known.bytes);
        self.oldest.remove(&(known.at, rest.to_owned()));
        Some(known)
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes out the oldest, until no more than this is left. What is larger than that pushes nothing out.
    pub fn shrink(&mut self, bytes: usize) -> Vec<String> {
        let mut removed = Vec::new();
        if self.bytes > bytes {
            let large = self.entries.iter().filter(|(_, known)| known.bytes > bytes);
            removed.extend(large.map(|(rest, _)| rest.clone()));
            removed.iter().for_each(|rest| drop(self.remove(rest)));
            // A record may say that it is larger than anything: then the sum was no sum.
            self.bytes = self.entries.values().fold(0, |sum, known| known.bytes.saturating_add(sum));
        }
        while self.bytes > bytes
            && let Some((_, rest)) = self.oldest.first().cloned()
        {
            self.remove(&rest);
            removed.push(rest);
        }
        removed
    }

    /// Takes out what is older than this.
    pub fn expire(&mut self, max_age: Millis, now: Timestamp) -> Vec<String> {
        let mut removed = Vec::new();
        while let Some((at, rest)) = self.oldest.first().cloned()
            && now.past(at) > max_age
        {
            self.remove(&rest);
            removed.push(rest);
        }
        removed
    }

    /// Takes out a scope, of all builds.
    pub fn remove_scope(&mut self, scope: &str) {
        let prefix = format!("{scope}/");
        let of = self.entries.range(prefix.clone()..).take_while(|(rest, _)| rest.starts_with(&prefix));
        let of: Vec<String> = of.map(|(rest, _)| rest.clone()).collect();
        for rest in of {
            self.remove(&rest);
        }
    }

    /// The entries that a filter means, as far as can be said of what is not in the cache, of these scopes and this
    /// build.
    pub fn meant(&self, filter: &QueryFilter, scopes: &[String], build: &str) -> Vec<String> {
        if filter.activity == Activity::Active
            || filter.predicate.is_some()
            || filter.fetch_status.is_some_and(|status| status != FetchStatus::Idle)
        {
            return Vec::new();
        }
        let query = filter.query.map(number_of);
        let means = |known: &Known| {
            query.is_none_or(|query| query == known.query)
                && known.key.as_ref().is_some_and(|key| means_key(filter, key))
        };
        // By its name, where the filter says it.
        if let Wanted::One(key, _) | Wanted::Key(key) = &filter.wanted {
            let Some(key) = keys::to_json(key) else { return Vec::new() };
            let rests = scopes.iter().map(|scope| format!("{scope}/{}/{key}", part(build)));
            return rests.filter(|rest| self.entries.get(rest).is_some_and(means)).collect();
        }
        let prefixes = scopes.iter().map(|scope| format!("{scope}/{}/", part(build)));
        let of = prefixes.flat_map(|prefix| {
            let all = self.entries.range(prefix.clone()..);
            all.take_while(move |(rest, _)| rest.starts_with(&prefix))
        });
        of.filter(|(_, known)| means(known)).map(|(rest, _)| rest.clone()).collect()
    }

    /// Takes out those of this build whose keys are these.
    pub fn remove_keys(&mut self, are: impl Fn(&QueryKey) -> bool) -> Vec<String> {
        let of = self.entries.iter().filter(|(_, known)| known.key.as_ref().is_some_and(&are));
        let of: Vec<String> = of.map(|(rest, _)| rest.clone()).collect();
        for rest in &of {
            self.remove(rest);
        }
        of
    }

    /// Says whether that is news.
    pub fn invalidate(&mut self, rest: &str) -> bool {
        self.entries.get_mut(rest).is_some_and(|known| !std::mem::replace(&mut known.invalidated, true))
    }
}

fn key_of(rest: &str, build: &str) -> Option<QueryKey> {
    let (_, rest) = rest.split_once('/')?;
    let (of, key) = rest.split_once('/')?;
    (of == build).then(|| keys::from_json(&serde_json::from_str(key).ok()?)).flatten()
}

fn means_key(filter: &QueryFilter, key: &QueryKey) -> bool {
    let begins = |prefix: &[Segment]| {
        let held = key.segments();
        held.len() >= prefix.len() && held.iter().zip(prefix).all(|(held, wanted)| held.contains(wanted))
    };
    match &filter.wanted {
        Wanted::All => true,
        Wanted::One(wanted, _) | Wanted::Key(wanted) => wanted == key,
        Wanted::Prefix { prefix, .. } => begins(prefix.segments()),
    }
}
