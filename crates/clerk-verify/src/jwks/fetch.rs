use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header, redirect};

use crate::keys::{KeyError, KeySet};

/// An instance's JWKS is about 1 kB.
const LARGEST_DOCUMENT: usize = 256 * 1024;

/// Short, for requests wait for it.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Where a JWKS is.
#[derive(Clone)]
pub(super) struct Source {
    url: Url,
    client: Client,
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
    /// More than 256 kB.
    TooLarge,
    /// An answer, but no keys to use.
    Invalid(KeyError),
}

impl Source {
    pub(super) fn new(url: &str) -> Result<Self, JwksSetupError> {
        let url = Url::parse(url).map_err(|_| JwksSetupError::Url)?;
        let loopback = is_loopback(&url);
        let allowed = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        if !allowed || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(JwksSetupError::Url);
        }
        let mut client = Client::builder().redirect(redirect::Policy::none()).timeout(TIME_LIMIT);
        if loopback {
            client = client.no_proxy();
        }
        Ok(Self { url, client: client.build().map_err(JwksSetupError::Client)? })
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let unreachable = |_| FetchError::Unreachable;
        let request = self.client.get(self.url.clone()).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if document.len() + chunk.len() > LARGEST_DOCUMENT {
                return Err(FetchError::TooLarge);
            }
            document.extend_from_slice(&chunk);
        }
        KeySet::from_jwks(&document).map_err(FetchError::Invalid)
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    ip.map_or(host == "localhost" || host.ends_with(".localhost"), |ip| ip.is_loopback())
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
            Self::TooLarge => f.write_str("the document is larger than 256 kB"),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl Error for FetchError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_https_or_this_machine() {
        for good in [
            "https://clerk.foo.com/.well-known/jwks.json",
            "http://localhost:8080/__clerk/.well-known/jwks.json",
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
        ] {
            assert!(Source::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "clerk.foo.com",
            "http://clerk.foo.com/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            r"http://evil.example\@localhost/",
            "https://user:password@clerk.foo.com/",
            "https://clerk.foo.com/#x",
            "file:///etc/passwd",
        ] {
            assert!(matches!(Source::new(bad), Err(JwksSetupError::Url)), "{bad}");
        }
    }
}
