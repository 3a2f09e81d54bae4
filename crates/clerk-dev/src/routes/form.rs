use axum::extract::{Form, FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::api_error::ApiError;

/// A form, as clerk-js sends it; a request without a body is an empty one.
pub(crate) struct FormBody<T>(pub(crate) T);

impl<S, T> FromRequest<S> for FormBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Default,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(Self(T::default()));
        }
        // What was wrong is not passed on: it may quote the form.
        let Form(body) = Form::from_request(request, state).await.map_err(|_| ApiError::form_unreadable())?;
        Ok(Self(body))
    }
}
