use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use clerk_core::TokenKind;
use http::Extensions;
use http::request::Parts;

use super::authentication::Authentication;
use super::error::AuthError;
use crate::accepts::AcceptsToken;
use crate::auth::Auth;
use crate::machine::{ApiKey, Machine, OAuth};
use crate::rejection::Rejection;
use crate::session::Session;
use crate::verifier::VerifyError;

/// A person's session. In a handler's arguments it makes sign-in a condition; as an `Option` it is `None` for
/// a request without credentials and for a session that is still pending, which counts as signed out. A bad
/// token is refused still.
#[derive(Clone, Debug)]
pub struct SessionAuth(Arc<Session>);

/// An OAuth access token, `oat_…` or a JWT. In a handler's arguments it makes one a condition.
#[derive(Clone, Debug)]
pub struct OAuthAuth(Arc<OAuth>);

/// An M2M token, `mt_…` or a JWT. In a handler's arguments it makes one a condition.
#[derive(Clone, Debug)]
pub struct MachineAuth(Arc<Machine>);

/// An API key, `ak_…`. In a handler's arguments it makes one a condition.
#[derive(Clone, Debug)]
pub struct ApiKeyAuth(Arc<ApiKey>);

/// A token of any kind that the layer accepts; [`AuthLayer::accepts_token`](super::AuthLayer::accepts_token)
/// and [`Require::token`](super::Require::token) say which.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyAuth {
    /// A person, signed in.
    Session(SessionAuth),
    /// An application that a person let act for them.
    OAuth(OAuthAuth),
    /// Another machine of the same application.
    Machine(MachineAuth),
    /// Whoever holds a key that a person or an organization made.
    ApiKey(ApiKeyAuth),
}

impl AnyAuth {
    /// The kind of token that it was.
    pub fn kind(&self) -> TokenKind {
        match self {
            Self::Session(_) => TokenKind::Session,
            Self::OAuth(_) => TokenKind::OAuth,
            Self::Machine(_) => TokenKind::M2M,
            Self::ApiKey(_) => TokenKind::ApiKey,
        }
    }

    /// Whom the token is about: `user_…`, `org_…` or `mch_…`; never empty.
    pub fn subject(&self) -> &str {
        match self {
            Self::Session(session) => session.user_id(),
            Self::OAuth(token) => token.subject(),
            Self::Machine(token) => token.subject(),
            Self::ApiKey(key) => key.subject(),
        }
    }

    /// The person behind it, if there is one: that of a session, of an OAuth token, of a person's API key.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Session(session) => Some(session.user_id()),
            Self::OAuth(token) => Some(token.user_id()),
            Self::Machine(_) => None,
            Self::ApiKey(key) => key.user_id(),
        }
    }

    /// The scopes; a session has none.
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::Session(_) => &[],
            Self::OAuth(token) => token.scopes(),
            Self::Machine(token) => token.scopes(),
            Self::ApiKey(key) => key.scopes(),
        }
    }
}

impl From<Auth> for AnyAuth {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Session(session) => Self::Session(SessionAuth(Arc::new(session))),
            Auth::OAuth(token) => Self::OAuth(OAuthAuth(Arc::new(token))),
            Auth::Machine(token) => Self::Machine(MachineAuth(Arc::new(token))),
            Auth::ApiKey(key) => Self::ApiKey(ApiKeyAuth(Arc::new(key))),
        }
    }
}

/// A token as good as any, of somebody who is not signed in yet.
const PENDING: AuthError = AuthError::Verify(VerifyError::Rejected(Rejection::Pending));

/// Asks the layer who sent the request.
pub(super) async fn authenticate(
    extensions: &Extensions,
    accepts: AcceptsToken,
) -> Result<AnyAuth, AuthError> {
    let Some(authentication) = extensions.get::<Authentication>().cloned() else {
        tracing::error!("an extractor or guard of clerk-verify is used on a route outside of AuthLayer");
        return Err(AuthError::MissingLayer);
    };
    authentication.verify(accepts).await
}

macro_rules! extractor {
    ($extractor:ident, $target:ident, $kind:expr, $variant:ident) => {
        impl Deref for $extractor {
            type Target = $target;

            fn deref(&self) -> &$target {
                &self.0
            }
        }

        impl<S: Send + Sync> FromRequestParts<S> for $extractor {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AuthError> {
                match authenticate(&parts.extensions, $kind.into()).await? {
                    AnyAuth::$variant(auth) => Ok(auth),
                    other => Err(Rejection::WrongKind(Some(other.kind())).into()),
                }
            }
        }

        optional!($extractor);
    };
}

macro_rules! optional {
    ($extractor:ident) => {
        impl<S: Send + Sync> OptionalFromRequestParts<S> for $extractor {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
                match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
                    Ok(auth) => Ok(Some(auth)),
                    Err(AuthError::NoCredentials | PENDING) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    };
}

extractor!(SessionAuth, Session, TokenKind::Session, Session);
extractor!(OAuthAuth, OAuth, TokenKind::OAuth, OAuth);
extractor!(MachineAuth, Machine, TokenKind::M2M, Machine);
extractor!(ApiKeyAuth, ApiKey, TokenKind::ApiKey, ApiKey);
optional!(AnyAuth);

impl<S: Send + Sync> FromRequestParts<S> for AnyAuth {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AuthError> {
        authenticate(&parts.extensions, AcceptsToken::ANY).await
    }
}
