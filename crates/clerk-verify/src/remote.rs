//! What both of Clerk's servers are asked with: which URLs, which client, how much of an answer.

use std::time::Duration;

use reqwest::{Client, Response, Url, redirect};

/// Whatever is asked for is about 1 kB.
const LARGEST_DOCUMENT: usize = 256 * 1024;

/// Short, for requests wait for it.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Why nothing was read.
pub(crate) enum ReadError {
    /// The connection broke, or took too long.
    Broken,
    /// More than 256 kB.
    TooLarge,
}

/// https, or plain http to this machine, without a password or a fragment.
pub(crate) fn url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (allowed && plain).then_some(url)
}

/// Follows no redirect: a key must come from where it was looked for, and a secret must go nowhere else.
pub(crate) fn client(url: &Url) -> Result<Client, reqwest::Error> {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(TIME_LIMIT)
        .user_agent(concat!("clerk-verify/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) { client.no_proxy() } else { client }.build()
}

pub(crate) async fn body(mut response: Response) -> Result<Vec<u8>, ReadError> {
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| ReadError::Broken)? {
        if document.len() + chunk.len() > LARGEST_DOCUMENT {
            return Err(ReadError::TooLarge);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    ip.map_or(host == "localhost" || host.ends_with(".localhost"), |ip| ip.is_loopback())
}

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
            assert!(url(good).is_some(), "{good}");
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
            assert!(url(bad).is_none(), "{bad}");
        }
    }
}
