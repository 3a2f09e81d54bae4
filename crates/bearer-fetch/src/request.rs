use std::time::Duration;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use http::Method;
use serde::de::DeserializeOwned;

use crate::client::ApiClient;
use crate::error::ApiError;
use crate::fetch::{self, Answer, Outgoing};
use crate::origin::Origin;
use crate::problem::excerpt;

/// A request that is not sent yet. Dropping the future that sends it aborts it.
#[derive(Clone, Debug)]
#[must_use = "a request is sent by `json`, `text` or `send`"]
pub struct ApiRequest {
    client: ApiClient,
    method: Method,
    path: String,
    anonymous: bool,
}

/// A server's answer with a status of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiResponse {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl ApiRequest {
    pub(crate) fn new(client: ApiClient, method: Method, path: &str) -> Self {
        Self { client, method, path: path.to_owned(), anonymous: false }
    }

    /// Sends the request without a token, to any origin.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Sends the request and reads the answer as JSON.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; `NotJson` if the answer does not read as a `T`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let answer = self.answer().await?;
        serde_json::from_str(&answer.text).map_err(|error| ApiError::NotJson {
            status: answer.status,
            message: error.to_string(),
            body: excerpt(&answer.content_type, &answer.text),
        })
    }

    /// Sends the request and gives the body as text.
    ///
    /// # Errors
    ///
    /// [`ApiError`], of which a status outside 200 to 299 is one.
    pub async fn send(self) -> Result<ApiResponse, ApiError> {
        let answer = self.answer().await?;
        Ok(ApiResponse { status: answer.status, text: answer.text })
    }

    async fn answer(self) -> Result<Answer, ApiError> {
        let limit = self.client.limit();
        let late = TimeoutFuture::new(millis(limit));
        match select(Box::pin(self.exchange()), late).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(ApiError::TimedOut { after: limit }),
        }
    }

    async fn exchange(self) -> Result<Answer, ApiError> {
        let url = self.client.resolve(&self.path).map_err(ApiError::InvalidUrl)?;
        let token = if self.anonymous {
            None
        } else {
            // The list is asked before the token is: a request that may not carry one needs none.
            let origin = Origin::of_url(&url).map_err(ApiError::InvalidUrl)?;
            if !self.client.allowed_origins().contains(&origin) {
                return Err(ApiError::OriginNotAllowed { origin: origin.to_string() });
            }
            Some(self.client.tokens().token().await?)
        };
        fetch::send(Outgoing { method: self.method, url: url.href(), token }).await
    }
}

fn millis(limit: Duration) -> u32 {
    // `setTimeout` reads its delay as a signed 32-bit number.
    u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).min(i32::MAX as u32)
}
