//! What tabs say to each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Then;
use crate::filter::{Activity, QueryFilter, Wanted};
use crate::hydrate::{Packed, keys, number_of};
use crate::key::QueryKey;

/// Messages of another version are not understood, and not listened to.
pub(super) const VERSION: u32 = 1;

/// Who says it. Read before the rest, which another version may put in another way.
#[derive(Deserialize, Serialize)]
pub(super) struct From {
    pub version: u32,
    pub app: String,
    pub build: String,
    pub scope: Option<String>,
    /// Which tab: a number drawn when it was opened.
    pub tab: u64,
    /// How many changes this tab has made so far.
    pub changes: u64,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Message {
    pub from: From,
    pub says: Says,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub from: From,
}

#[derive(Deserialize, Serialize)]
pub(super) enum Says {
    /// I am new.
    Hello,
    /// You are not alone, and this many changes of these tabs have been made before you came.
    Here { knows: Vec<(u64, u64)> },
    /// Who has this?
    Wanted {
        key: Value,
        /// The number of the question, in the tab that asks.
        question: u64,
    },
    /// This is what I have.
    Data {
        entry: Packed,
        /// It was written here, not fetched.
        written: bool,
        /// How many changes of which tabs I knew of when I sent for it.
        knew: Vec<(u64, u64)>,
        /// When I sent for it, if that is known: milliseconds since the Unix epoch.
        sent: Option<u64>,
        /// It answers a question: of which tab, and which.
        answers: Option<(u64, u64)>,
    },
    /// These are out of date.
    Outdated { meant: Meant, fetch: bool },
    /// The scope has ended.
    Ended,
}

/// A filter, as far as it means the same in another tab.
#[derive(Deserialize, Serialize)]
pub(super) enum Meant {
    All { query: Option<u32> },
    Prefix { prefix: Value, query: Option<u32> },
    Keys(Vec<Value>),
}

impl Meant {
    /// What only this tab can tell, by a predicate or by who watches, is said key by key. `None`: there is nothing that
    /// may be said.
    pub fn of(
        filter: &QueryFilter,
        may_be_told: impl Fn(&QueryKey) -> bool,
        matching: impl FnOnce() -> Vec<QueryKey>,
    ) -> Option<Self> {
        let said = filter.predicate.is_none()
            && filter.activity == Activity::Any
            && filter.stale.is_none()
            && filter.fetch_status.is_none();
        let query = filter.query.map(number_of);
        let keys = match &filter.wanted {
            Wanted::All if said => return Some(Meant::All { query }),
            Wanted::Prefix { prefix, .. } if said => {
                let prefix = keys::to_json(prefix).filter(|_| may_be_told(prefix))?;
                return Some(Meant::Prefix { prefix, query });
            }
            Wanted::One(key, _) | Wanted::Key(key) if said => vec![key.clone()],
            _ => matching(),
        };
        let keys: Vec<_> = keys.iter().filter(|key| may_be_told(key)).filter_map(keys::to_json).collect();
        (!keys.is_empty()).then_some(Meant::Keys(keys))
    }

    pub fn filters(&self) -> Vec<QueryFilter> {
        let of = |filter: QueryFilter, query: Option<u32>| match query {
            Some(query) => filter.numbered(query),
            None => filter,
        };
        match self {
            Meant::All { query } => vec![of(QueryFilter::all(), *query)],
            Meant::Prefix { prefix, query } => {
                let prefix = keys::from_json(prefix).map(QueryFilter::prefix);
                prefix.map(|filter| of(filter, *query)).into_iter().collect()
            }
            Meant::Keys(keys) => keys.iter().filter_map(keys::from_json).map(QueryFilter::exact).collect(),
        }
    }
}

impl QueryFilter {
    /// Only queries whose type has this number.
    fn numbered(self, query: u32) -> Self {
        self.matching(move |info| info.query_number() == Some(query))
    }
}

pub(super) fn fetches(then: Then) -> bool {
    then != Then::Nothing
}
