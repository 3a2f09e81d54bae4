//! Clerk's Backend API, which alone knows what an opaque token is.

mod answer;
mod cache;
mod setup;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clerk_core::TokenKind;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub use setup::{BackendSetupError, SecretKey};

use crate::auth::Auth;
use crate::clock::{Clock, SystemClock};
use crate::metrics::{head, line};
use crate::rejection::Rejection;
use crate::remote;
use crate::verifier::{Unavailable, VerifyError};
use cache::{Cache, Lookup};

/// Which of the Backend API's versions the requests and answers here are.
pub(crate) const VERSION: &str = "2026-05-12";
pub(crate) const VERSION_HEADER: &str = "clerk-api-version";

/// Clerk lets a development instance ask 100 times in ten seconds.
const MOST_IN_FLIGHT: usize = 64;
const MOST_REMEMBERED: usize = 10_000;
const LONGEST_MEMORY: Duration = Duration::from_secs(60);

/// Clerk's Backend API: verifies OAuth tokens (`oat_…`), M2M tokens (`mt_…`) and API keys (`ak_…`).
/// Clones share what they know.
///
/// - Many requests with one token at once make one call.
/// - An answer is remembered for 10 s, under the token's SHA-256, at most 10,000 of them: for so long a
///   token may outlive its revocation. [`remember_for`](Self::remember_for) changes that; it never outlives
///   its expiry.
/// - At most 64 calls are under way; what comes on top of them is told to try again later.
/// - 429, 5xx, and no answer within 5 s are [`VerifyError::Unavailable`]. A `Retry-After` is passed on, and
///   that token is not asked about before.
///
/// Calls run as tasks, so that verifying needs a Tokio runtime.
#[derive(Clone)]
pub struct BackendApi {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    url: Url,
    secret: HeaderValue,
    machine_secret: Option<HeaderValue>,
    clock: Arc<dyn Clock>,
    remember_for: Duration,
    cache: Cache,
    slots: Semaphore,
    calls: AtomicU64,
    failures: AtomicU64,
}

/// What Clerk said about a token, or why it said nothing.
pub(crate) type Verdict = Result<Arc<Auth>, VerifyError>;

impl BackendApi {
    /// Asks with the instance's secret key.
    ///
    /// # Errors
    ///
    /// [`BackendSetupError::Client`].
    pub fn new(secret_key: SecretKey) -> Result<Self, BackendSetupError> {
        Self::at("https://api.clerk.com", secret_key)
    }

    /// The Backend API at another `url`, which Clerk's SDKs call `apiUrl`: https, or plain http on this
    /// machine.
    ///
    /// # Errors
    ///
    /// [`BackendSetupError`].
    pub fn at(url: &str, secret_key: SecretKey) -> Result<Self, BackendSetupError> {
        let url = remote::url(url.trim_end_matches('/')).ok_or(BackendSetupError::Url)?;
        let client = remote::client(&url).map_err(BackendSetupError::Client)?;
        Ok(Self { shared: Arc::new(Shared::new(client, url, secret_key.header())) })
    }

    /// Asks about M2M tokens with this machine's secret key (`ak_…`) instead of the instance's.
    #[must_use]
    pub fn machine_secret_key(self, key: SecretKey) -> Self {
        self.with(|shared| shared.machine_secret = Some(key.header()))
    }

    /// For how long an answer counts: 10 s unless set, 60 s at most, and zero for not at all.
    #[must_use]
    pub fn remember_for(self, time: Duration) -> Self {
        self.with(|shared| shared.remember_for = time.min(LONGEST_MEMORY))
    }

    /// With another clock, for tests. What is remembered is forgotten.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|shared| shared.clock = Arc::new(clock))
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let old = &self.shared;
        let mut shared = Shared::new(old.client.clone(), old.url.clone(), old.secret.clone());
        shared.machine_secret = old.machine_secret.clone();
        shared.clock = Arc::clone(&old.clock);
        shared.remember_for = old.remember_for;
        change(&mut shared);
        Self { shared: Arc::new(shared) }
    }

    /// Where the instance's keys are, how to ask, and with what.
    pub(crate) fn jwks_source(&self) -> Option<(Url, Client, HeaderValue)> {
        let shared = &self.shared;
        Some((shared.at("v1/jwks")?, shared.client.clone(), shared.secret.clone()))
    }

    pub(crate) async fn verify(
        &self,
        kind: TokenKind,
        token: &str,
        unix_millis: i64,
    ) -> Result<Auth, VerifyError> {
        let shared = &self.shared;
        let key = cache::key(kind, token);
        let mut answer = match shared.cache.look_up(key, shared.clock.elapsed()) {
            Lookup::Known(verdict) => return verdict.map(|auth| Auth::clone(&auth)),
            Lookup::Asked(answer) => answer,
            Lookup::Unknown(ticket, answer) => {
                // In a task of its own: a client that goes away must not cancel what others wait for.
                let (shared, token) = (Arc::clone(shared), token.to_owned());
                tokio::spawn(async move {
                    let verdict = shared.ask(kind, &token).await;
                    let until = shared.counts_until(&verdict, unix_millis);
                    shared.cache.learn(key, ticket, verdict, until);
                });
                answer
            }
        };
        match answer.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(verdict)) => verdict.clone().map(|auth| Auth::clone(&auth)),
            // The task is gone, as when the runtime shuts down.
            _ => Err(unavailable(Duration::from_secs(1))),
        }
    }

    pub(crate) fn metrics(&self) -> String {
        let name = "clerk_verify_backend_calls_total";
        let mut text = head(name, "counter", "Questions to the Backend API, by outcome.");
        let failures = self.shared.failures.load(Ordering::Relaxed);
        let calls = self.shared.calls.load(Ordering::Relaxed);
        line(&mut text, name, &[("result", "answered")], calls.saturating_sub(failures));
        line(&mut text, name, &[("result", "failed")], failures);
        text
    }
}

