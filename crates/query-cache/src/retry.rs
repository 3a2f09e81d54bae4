//! Whether an attempt is repeated, and after how long.

use std::time::Duration;

use crate::error::ErrorClass;
use crate::policy::Plain;

/// The wait after an attempt that failed, when `failures` failed before it. `None`: that was the last.
///
/// Exponential with full jitter: anything from nothing to 1 s, 2 s, 4 s and so on up to 30 s, so that many
/// who failed at once do not come back at once. An error that says when to come back is obeyed.
pub(crate) fn wait_before(failures: u32, policy: &Plain, class: ErrorClass, random: u64) -> Option<Duration> {
    let after = match class {
        ErrorClass::Retryable { after } => after,
        ErrorClass::Offline => None,
        ErrorClass::Unauthorized | ErrorClass::Permanent => return None,
    };
    if failures >= policy.retry {
        return None;
    }
    Some(after.unwrap_or_else(|| {
        let doubled = policy.first_wait.0.saturating_mul(1_u64.checked_shl(failures).unwrap_or(u64::MAX));
        let most = doubled.min(policy.longest_wait.0);
        Duration::from_millis(random.checked_rem(most.saturating_add(1)).unwrap_or(random))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Millis;

    fn retries(retry: u32) -> Plain {
        Plain { retry, ..Plain::default() }
    }

    #[test]
    fn waits_double_up_to_thirty_seconds() {
        let longest = |failures| {
            (0..200_000_u64)
                .step_by(7)
                .filter_map(|random| wait_before(failures, &retries(u32::MAX), ErrorClass::RETRYABLE, random))
                .max()
                .unwrap()
        };
        let near = |wait: Duration, most: u64| {
            wait <= Duration::from_millis(most) && wait > Duration::from_millis(most - most / 50)
        };
        for (failures, most) in [(0, 1_000), (1, 2_000), (2, 4_000), (4, 16_000), (5, 30_000), (40, 30_000)] {
            assert!(near(longest(failures), most), "{failures}: {:?}", longest(failures));
        }
    }

    #[test]
    fn a_wait_may_be_of_any_length() {
        let forever =
            Plain { first_wait: Millis(u64::MAX), longest_wait: Millis(u64::MAX), ..Plain::default() };
        assert_eq!(wait_before(2, &forever, ErrorClass::RETRYABLE, 7), Some(Duration::from_millis(7)));
        let at_once = Plain { first_wait: Millis(0), ..Plain::default() };
        assert_eq!(wait_before(2, &at_once, ErrorClass::RETRYABLE, 7), Some(Duration::ZERO));
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        assert_eq!(wait_before(0, &retries(3), ErrorClass::Permanent, 5), None);
        assert_eq!(wait_before(0, &retries(3), ErrorClass::Unauthorized, 5), None);
        assert_eq!(wait_before(3, &retries(3), ErrorClass::RETRYABLE, 5), None);
    }

    #[test]
    fn a_server_that_says_when_is_obeyed() {
        let hour = Duration::from_secs(3600);
        assert_eq!(wait_before(0, &retries(3), ErrorClass::Retryable { after: Some(hour) }, 5), Some(hour));
    }
}
