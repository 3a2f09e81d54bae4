use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, as the Frontend API counts.
pub(crate) type Millis = i64;

pub(crate) const SECOND: Millis = 1_000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const DAY: Millis = 24 * 60 * MINUTE;

pub(crate) fn now() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| Millis::try_from(elapsed.as_millis()).ok())
        .unwrap_or_default()
}