impl Shared {
    fn new(client: Client, url: Url, secret: HeaderValue) -> Self {
        Self {
            client,
            url,
            secret,
            machine_secret: None,
            clock: Arc::new(SystemClock::default()),
            remember_for: Duration::from_secs(10),
            cache: Cache::new(MOST_REMEMBERED),
            slots: Semaphore::new(MOST_IN_FLIGHT),
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    fn at(&self, path: &str) -> Option<Url> {
        remote::url(&format!("{}/{path}", self.url.as_str().trim_end_matches('/')))
    }

    async fn ask(&self, kind: TokenKind, token: &str) -> Verdict {
        let Ok(_slot) = self.slots.try_acquire() else {
            tracing::warn!(in_flight = MOST_IN_FLIGHT, "too many calls of the Backend API are under way");
            return Err(unavailable(Duration::from_secs(1)));
        };
        self.calls.fetch_add(1, Ordering::Relaxed);
        let verdict = self.call(kind, token).await;
        if !matches!(verdict, Ok(_) | Err(VerifyError::Rejected(_))) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    async fn call(&self, kind: TokenKind, token: &str) -> Verdict {
        let (path, body) = question(kind, token)?;
        let url = self.at(path).ok_or(VerifyError::Misconfigured)?;
        let secret = self.machine_secret.as_ref().filter(|_| kind == TokenKind::M2M).unwrap_or(&self.secret);
        let request = self
            .client
            .post(url)
            .header(AUTHORIZATION, secret.clone())
            .header(VERSION_HEADER, VERSION)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(path, timeout = error.is_timeout(), "the Backend API does not answer");
                return Err(unavailable(Duration::from_secs(1)));
            }
        };
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                tracing::error!(
                    path,
                    status = status.as_u16(),
                    "Clerk refuses this server's own secret key; is it this instance's, and in use?"
                );
                return Err(VerifyError::Misconfigured);
            }
            StatusCode::TOO_MANY_REQUESTS => {
                tracing::warn!(path, "the Backend API's rate limit is reached");
                return Err(unavailable(retry_after(&response)));
            }
            // The server understood the question, and the token is the only thing in it that varies.
            _ if status.is_client_error() => return Err(Rejection::NotFound.into()),
            _ => {
                tracing::warn!(path, status = status.as_u16(), "the Backend API fails");
                return Err(unavailable(retry_after(&response)));
            }
        }
        let answer = remote::body(response).await.ok().and_then(|body| answer::read(kind, &body));
        answer.unwrap_or_else(|| {
            tracing::warn!(path, "the Backend API gives an answer that cannot be read");
            Err(unavailable(Duration::from_secs(1)))
        })
    }

    /// When a verdict is to be reached anew.
    fn counts_until(&self, verdict: &Verdict, unix_millis: i64) -> Duration {
        let expires_at = |auth: &Auth| match auth {
            Auth::OAuth(token) => token.expires_at(),
            Auth::Machine(token) => token.expires_at(),
            Auth::ApiKey(key) => key.expires_at(),
            Auth::Session(_) => None,
        };
        let time = match verdict {
            Ok(auth) => match expires_at(auth) {
                None => self.remember_for,
                Some(end) => {
                    let left = end.saturating_mul(1000).saturating_sub(unix_millis);
                    self.remember_for.min(Duration::from_millis(left.try_into().unwrap_or(0)))
                }
            },
            Err(VerifyError::Rejected(_)) => self.remember_for,
            Err(VerifyError::Unavailable(unavailable)) => unavailable.retry_after().min(LONGEST_MEMORY),
            Err(VerifyError::Misconfigured) => Duration::from_secs(1),
        };
        self.clock.elapsed() + time
    }
}

/// The paths of these calls have no `/v1` in front, unlike those of others.
fn question(kind: TokenKind, token: &str) -> Result<(&'static str, Value), VerifyError> {
    match kind {
        TokenKind::OAuth => Ok(("oauth_applications/access_tokens/verify", json!({ "access_token": token }))),
        TokenKind::M2M => Ok(("m2m_tokens/verify", json!({ "token": token }))),
        TokenKind::ApiKey => Ok(("api_keys/verify", json!({ "secret": token }))),
        kind => Err(Rejection::WrongKind(Some(kind)).into()),
    }
}

/// What the server asks for, within reason; a date counts as nothing said.
fn retry_after(response: &Response) -> Duration {
    let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = value.and_then(|text| text.trim().parse().ok()).unwrap_or(1_u64);
    Duration::from_secs(seconds.clamp(1, 3600))
}

fn unavailable(retry_after: Duration) -> VerifyError {
    VerifyError::Unavailable(Unavailable { retry_after, reason: "unexpected-error" })
}

impl fmt::Debug for BackendApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendApi").field("url", &self.shared.url.as_str()).finish_non_exhaustive()
    }
}
