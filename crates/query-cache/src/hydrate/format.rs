//! What the JSON looks like.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::engine::Parcel;
use crate::entry::Kind;
use crate::environment::Timestamp;
use crate::key::QueryKey;

use super::keys;

/// The version of everything that is written here. JSON of another is not read.
pub(crate) const VERSION: u32 = 1;

/// The whole.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    pub version: u32,
    pub scope: Option<&'a str>,
    pub entries: Vec<Packed>,
    pub sections: Map<String, Value>,
}

/// The whole, as it is read: an entry that is no good does not spoil the others.
#[derive(Deserialize)]
pub(super) struct WholeRead<'a> {
    #[serde(default)]
    pub scope: Option<String>,
    #[serde(borrow)]
    pub entries: Vec<&'a RawValue>,
    #[serde(default)]
    pub sections: Map<String, Value>,
}

/// One entry.
#[derive(Deserialize, Serialize)]
pub(crate) struct Packed {
    key: Value,
    /// Which type of query it is, as far as a number can tell.
    pub query: u32,
    /// When the data arrived, in milliseconds since the Unix epoch.
    pub at: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub invalidated: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub public: bool,
    pub data: Box<RawValue>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Packed {
    /// `None`: its key cannot be written.
    pub fn new(parcel: &Parcel, query: u32, data: Box<RawValue>) -> Option<Self> {
        Some(Packed {
            key: keys::to_json(&parcel.key)?,
            query,
            at: parcel.at.as_millis(),
            invalidated: parcel.invalidated,
            public: parcel.public,
            data,
        })
    }

    /// `None`: that is no key.
    pub fn key(&self) -> Option<QueryKey> {
        keys::from_json(&self.key)
    }

    /// When the data arrived: not later than now, whatever the clock that said it.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(self.at).min(now)
    }
}

/// A number for a type of query: the same in the same program, and most likely another for another type.
pub(crate) fn number_of(kind: Kind) -> u32 {
    number_of_name(kind().name)
}

pub(crate) fn number_of_name(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
