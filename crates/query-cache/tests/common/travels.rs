//! Numbers that travel: as JSON, to a storage, to other tabs. Fresh for five minutes.

use query_cache::minutes;

use super::Number;

/// Somebody's.
pub fn number(id: u32) -> Number {
    Number(id, |defaults| defaults.dehydrated().stale_after(minutes(5)))
}

/// Everybody's.
pub fn public(id: u32) -> Number {
    Number(id, |defaults| defaults.dehydrated().stale_after(minutes(5)).public(true))
}
