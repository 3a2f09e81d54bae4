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
