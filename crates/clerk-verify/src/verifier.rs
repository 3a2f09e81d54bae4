use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use clerk_core::TokenKind;

use crate::accepts::AcceptsToken;
use crate::auth::Auth;
#[cfg(feature = "jwks")]
use crate::backend::BackendApi;
use crate::check::check;
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "jwks")]
use crate::jwks::Jwks;
use crate::keys::KeySet;
use crate::metrics::Counters;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::session::Session;
#[cfg(feature = "jwks")]
use crate::token::Kid;
use crate::token::{Jwt, Token};

/// Verifies tokens: a policy, the keys and a clock. Clones share all three.
#[derive(Clone, Debug)]
pub struct Verifier {
    policy: Arc<Policy>,
    keys: KeySource,
    #[cfg(feature = "jwks")]
    backend: Option<BackendApi>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
}

/// Where the keys come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeySource {
    /// Keys at hand, which never change.
    Fixed(Arc<KeySet>),
    /// The issuer's JWKS.
    #[cfg(feature = "jwks")]
    Jwks(Jwks),
}

impl From<KeySet> for KeySource {
    fn from(keys: KeySet) -> Self {
        Self::Fixed(Arc::new(keys))
    }
}

impl From<Arc<KeySet>> for KeySource {
    fn from(keys: Arc<KeySet>) -> Self {
        Self::Fixed(keys)
    }
}

#[cfg(feature = "jwks")]
impl From<Jwks> for KeySource {
    fn from(jwks: Jwks) -> Self {
        Self::Jwks(jwks)
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not to be accepted: 401.
    Rejected(Rejection),
    /// Neither yes nor no: the keys, or Clerk's answer, cannot be had just now: 503.
    Unavailable(Unavailable),
    /// Neither yes nor no, and only the operator can help: Clerk refuses the API's own key. 500, and the
    /// log says why.
    Misconfigured,
}

/// What a token is verified with cannot be had. Why is in the log: it is no business of the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    pub(crate) retry_after: Duration,
    pub(crate) reason: &'static str,
}

impl Unavailable {
    /// When it is worth trying again; at least a second.
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl Verifier {
    /// Accepts what `policy` says and `keys` signed, as of the machine's clock. Opaque tokens are refused
    /// until [`backend`](Self::backend) says whom to ask about them.
    pub fn new(policy: Policy, keys: impl Into<KeySource>) -> Self {
        Self {
            policy: Arc::new(policy),
            keys: keys.into(),
            #[cfg(feature = "jwks")]
            backend: None,
            clock: Arc::new(SystemClock::default()),
            counters: Arc::default(),
        }
    }

    /// With Clerk's Backend API, which knows opaque tokens: `oat_…`, `mt_…`, `ak_…`.
    #[cfg(feature = "jwks")]
    #[must_use]
    pub fn backend(mut self, backend: BackendApi) -> Self {
        self.backend = Some(backend);
        self
    }

    /// With another clock, for tests. A JWKS and the Backend API have clocks of their own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies a token of one of the kinds that `accepts` names: the text after `Bearer`.
    ///
    /// The kind is read first: a token of any other is refused before anything is computed or asked for.
    /// With a JWKS this may wait for one fetch, and with an opaque token for the Backend API; each has a
    /// time limit of its own.
    ///
    /// ```
    /// # async fn f(verifier: clerk_verify::Verifier, token: &str) -> Result<(), clerk_verify::VerifyError> {
    /// use clerk_verify::{Auth, TokenKind};
    ///
    /// match verifier.verify(token, [TokenKind::Session, TokenKind::OAuth]).await? {
    ///     Auth::Session(session) => println!("{} is signed in", session.user_id()),
    ///     Auth::OAuth(token) => println!("{:?} acts for {}", token.client_id(), token.user_id()),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::Rejected`] is the client's doing, and a 401. The others are not.
    pub async fn verify(&self, token: &str, accepts: impl Into<AcceptsToken>) -> Result<Auth, VerifyError> {
        let (kind, result) = match Token::read(token, accepts.into()) {
            Ok(token) => (Some(token.kind()), self.verify_read(token).await),
            Err(rejection) => (rejection.kind(), Err(rejection.into())),
        };
        let verdict = result.as_ref().err().map_or("ok", VerifyError::reason);
        self.counters.count(kind, verdict);
        result
    }

    /// [`verify`](Self::verify) for sessions alone.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub async fn verify_session(&self, token: &str) -> Result<Session, VerifyError> {
        match self.verify(token, AcceptsToken::SESSION).await? {
            Auth::Session(session) => Ok(session),
            other => Err(Rejection::WrongKind(Some(other.kind())).into()),
        }
    }

    /// What was counted since the start, in Prometheus's text format: verdicts by kind and reason, and, with
    /// the feature `jwks`, fetches of keys, the age of the keys, and questions to the Backend API.
    pub fn metrics(&self) -> String {
        self.counters.render() + &self.remote_metrics()
    }

    #[cfg(feature = "jwks")]
    fn remote_metrics(&self) -> String {
        let keys = if let KeySource::Jwks(jwks) = &self.keys { jwks.metrics() } else { String::new() };
        keys + &self.backend.as_ref().map(BackendApi::metrics).unwrap_or_default()
    }

    #[cfg(not(feature = "jwks"))]
    #[allow(clippy::unused_self)]
    fn remote_metrics(&self) -> String {
        String::new()
    }

    async fn verify_read(&self, token: Token<'_>) -> Result<Auth, VerifyError> {
        match token {
            Token::Jwt(jwt) => self.verify_jwt(jwt).await,
            Token::Opaque(kind, token) => self.ask(kind, token).await,
        }
    }

    async fn verify_jwt(&self, jwt: Jwt<'_>) -> Result<Auth, VerifyError> {
        let keys = match &self.keys {
            KeySource::Fixed(keys) => Arc::clone(keys),
            // What names no key can be verified by none that a fetch might bring.
            #[cfg(feature = "jwks")]
            KeySource::Jwks(_) if jwt.kid == Kid::None => return Err(Rejection::UnknownKey.into()),
            #[cfg(feature = "jwks")]
            KeySource::Jwks(jwks) => jwks.keys_for(&jwt.kid).await?,
        };
        let key = keys.find(&jwt.kid).ok_or(Rejection::UnknownKey)?;
        Ok(check(jwt, key, &self.policy, self.clock.unix_millis())?)
    }

    #[cfg(feature = "jwks")]
    async fn ask(&self, kind: TokenKind, token: &str) -> Result<Auth, VerifyError> {
        let Some(backend) = &self.backend else { return Err(Rejection::Opaque.into()) };
        let auth = backend.verify(kind, token, self.clock.unix_millis()).await?;
        self.policy.admits_answer(&auth)?;
        Ok(auth)
    }

    #[cfg(not(feature = "jwks"))]
    #[allow(clippy::unused_async)]
    async fn ask(&self, _kind: TokenKind, _token: &str) -> Result<Auth, VerifyError> {
        Err(Rejection::Opaque.into())
    }
}

impl From<Rejection> for VerifyError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl VerifyError {
    /// A stable code for programs and logs, as Clerk's own SDK names it; see [`Rejection::reason`].
    /// `secret-key-invalid` is for the log: a client is told `unexpected-error`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.reason(),
            Self::Unavailable(unavailable) => unavailable.reason,
            Self::Misconfigured => "secret-key-invalid",
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Unavailable(_) => f.write_str("The token cannot be verified just now; try again later"),
            Self::Misconfigured => f.write_str("The server cannot verify the token"),
        }
    }
}

impl std::error::Error for VerifyError {}
