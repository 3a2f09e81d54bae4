use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clerk_core::TokenKind;
use http::{HeaderMap, Method, header};

use super::cookies::SameOriginCookies;
use super::credentials::Credentials;
use super::error::AuthError;
use super::extract::AnyAuth;
use crate::accepts::AcceptsToken;
use crate::metrics;
use crate::rejection::Rejection;
use crate::verifier::{Verifier, VerifyError};

/// What [`AuthLayer`](super::AuthLayer) was set up with.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) verifier: Verifier,
    pub(super) accepts: AcceptsToken,
    pub(super) cookies: Option<SameOriginCookies>,
}

/// A request's credentials, verified when somebody asks for it and at most once. In the request's
/// extensions; the type is private, so that only the layer can put it there.
#[derive(Clone)]
pub(super) struct Authentication(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    credentials: Result<Credentials, AuthError>,
    verdict: Mutex<Option<Result<AnyAuth, AuthError>>>,
    asked: AtomicBool,
}

impl Authentication {
    pub(super) fn new(settings: Arc<Settings>, method: &Method, headers: &HeaderMap) -> Self {
        let credentials = if is_preflight(method, headers) {
            Err(AuthError::NoCredentials)
        } else {
            Credentials::read(method, headers, settings.cookies.as_ref())
        };
        let (verdict, asked) = (Mutex::new(None), AtomicBool::new(false));
        Self(Arc::new(Inner { settings, credentials, verdict, asked }))
    }

    /// Whether the answer depends on who asked.
    pub(super) fn was_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    pub(super) async fn verify(&self, accepts: AcceptsToken) -> Result<AnyAuth, AuthError> {
        self.0.asked.store(true, Ordering::Relaxed);
        let accepts = accepts.intersection(self.0.settings.accepts);
        let known = self.lock().clone();
        match known {
            Some(Ok(auth)) if accepts.contains(auth.kind()) => Ok(auth),
            Some(Ok(auth)) => Err(Rejection::WrongKind(Some(auth.kind())).into()),
            Some(Err(error)) => Err(error),
            None => {
                let verdict = self.verify_once(accepts).await;
                log(&verdict);
                // That this handler does not accept the kind says nothing about the token, and the next may.
                let is_kept = match &verdict {
                    Err(AuthError::Verify(VerifyError::Rejected(Rejection::WrongKind(_)))) => false,
                    Err(AuthError::NoCredentials) => self.0.credentials.is_err(),
                    _ => true,
                };
                if is_kept {
                    *self.lock() = Some(verdict.clone());
                }
                verdict
            }
        }
    }

    async fn verify_once(&self, accepts: AcceptsToken) -> Result<AnyAuth, AuthError> {
        let verifier = &self.0.settings.verifier;
        match self.0.credentials.as_ref().map_err(Clone::clone)? {
            Credentials::Bearer(token) => Ok(verifier.verify(token, accepts).await?.into()),
            // Only sessions come in cookies.
            Credentials::Cookie { .. } if !accepts.contains(TokenKind::Session) => {
                Err(AuthError::NoCredentials)
            }
            Credentials::Cookie { token, client_updated_at } => {
                let session = verifier.verify_session(token).await?;
                let is_older = |since: i64| session.issued_at().is_none_or(|issued| issued < since);
                if client_updated_at.is_some_and(is_older) {
                    return Err(AuthError::OlderThanClient);
                }
                Ok(crate::Auth::Session(session).into())
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Result<AnyAuth, AuthError>>> {
        self.0.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The verdict and nothing of the token.
fn log(verdict: &Result<AnyAuth, AuthError>) {
    match verdict {
        Ok(auth) => tracing::debug!(kind = metrics::name(auth.kind()), result = "accepted", "authenticated"),
        // The reason as the log may have it: `secret-key-invalid` too.
        Err(AuthError::Verify(error)) => {
            tracing::debug!(result = "refused", reason = error.reason(), "authenticated");
        }
        Err(error) => tracing::debug!(result = "refused", reason = error.reason(), "authenticated"),
    }
}

/// A browser's question whether it may ask; it carries no credentials.
fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
