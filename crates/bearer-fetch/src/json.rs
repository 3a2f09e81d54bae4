//! JSON in and out, the one place that knows how: whoever wants another reader changes this file alone.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) const CONTENT_TYPE: &str = "application/json";

pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// What the reader missed, and where, if it does not read as a `T`.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
