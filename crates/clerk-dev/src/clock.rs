use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, as the Frontend API counts.
pub(crate) type Millis = i64;

pub(crate) const SECOND: Millis = 1_000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const DAY: Millis = 24 * 60 * MINUTE;

/// The server's clock: the machine's, or one that is ahead of it or behind.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> Millis {
        let machine = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|elapsed| Millis::try_from(elapsed.as_millis()).ok())
            .unwrap_or_default();
        machine.saturating_add(self.ahead())
    }

    /// How far it is ahead of the machine's clock; behind it if negative.
    pub(crate) fn ahead(&self) -> Millis {
        self.ahead.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ahead(&self, ahead: Millis) {
        self.ahead.store(ahead, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_machines_until_it_is_set() {
        let (clock, late) = (Clock::default(), Clock::default());
        late.set_ahead(-2 * MINUTE);
        let behind = clock.now() - late.now();
        assert!((2 * MINUTE - SECOND..2 * MINUTE + SECOND).contains(&behind), "{behind}");
        clock.set_ahead(Millis::MAX);
        assert_eq!(clock.now(), Millis::MAX);
    }
}
