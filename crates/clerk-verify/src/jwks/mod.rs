//! Keys from the issuer's JWKS: fetched when needed, by one request at a time, and kept through an outage.

mod fetch;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clerk_core::PublishableKey;
use tokio::sync::watch;

pub use fetch::{FetchError, JwksSetupError};

use crate::backend::BackendApi;
use crate::clock::{Clock, SystemClock};
use crate::keys::KeySet;
use crate::metrics::{head, line};
use crate::token::Kid;
use crate::verifier::{Unavailable, VerifyError};
use fetch::Source;

/// The first wait after a fetch that failed; it doubles up to the interval for unknown keys.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The keys of an issuer, from its JWKS. Clones share them.
///
/// - Many requests that need the keys at once make one fetch.
/// - Keys older than five minutes are used while they are fetched anew behind the request.
/// - While the issuer cannot be reached, the keys last had are used, for a day.
/// - A token that names a key that is not in the set causes at most one fetch in 30 s, whoever sends
///   however many of them. A key that is new is therefore known 30 s later at the latest.
/// - The document is at most 256 kB and 64 keys, redirects are not followed, and a fetch takes 5 s at most.
///
/// Fetches run as tasks, so that verifying needs a Tokio runtime.
#[derive(Clone)]
pub struct Jwks {
    shared: Arc<Shared>,
}

struct Shared {
    source: Source,
    clock: Arc<dyn Clock>,
    fresh_for: Duration,
    keep_for: Duration,
    unknown_key_interval: Duration,
    state: Mutex<State>,
}

/// Times are the clock's `elapsed`.
#[derive(Default)]
struct State {
    held: Option<Held>,
    /// Closes when the fetch that is under way is over.
    in_flight: Option<watch::Receiver<()>>,
    last_start: Option<Duration>,
    /// No fetch before this, after one that failed.
    retry_at: Duration,
    failures: u32,
    last_error: Option<FetchError>,
    /// Since the start.
    fetched: u64,
    failed: u64,
}

#[derive(Clone)]
struct Held {
    keys: Arc<KeySet>,
    fetched_at: Duration,
}

impl Jwks {
    /// The keys of the instance that `key` names, at its Frontend API.
    ///
    /// # Errors
    ///
    /// [`JwksSetupError`].
    pub fn for_instance(key: &PublishableKey) -> Result<Self, JwksSetupError> {
        Self::for_issuer(&key.issuer())
    }

    /// The keys of `issuer`, at `/.well-known/jwks.json` below it.
    ///
    /// # Errors
    ///
    /// [`JwksSetupError`].
    pub fn for_issuer(issuer: &str) -> Result<Self, JwksSetupError> {
        Self::from_url(&format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')))
    }

    /// The keys at `url`: https, or plain http from this machine.
    ///
    /// # Errors
    ///
    /// [`JwksSetupError`].
    pub fn from_url(url: &str) -> Result<Self, JwksSetupError> {
        Ok(Self::from_source(Source::new(url)?))
    }

    /// The keys of the instance whose secret key `backend` holds, from the Backend API.
    ///
    /// # Errors
    ///
    /// [`JwksSetupError::Url`] if no URL can be made of that of `backend`.
    pub fn from_backend(backend: &BackendApi) -> Result<Self, JwksSetupError> {
        let (url, client, secret) = backend.jwks_source().ok_or(JwksSetupError::Url)?;
        Ok(Self::from_source(Source::with_secret(url, client, secret)))
    }

    fn from_source(source: Source) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                clock: Arc::new(SystemClock::default()),
                fresh_for: Duration::from_secs(5 * 60),
                keep_for: Duration::from_secs(24 * 60 * 60),
                unknown_key_interval: Duration::from_secs(30),
                state: Mutex::default(),
            }),
        }
    }

    /// With another clock, for tests. Keys already fetched are forgotten.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|shared| shared.clock = Arc::new(clock))
    }

    /// For how long keys are used before they are fetched anew; five minutes unless set.
    #[must_use]
    pub fn fresh_for(self, time: Duration) -> Self {
        self.with(|shared| shared.fresh_for = time)
    }

    /// For how long keys are used while the issuer cannot be reached; a day unless set.
    #[must_use]
    pub fn keep_for(self, time: Duration) -> Self {
        self.with(|shared| shared.keep_for = time)
    }

    /// How seldom tokens that name unknown keys may cause a fetch; 30 s unless set.
    #[must_use]
    pub fn unknown_key_interval(self, interval: Duration) -> Self {
        self.with(|shared| shared.unknown_key_interval = interval)
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let shared = &self.shared;
        let mut changed = Shared {
            source: shared.source.clone(),
            clock: Arc::clone(&shared.clock),
            fresh_for: shared.fresh_for,
            keep_for: shared.keep_for,
            unknown_key_interval: shared.unknown_key_interval,
            state: Mutex::default(),
        };
        change(&mut changed);
        Self { shared: Arc::new(changed) }
    }

    /// The keys, among which is the one that `kid` names, if the issuer has it.
    pub(crate) async fn keys_for(&self, kid: &Kid) -> Result<Arc<KeySet>, VerifyError> {
        let mut waited = false;
        loop {
            match self.shared.decide(kid, waited) {
                Decision::Use(keys) => return Ok(keys),
                Decision::No(error) => return Err(error),
                // An error says that the sender is gone: the fetch is over.
                Decision::Wait(mut over) => while over.changed().await.is_ok() {},
            }
            waited = true;
        }
    }

    pub(crate) fn metrics(&self) -> String {
        let state = self.shared.lock();
        let name = "clerk_verify_jwks_fetches_total";
        let mut text = head(name, "counter", "Fetches of the JWKS, by outcome.");
        line(&mut text, name, &[("result", "ok")], state.fetched);
        line(&mut text, name, &[("result", "failed")], state.failed);
        if let Some(held) = &state.held {
            let age = self.shared.clock.elapsed().saturating_sub(held.fetched_at);
            text.push_str(&head(
                "clerk_verify_jwks_age_seconds",
                "gauge",
                "Time since the keys were fetched.",
            ));
            line(&mut text, "clerk_verify_jwks_age_seconds", &[], age.as_secs());
        }
        text
    }
}

