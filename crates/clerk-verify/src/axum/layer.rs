use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Method, Request, header};
use tower_layer::Layer;
use tower_service::Service;

use super::credentials::bearer_token;
use super::error::AuthError;
use crate::session::Session;
use crate::verifier::Verifier;

/// Authenticates each request and leaves what it found to the extractors.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    verifier: Verifier,
}

/// What [`AuthLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    verifier: Verifier,
}

/// What the layer found, in the request's extensions. Private, so that only the layer can put it there.
#[derive(Clone)]
pub(super) struct Outcome(pub(super) Result<Arc<Session>, AuthError>);

impl AuthLayer {
    /// A layer that accepts what `verifier` accepts.
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, verifier: self.verifier.clone() }
    }
}

impl<S, B> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that was asked whether it is ready is the one to call, not its clone.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let verifier = self.verifier.clone();
        Box::pin(async move {
            let outcome = if is_preflight(request.method(), request.headers()) {
                Err(AuthError::NoCredentials)
            } else {
                match bearer_token(request.headers()) {
                    Ok(token) => {
                        verifier.verify_session(token).await.map(Arc::new).map_err(AuthError::Verify)
                    }
                    Err(error) => Err(error),
                }
            };
            match &outcome {
                Ok(_) => tracing::debug!(result = "signed-in", "authenticated"),
                Err(error) => {
                    tracing::debug!(result = "signed-out", reason = error.reason(), "authenticated")
                }
            }
            request.extensions_mut().insert(Outcome(outcome));
            inner.call(request).await
        })
    }
}

/// A browser's question whether it may ask; it carries no credentials.
fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
