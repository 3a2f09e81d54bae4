use std::error::Error;
use std::fmt;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Client, StatusCode, Url};

use crate::keys::{KeyError, KeySet};
use crate::remote::{self, ReadError};

/// Where a JWKS is.
#[derive(Clone)]
pub(super) struct Source {
    url: Url,
    client: Client,
    /// The API's own key, for the Backend API.
    secret: Option<HeaderValue>,
}

/// Why a JWKS cannot be fetched at all.
#[derive(Debug)]
#[non_exhaustive]
pub enum JwksSetupError {
    /// The URL is none, or neither https nor plain http from this machine, or holds a password.
    Url,
    /// The HTTP client does not start; most often it finds no root certificates.
    Client(reqwest::Error),
}

/// Why a fetch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// No answer, or none in time.
    Unreachable,
    /// An answer other than 200. Redirects are not followed.
    Status(u16),
    /// The Backend API refuses the secret key.
    SecretKey,
    /// More than 256 kB.
    TooLarge,
    /// An answer, but no keys to use.
    Invalid(KeyError),
}

impl Source {
    pub(super) fn new(url: &str) -> Result<Self, JwksSetupError> {
        let url = remote::url(url).ok_or(JwksSetupError::Url)?;
        let client = remote::client(&url).map_err(JwksSetupError::Client)?;
        Ok(Self { url, client, secret: None })
    }

    pub(super) fn with_secret(url: Url, client: Client, secret: HeaderValue) -> Self {
        Self { url, client, secret: Some(secret) }
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut request = self.client.get(self.url.clone()).header(ACCEPT, "application/json");
        if let Some(secret) = &self.secret {
            request = request
                .header(AUTHORIZATION, secret.clone())
                .header(crate::backend::VERSION_HEADER, crate::backend::VERSION);
        }
        let response = request.send().await.map_err(|_| FetchError::Unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.secret.is_some() => {
                return Err(FetchError::SecretKey);
            }
            status => return Err(FetchError::Status(status.as_u16())),
        }
        let document = remote::body(response).await.map_err(|error| match error {
            ReadError::Broken => FetchError::Unreachable,
            ReadError::TooLarge => FetchError::TooLarge,
        })?;
        KeySet::from_jwks(&document).map_err(FetchError::Invalid)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Display for JwksSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str(
                "the JWKS URL must be https, such as https://clerk.foo.com/.well-known/jwks.json; plain http \
                 is for this machine (localhost, 127.0.0.1) only",
            ),
            Self::Client(_) => f.write_str(
                "the HTTP client for the JWKS does not start; are the root certificates (ca-certificates) \
                 installed?",
            ),
        }
    }
}

impl Error for JwksSetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url => None,
            Self::Client(error) => Some(error),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the server does not answer"),
            Self::Status(status) => write!(f, "the server answers with status {status}"),
            Self::SecretKey => {
                f.write_str("Clerk refuses the secret key; is it this instance's, and in use?")
            }
            Self::TooLarge => f.write_str("the document is larger than 256 kB"),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl Error for FetchError {}