enum Decision {
    Use(Arc<KeySet>),
    Wait(watch::Receiver<()>),
    No(VerifyError),
}

impl Shared {
    fn decide(self: &Arc<Self>, kid: &Kid, waited: bool) -> Decision {
        let mut state = self.lock();
        let now = self.clock.elapsed();
        let age = |held: &Held| now.saturating_sub(held.fetched_at);
        let held = state.held.clone().filter(|held| age(held) < self.keep_for);

        let Some(held) = held else {
            if let Some(over) = &state.in_flight {
                return Decision::Wait(over.clone());
            }
            if waited || now < state.retry_at {
                return Decision::No(self.unavailable(&state, now));
            }
            return Decision::Wait(self.start(&mut state, now));
        };
        if held.keys.find(kid).is_some() {
            if age(&held) >= self.fresh_for && state.in_flight.is_none() && now >= state.retry_at {
                self.start(&mut state, now);
            }
            return Decision::Use(held.keys);
        }
        if !waited {
            if let Some(over) = &state.in_flight {
                return Decision::Wait(over.clone());
            }
            let due = state.last_start.is_none_or(|start| now >= start + self.unknown_key_interval);
            if due {
                return Decision::Wait(self.start(&mut state, now));
            }
        }
        // Without having reached the issuer, nobody can say that it has no such key.
        if state.failures > 0 {
            return Decision::No(self.unavailable(&state, now));
        }
        Decision::Use(held.keys)
    }

    fn unavailable(&self, state: &State, now: Duration) -> VerifyError {
        let retry_after = state.retry_at.saturating_sub(now).max(Duration::from_secs(1));
        let reason = match state.last_error {
            Some(FetchError::SecretKey) => return VerifyError::Misconfigured,
            Some(FetchError::Invalid(_) | FetchError::TooLarge) => "jwk-remote-invalid",
            _ => "jwk-remote-failed-to-load",
        };
        VerifyError::Unavailable(Unavailable { retry_after, reason })
    }

    /// In a task of its own: a client that goes away must not cancel what others wait for.
    fn start(self: &Arc<Self>, state: &mut State, now: Duration) -> watch::Receiver<()> {
        let (sender, over) = watch::channel(());
        state.last_start = Some(now);
        state.in_flight = Some(over.clone());
        let flight = Flight { shared: Arc::clone(self), _over: sender };
        tokio::spawn(async move {
            let result = flight.shared.source.fetch().await;
            flight.shared.finish(result);
            drop(flight);
        });
        over
    }

    fn finish(&self, result: Result<KeySet, FetchError>) {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        match result {
            Ok(keys) => {
                state.held = Some(Held { keys: Arc::new(keys), fetched_at: now });
                state.failures = 0;
                state.retry_at = now;
                state.last_error = None;
                state.fetched += 1;
                tracing::debug!(url = %self.source, "the JWKS was fetched");
            }
            Err(error) => {
                let backoff = FIRST_BACKOFF.saturating_mul(1 << state.failures.min(10));
                let backoff = backoff.min(self.unknown_key_interval.max(FIRST_BACKOFF));
                state.failures = state.failures.saturating_add(1);
                state.retry_at = now + backoff;
                state.last_error = Some(error);
                state.failed += 1;
                tracing::warn!(
                    url = %self.source,
                    %error,
                    keys_held = state.held.is_some(),
                    retry_after_seconds = backoff.as_secs(),
                    "the JWKS could not be fetched"
                );
            }
        }
    }

    /// No code of others runs under this lock, so that even a poisoned one guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch under way. However it ends, the next may begin and who waits is woken.
struct Flight {
    shared: Arc<Shared>,
    _over: watch::Sender<()>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.shared.lock().in_flight = None;
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("url", &self.shared.source.to_string()).finish_non_exhaustive()
    }
}
