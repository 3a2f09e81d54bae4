use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http::{HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use web_sys::{RequestCredentials, RequestRedirect, Url};

use crate::client::ApiClient;
use crate::error::ApiError;
use crate::exchange::{Wish, exchange};
use crate::fetch::{self, Answer, Body, Outgoing};
use crate::json;
use crate::origin::Origin;
use crate::problem::excerpt;
use crate::token::BearerToken;

/// A request that is not sent yet. Dropping the future that sends it aborts it.
#[derive(Clone, Debug)]
#[must_use = "a request is sent by `json` or `send`"]
pub struct ApiRequest {
    client: ApiClient,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
    wish: Wish,
    trigger: Trigger,
    credentials: RequestCredentials,
    follow_redirects: bool,
    time_limit: Option<Duration>,
    /// What was asked for and cannot be.
    invalid: Option<String>,
}

/// What made a request be sent. It matters where the page's own origin is asked, which is told the token by a
/// cookie: the cookie of a page that was hidden, or without a network, may be too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// Somebody asked.
    #[default]
    Asked,
    /// The page is seen again.
    Focus,
    /// The network is back.
    Reconnect,
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
        Self {
            client,
            method,
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Nothing,
            wish: Wish::Token,
            trigger: Trigger::Asked,
            credentials: RequestCredentials::Omit,
            follow_redirects: false,
            time_limit: None,
            invalid: None,
        }
    }

    /// Sends the request without a token, to any origin.
    pub fn anonymous(mut self) -> Self {
        self.wish = Wish::Anonymous;
        self
    }

    /// Sends the request with a token if somebody is signed in, and without one if nobody is. The origin has to be
    /// on the list either way.
    pub fn token_if_any(mut self) -> Self {
        self.wish = Wish::IfThereIsOne;
        self
    }

    /// Adds a name and a value to the URL's query, escaped.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a header. `Authorization` is the token's and cannot be set.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let valid = HeaderValue::from_str(value).is_ok();
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) if valid && name != header::AUTHORIZATION => {
                self.headers.push((name.as_str().to_owned(), value.to_owned()));
            }
            // The value may be a secret.
            _ => self.invalid = Some(format!("the header {name:?} cannot be set to what it was given")),
        }
        self
    }

    /// Sends a value as JSON.
    pub fn json_body<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match json::write(value) {
            Ok(text) => self.body = Body::Text { content_type: json::CONTENT_TYPE, text: text.into() },
            Err(message) => self.invalid = Some(message),
        }
        self
    }

    /// Sends text.
    pub fn text_body(mut self, text: &str) -> Self {
        self.body = Body::Text { content_type: "text/plain;charset=UTF-8", text: Rc::from(text) };
        self
    }

    /// Sends anything that `fetch` takes and can read again: a `Blob`, a `FormData`, a `Uint8Array`.
    pub fn body(mut self, value: impl Into<JsValue>) -> Self {
        self.body = Body::Value(value.into());
        self
    }

    /// Sends a `ReadableStream`, which can be read once. If the server refuses the token the request cannot be sent
    /// again by itself: that is [`ApiError::NotReplayable`].
    pub fn stream_body(mut self, stream: impl Into<JsValue>) -> Self {
        self.body = Body::Once(stream.into());
        self
    }

    /// Says what made the request be sent. With the feature `query-cache`,
    #[cfg_attr(feature = "query-cache", doc = "[`for_fetch`](Self::for_fetch)")]
    #[cfg_attr(not(feature = "query-cache"), doc = "`for_fetch`")]
    /// reads it from a query's context.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// Which cookies to send beside the token: none unless set.
    pub fn credentials(mut self, credentials: RequestCredentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Follows redirects although the request carries a token. Present browsers drop the header where the redirect
    /// leads to another origin, and older ones do not: for an API that only ever leads to itself.
    pub fn follow_redirects(mut self) -> Self {
        self.follow_redirects = true;
        self
    }

    /// How long this request may take. The client's limit unless set.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Sends the request and reads the answer as JSON.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; `NotJson` if the answer does not read as a `T`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let answer = self.answer().await?;
        json::read(&answer.text).map_err(|message| ApiError::NotJson {
            status: answer.status,
            message,
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
        let limit = self.time_limit.unwrap_or(self.client.limit());
        let late = self.client.gate().runtime().sleep(limit);
        match select(Box::pin(self.exchange()), late).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(ApiError::TimedOut { after: limit }),
        }
    }

    async fn exchange(self) -> Result<Answer, ApiError> {
        if let Some(message) = self.invalid {
            return Err(ApiError::InvalidRequest { message });
        }
        let url = self.url()?;
        // The list is asked before the token is: a request that may not carry one needs none.
        let origin = match self.wish {
            Wish::Anonymous => None,
            Wish::Token | Wish::IfThereIsOne => {
                let origin = Origin::of_url(&url).map_err(ApiError::InvalidUrl)?;
                if !self.client.allowed_origins().contains(&origin) {
                    return Err(ApiError::OriginNotAllowed { origin: origin.to_string() });
                }
                Some(origin)
            }
        };
        let replayable = !matches!(self.body, Body::Once(_));
        exchange(self.client.gate(), self.wish, replayable, &|token, again| {
            Box::pin(fetch::send(self.outgoing(url.href(), origin.as_ref(), token, again)))
        })
        .await
    }

    fn url(&self) -> Result<Url, ApiError> {
        let url = self.client.resolve(&self.path).map_err(ApiError::InvalidUrl)?;
        for (name, value) in &self.query {
            url.search_params().append(name, value);
        }
        Ok(url)
    }

    fn outgoing(
        &self,
        url: String,
        origin: Option<&Origin>,
        token: Option<BearerToken>,
        again: bool,
    ) -> Outgoing {
        // Browsers send the header on to wherever the answer redirects to; so a token never follows one.
        let redirect = match token {
            Some(_) if !self.follow_redirects => RequestRedirect::Error,
            _ => RequestRedirect::Follow,
        };
        // The cookie was refused: say it by header now.
        let by_cookie = token.is_some()
            && !again
            && self.trigger == Trigger::Asked
            && origin.is_some_and(|origin| self.client.cookie_serves(origin));
        let (token, credentials) =
            if by_cookie { (None, RequestCredentials::SameOrigin) } else { (token, self.credentials) };
        Outgoing {
            method: self.method.clone(),
            url,
            headers: self.headers.clone(),
            body: self.body.clone(),
            token,
            credentials,
            redirect,
            max_size: self.client.size_limit(),
        }
    }
}
