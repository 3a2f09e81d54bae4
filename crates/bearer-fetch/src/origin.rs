use std::fmt;

use web_sys::Url;

/// An origin that may be sent a token: `https://api.foo.com`, or plain `http` on a loopback host.
///
/// URLs are read by the browser's own parser, the one that `fetch` uses: a second parser could see another
/// host in `https://api.foo.com@evil.example` or `/\evil.example` than the one the request goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is no origin that a token may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// It is no absolute URL.
    NotAUrl {
        /// What was given.
        given: String,
    },
    /// It is plain `http` on a host that is not this machine, where anybody on the way could read the token.
    Insecure {
        /// The origin.
        origin: String,
    },
    /// It is neither `https` nor `http`.
    Scheme {
        /// The scheme, with its colon.
        scheme: String,
    },
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl { given } => {
                write!(f, "\"{given}\" is no origin; write it like https://api.example.com")
            }
            Self::Insecure { origin } => write!(
                f,
                "{origin} is plain http, where anybody on the way can read the token; use https \
                 (plain http is for localhost alone)"
            ),
            Self::Scheme { scheme } => write!(f, "an API's origin begins with https://, not {scheme}"),
        }
    }
}

impl std::error::Error for InvalidOrigin {}

impl Origin {
    /// Reads the origin of an absolute URL.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] says which rule the URL breaks.
    pub fn of(url: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::new(url).map_err(|_| InvalidOrigin::NotAUrl { given: url.to_owned() })?;
        Self::of_url(&url)
    }

    pub(crate) fn of_url(url: &Url) -> Result<Self, InvalidOrigin> {
        let origin = url.origin();
        match url.protocol().as_str() {
            "https:" => Ok(Self(origin)),
            "http:" if is_loopback(&url.hostname()) => Ok(Self(origin)),
            "http:" => Err(InvalidOrigin::Insecure { origin }),
            scheme => Err(InvalidOrigin::Scheme { scheme: scheme.to_owned() }),
        }
    }

    /// The origin as browsers write it: scheme, host and, unless it is the default, port.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hosts that never leave this machine; browsers resolve every `*.localhost` to loopback themselves.
fn is_loopback(host: &str) -> bool {
    let ipv4_loopback = || host.starts_with("127.") && host.parse::<std::net::Ipv4Addr>().is_ok();
    host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || ipv4_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "api.localhost", "127.0.0.1", "127.8.0.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.evil.example", "127.0.0.1.evil.example", "127.evil.example", "10.0.0.1", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
