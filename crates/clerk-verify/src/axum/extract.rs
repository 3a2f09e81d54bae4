use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::error::AuthError;
use super::layer::Outcome;
use crate::session::Session;

/// The session that the request's token proves. In a handler's arguments it makes sign-in a condition;
/// as an `Option` it is `None` for a request without credentials, and a bad token is refused still.
#[derive(Clone, Debug)]
pub struct SessionAuth(Arc<Session>);

impl Deref for SessionAuth {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SessionAuth {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AuthError> {
        match parts.extensions.get::<Outcome>() {
            Some(Outcome(outcome)) => outcome.clone().map(Self),
            None => {
                tracing::error!("SessionAuth is used on a route outside of AuthLayer");
                Err(AuthError::MissingLayer)
            }
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SessionAuth {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(auth) => Ok(Some(auth)),
            Err(AuthError::NoCredentials) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
