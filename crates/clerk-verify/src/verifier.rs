use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::check::check;
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "jwks")]
use crate::jwks::Jwks;
use crate::keys::KeySet;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::session::Session;
#[cfg(feature = "jwks")]
use crate::token::Kid;
use crate::token::SessionJwt;

/// Verifies tokens: a policy, the keys and a clock. Clones share all three.
#[derive(Clone, Debug)]
pub struct Verifier {
    policy: Arc<Policy>,
    keys: KeySource,
    clock: Arc<dyn Clock>,
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

#[cfg(feature = "jwks")]
impl From<Jwks> for KeySource {
    fn from(jwks: Jwks) -> Self {
        Self::Jwks(jwks)
    }
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not to be accepted.
    Rejected(Rejection),
    /// The keys cannot be had, so that nothing can be said about the token.
    KeysUnavailable(KeysUnavailable),
}

/// There are no keys to verify with. Why is in the log: it is no business of the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysUnavailable {
    pub(crate) retry_after: Duration,
    pub(crate) reason: &'static str,
}

impl KeysUnavailable {
    /// When it is worth trying again; at least a second.
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl Verifier {
    /// Accepts what `policy` says and `keys` signed, as of the machine's clock.
    pub fn new(policy: Policy, keys: impl Into<KeySource>) -> Self {
        Self { policy: Arc::new(policy), keys: keys.into(), clock: Arc::new(SystemClock::default()) }
    }

    /// With another clock, for tests. A JWKS has a clock of its own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies a session token: the text after `Bearer`.
    ///
    /// With a JWKS this may wait for one fetch, which has a time limit of its own.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Rejected`] is the client's doing, and a 401. [`VerifyError::KeysUnavailable`] is
    /// not, and a 503.
    pub async fn verify_session(&self, token: &str) -> Result<Session, VerifyError> {
        let jwt = SessionJwt::read(token)?;
        let keys = match &self.keys {
            KeySource::Fixed(keys) => Arc::clone(keys),
            // What names no key can be verified by none that a fetch might bring.
            #[cfg(feature = "jwks")]
            KeySource::Jwks(_) if jwt.kid == Kid::None => return Err(Rejection::UnknownKey.into()),
            #[cfg(feature = "jwks")]
            KeySource::Jwks(jwks) => jwks.keys_for(&jwt.kid).await.map_err(VerifyError::KeysUnavailable)?,
        };
        let key = keys.find(&jwt.kid).ok_or(Rejection::UnknownKey)?;
        Ok(check(jwt, key, &self.policy, self.clock.unix_millis())?)
    }
}

impl From<Rejection> for VerifyError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl VerifyError {
    /// A stable code for programs, as Clerk's own SDK names it; see [`Rejection::reason`].
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.reason(),
            Self::KeysUnavailable(unavailable) => unavailable.reason,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::KeysUnavailable(_) => {
                f.write_str("The keys that tokens are verified with cannot be had; try again later")
            }
        }
    }
}

impl std::error::Error for VerifyError {}
