use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use clerk_core::TokenKind;
use lru::LruCache;
use tokio::sync::watch;

use super::Verdict;
use crate::metrics;
use crate::verifier::{Unavailable, VerifyError};

pub(super) type Key = [u8; 32];
type Answer = watch::Receiver<Option<Verdict>>;

/// What is known of tokens, and what is being asked. The least lately used goes first.
pub(super) struct Cache {
    entries: Mutex<LruCache<Key, Entry>>,
}

enum Entry {
    Asked(Answer),
    Known { verdict: Verdict, until: Duration },
}

pub(super) enum Lookup {
    Known(Verdict),
    /// Somebody is asking already.
    Asked(Answer),
    /// Whoever holds the ticket is to ask.
    Unknown(Ticket, Answer),
}

/// The right, and the duty, to tell everybody who waits.
pub(super) struct Ticket(watch::Sender<Option<Verdict>>);

/// The token itself is not kept.
pub(super) fn key(kind: TokenKind, token: &str) -> Key {
    let mut context = Context::new(&SHA256);
    context.update(metrics::name(kind).as_bytes());
    context.update(b"\0");
    context.update(token.as_bytes());
    let mut key = Key::default();
    key.copy_from_slice(context.finish().as_ref());
    key
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        Self { entries: Mutex::new(LruCache::new(capacity)) }
    }

    pub(super) fn look_up(&self, key: Key, now: Duration) -> Lookup {
        let mut entries = self.lock();
        match entries.get(&key) {
            Some(Entry::Known { verdict, until }) if now < *until => {
                return Lookup::Known(still(verdict, until.saturating_sub(now)));
            }
            // A task that ended without an answer left nobody to wait for.
            Some(Entry::Asked(answer)) if answer.has_changed().is_ok() => {
                return Lookup::Asked(answer.clone());
            }
            _ => {}
        }
        let (sender, answer) = watch::channel(None);
        entries.put(key, Entry::Asked(answer.clone()));
        Lookup::Unknown(Ticket(sender), answer)
    }

    pub(super) fn learn(&self, key: Key, ticket: Ticket, verdict: Verdict, until: Duration) {
        self.lock().put(key, Entry::Known { verdict: verdict.clone(), until });
        ticket.0.send_replace(Some(verdict));
    }

    /// No code of others runs under this lock, so that even a poisoned one guards a whole state.
    fn lock(&self) -> MutexGuard<'_, LruCache<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever is told to come back later is told when, as of now.
fn still(verdict: &Verdict, left: Duration) -> Verdict {
    match verdict {
        Err(VerifyError::Unavailable(unavailable)) => Err(VerifyError::Unavailable(Unavailable {
            retry_after: left.max(Duration::from_secs(1)),
            ..*unavailable
        })),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Rejection;

    const NOW: Duration = Duration::from_secs(1);

    fn learn(cache: &Cache, token: &str) {
        let key = key(TokenKind::ApiKey, token);
        let Lookup::Unknown(ticket, _) = cache.look_up(key, NOW) else { panic!("{token} is known") };
        cache.learn(key, ticket, Err(Rejection::NotFound.into()), NOW * 2);
    }

    fn knows(cache: &Cache, token: &str, now: Duration) -> bool {
        matches!(cache.look_up(key(TokenKind::ApiKey, token), now), Lookup::Known(_))
    }

    #[test]
    fn it_is_bounded_and_the_least_lately_used_goes_first() {
        let cache = Cache::new(2);
        learn(&cache, "a");
        learn(&cache, "b");
        assert!(knows(&cache, "a", NOW));
        learn(&cache, "c");
        assert!(knows(&cache, "a", NOW) && knows(&cache, "c", NOW));
        assert!(!knows(&cache, "b", NOW));
        assert_eq!(cache.lock().len(), 2);
    }

    #[test]
    fn what_is_known_is_known_until_its_time() {
        let cache = Cache::new(2);
        learn(&cache, "a");
        assert!(knows(&cache, "a", NOW * 2 - Duration::from_nanos(1)));
        assert!(!knows(&cache, "a", NOW * 2));
    }

    #[test]
    fn whoever_asks_may_vanish_and_the_next_asks_instead() {
        let cache = Cache::new(2);
        let key = key(TokenKind::ApiKey, "a");
        let Lookup::Unknown(ticket, _) = cache.look_up(key, NOW) else { panic!() };
        assert!(matches!(cache.look_up(key, NOW), Lookup::Asked(_)));
        drop(ticket);
        assert!(matches!(cache.look_up(key, NOW), Lookup::Unknown(..)));
    }

    #[test]
    fn one_text_is_another_token_for_each_kind() {
        assert_ne!(key(TokenKind::ApiKey, "a"), key(TokenKind::OAuth, "a"));
    }
}
