use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What time it is. A value, so that a test can have its own.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since the Unix epoch, negative before it. A token's times are compared with this.
    fn unix_millis(&self) -> i64;

    /// Time since a moment that never changes; it never goes back. Intervals are measured with this.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn unix_millis(&self) -> i64 {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until it is moved, for tests. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    times: Arc<Times>,
}

#[derive(Debug)]
struct Times {
    unix_millis: AtomicI64,
    elapsed_millis: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `unix_seconds` since the Unix epoch.
    pub fn at(unix_seconds: i64) -> Self {
        let unix_millis = AtomicI64::new(unix_seconds.saturating_mul(1000));
        Self { times: Arc::new(Times { unix_millis, elapsed_millis: AtomicU64::new(0) }) }
    }

    /// Lets `duration` pass, to the millisecond.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.times.elapsed_millis.fetch_add(millis, Ordering::Relaxed);
        self.times.unix_millis.fetch_add(i64::try_from(millis).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Sets the time of day alone, forwards or back, as an administrator or NTP does.
    pub fn set(&self, unix_seconds: i64) {
        self.times.unix_millis.store(unix_seconds.saturating_mul(1000), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn unix_millis(&self) -> i64 {
        self.times.unix_millis.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.times.elapsed_millis.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_it_is_moved() {
        let clock = ManualClock::at(1_800_000_000);
        let same = clock.clone();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(same.unix_millis(), 1_800_000_001_500);
        assert_eq!(same.elapsed(), Duration::from_millis(1500));
        clock.set(0);
        assert_eq!((same.unix_millis(), same.elapsed()), (0, Duration::from_millis(1500)));
    }

    #[test]
    fn the_system_clock_is_in_this_century() {
        let seconds = SystemClock::default().unix_millis() / 1000;
        assert!((1_700_000_000..4_102_444_800).contains(&seconds), "{seconds}");
    }
}
