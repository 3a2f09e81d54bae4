use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Method, Request, Response, header};
use tower_layer::Layer;
use tower_service::Service;

use super::authentication::{Authentication, Settings};
use super::cookies::SameOriginCookies;
use super::error::{AuthError, NOT_TO_BE_STORED};
use super::extract::AnyAuth;
use crate::accepts::AcceptsToken;
use crate::verifier::Verifier;

/// Reads each request's credentials, and verifies them as soon as an extractor or a guard asks who it is: for
/// the kinds of token that this one accepts, and once per request.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    settings: Arc<Settings>,
}

/// What [`AuthLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl AuthLayer {
    /// A layer that accepts what `verifier` accepts, from `Authorization: Bearer` alone. Which kinds of
    /// token, each extractor and guard says.
    pub fn new(verifier: Verifier) -> Self {
        Self { settings: Arc::new(Settings { verifier, accepts: AcceptsToken::ANY, cookies: None }) }
    }

    /// Accepts no token of another kind, whatever a handler asks for. [`AnyAuth`] then means any of these.
    #[must_use]
    pub fn accepts_token(self, accepts: impl Into<AcceptsToken>) -> Self {
        let accepts = accepts.into();
        self.with(|settings| settings.accepts = accepts)
    }

    /// Accepts sessions from Clerk's cookie too, on requests that this origin's own pages make.
    #[must_use]
    pub fn same_origin_cookies(self, cookies: SameOriginCookies) -> Self {
        self.with(|settings| settings.cookies = Some(cookies))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let old = &self.settings;
        let (verifier, cookies) = (old.verifier.clone(), old.cookies.clone());
        let mut settings = Settings { verifier, accepts: old.accepts, cookies };
        change(&mut settings);
        Self { settings: Arc::new(settings) }
    }

    /// The same as a function, for servers that have no layers.
    ///
    /// # Errors
    ///
    /// [`AuthError`], which knows its status, challenge and body.
    pub async fn authenticate(
        &self,
        method: &Method,
        headers: &HeaderMap,
        accepts: impl Into<AcceptsToken>,
    ) -> Result<AnyAuth, AuthError> {
        Authentication::new(Arc::clone(&self.settings), method, headers).verify(accepts.into()).await
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, settings: Arc::clone(&self.settings) }
    }
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let settings = Arc::clone(&self.settings);
        let authentication = Authentication::new(settings, request.method(), request.headers());
        request.extensions_mut().insert(authentication.clone());
        // This one was asked whether it is ready, and no clone of it: call before anything is awaited.
        let response = self.inner.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            if authentication.was_asked() {
                response.headers_mut().entry(header::CACHE_CONTROL).or_insert(NOT_TO_BE_STORED);
            }
            Ok(response)
        })
    }
}
