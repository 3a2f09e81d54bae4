use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use clerk_core::{Requirement, TokenKind};
use http::Request;
use http::request::Parts;
use tower_layer::Layer;
use tower_service::Service;

use super::error::AuthError;
use super::extract::{AnyAuth, ApiKeyAuth, MachineAuth, OAuthAuth, SessionAuth, authenticate};
use crate::accepts::AcceptsToken;
use crate::auth::require_scopes;
use crate::rejection::Rejection;

/// A layer that lets through only who has what it takes; on routes inside of [`AuthLayer`](super::AuthLayer).
///
/// ```
/// use axum::{Router, routing::get};
/// use clerk_verify::axum::Require;
///
/// let admin: Router = Router::new()
///     .route("/admin", get(|| async { "hello" }))
///     .route_layer(Require::permission("org:people:manage"));
/// # let _ = admin;
/// ```
#[derive(Clone, Debug)]
pub struct Require {
    what: Arc<What>,
}

#[derive(Debug)]
struct What {
    accepts: AcceptsToken,
    scopes: Vec<String>,
    session: Option<Requirement>,
}

/// What [`Require`] makes of a service.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    what: Arc<What>,
}

impl Require {
    /// A token of these kinds.
    pub fn token(accepts: impl Into<AcceptsToken>) -> Self {
        Self { what: Arc::new(What { accepts: accepts.into(), scopes: Vec::new(), session: None }) }
    }

    /// A session.
    pub fn session() -> Self {
        Self::token(TokenKind::Session)
    }

    /// A session that has all of this.
    pub fn has(requirement: Requirement) -> Self {
        let session = Some(requirement);
        Self { what: Arc::new(What { accepts: AcceptsToken::SESSION, scopes: Vec::new(), session }) }
    }

    /// A session with a permission in the active organization, `org:people:manage`.
    pub fn permission(permission: impl Into<String>) -> Self {
        Self::has(Requirement::permission(permission))
    }

    /// A session with a role in the active organization, `org:admin`.
    pub fn role(role: impl Into<String>) -> Self {
        Self::has(Requirement::role(role))
    }

    /// A token of these kinds that has all of `scopes`. Sessions have no scopes, and are refused.
    pub fn scopes<I>(accepts: impl Into<AcceptsToken>, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let scopes = scopes.into_iter().map(Into::into).collect();
        let machines = [TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey].into();
        let accepts = accepts.into().intersection(machines);
        Self { what: Arc::new(What { accepts, scopes, session: None }) }
    }
}

impl What {
    fn check(&self, auth: &AnyAuth) -> Result<(), AuthError> {
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        require_scopes(auth.scopes(), &scopes)?;
        match (&self.session, auth) {
            (None, _) => Ok(()),
            (Some(requirement), AnyAuth::Session(session)) => Ok(session.require(requirement)?),
            (Some(_), other) => Err(Rejection::WrongKind(Some(other.kind())).into()),
        }
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService { inner, what: Arc::clone(&self.what) }
    }
}

impl<S, B> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was asked whether it is ready is the one to call, not its clone.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let what = Arc::clone(&self.what);
        let extensions = request.extensions().clone();
        Box::pin(async move {
            let auth = authenticate(&extensions, what.accepts).await;
            match auth.and_then(|auth| what.check(&auth)) {
                Ok(()) => inner.call(request).await,
                Err(error) => Ok(error.into_response()),
            }
        })
    }
}

/// A permission as a type, for [`Permitted`].
pub trait Permission {
    /// Its name, such as `org:people:manage`.
    const NAME: &'static str;
}

/// A session with a permission in the active organization. In a handler's arguments it makes it a condition.
///
/// ```
/// use clerk_verify::axum::{Permission, Permitted};
///
/// struct ManagePeople;
/// impl Permission for ManagePeople {
///     const NAME: &'static str = "org:people:manage";
/// }
///
/// async fn admin(session: Permitted<ManagePeople>) -> String {
///     session.user_id().to_owned()
/// }
/// ```
pub struct Permitted<P> {
    session: SessionAuth,
    permission: PhantomData<fn() -> P>,
}

impl<P> Deref for Permitted<P> {
    type Target = SessionAuth;

    fn deref(&self) -> &SessionAuth {
        &self.session
    }
}

impl<P> fmt::Debug for Permitted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permitted").field(&self.session).finish()
    }
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for Permitted<P> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let session = <SessionAuth as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        session.require(&Requirement::permission(P::NAME))?;
        Ok(Self { session, permission: PhantomData })
    }
}

/// A scope as a type, for [`Scoped`].
pub trait Scope {
    /// Its name, such as `reports:read`.
    const NAME: &'static str;
}

/// A token with a scope: `Scoped<OAuthAuth, ReadReports>`. In a handler's arguments it makes it a condition.
///
/// ```
/// use clerk_verify::axum::{OAuthAuth, Scope, Scoped};
///
/// struct ReadReports;
/// impl Scope for ReadReports {
///     const NAME: &'static str = "reports:read";
/// }
///
/// async fn reports(token: Scoped<OAuthAuth, ReadReports>) -> String {
///     format!("for {}", token.user_id())
/// }
/// ```
pub struct Scoped<A, S> {
    auth: A,
    scope: PhantomData<fn() -> S>,
}

/// The extractors whose tokens have scopes.
pub trait HasScopes {
    /// What the token may be used for.
    fn scopes(&self) -> &[String];
}

macro_rules! has_scopes {
    ($($extractor:ident)*) => {$(
        impl HasScopes for $extractor {
            fn scopes(&self) -> &[String] {
                (**self).scopes()
            }
        }
    )*};
}

has_scopes!(OAuthAuth MachineAuth ApiKeyAuth);

impl HasScopes for AnyAuth {
    fn scopes(&self) -> &[String] {
        self.scopes()
    }
}

impl<A, S> Deref for Scoped<A, S> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.auth
    }
}

impl<A: fmt::Debug, S> fmt::Debug for Scoped<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scoped").field(&self.auth).finish()
    }
}

impl<A, N, S> FromRequestParts<S> for Scoped<A, N>
where
    A: HasScopes + FromRequestParts<S, Rejection = AuthError>,
    N: Scope,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let auth = A::from_request_parts(parts, state).await?;
        require_scopes(auth.scopes(), &[N::NAME])?;
        Ok(Self { auth, scope: PhantomData })
    }
}
