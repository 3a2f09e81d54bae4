use std::fmt;
use std::str::FromStr;

use reqwest::header::HeaderValue;

/// A secret key: the instance's (`sk_test_…`, `sk_live_…`) or a machine's (`ak_…`). It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(HeaderValue);

/// Why the Backend API cannot be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackendSetupError {
    /// It is no secret key: empty, a publishable key, or with characters in it that no key has.
    SecretKey,
    /// The URL is none, or neither https nor plain http on this machine, or holds a password.
    Url,
    /// The HTTP client does not start; most often it finds no root certificates.
    Client(reqwest::Error),
}

impl SecretKey {
    /// Marked as sensitive, so that no HTTP library logs it.
    pub(super) fn header(self) -> HeaderValue {
        self.0
    }
}

impl FromStr for SecretKey {
    type Err = BackendSetupError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_secret = ["sk_", "ak_"].iter().any(|prefix| text.len() > 3 && text.starts_with(prefix));
        if !is_secret || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BackendSetupError::SecretKey);
        }
        let header = HeaderValue::try_from(format!("Bearer {text}"));
        let mut header = header.map_err(|_| BackendSetupError::SecretKey)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl fmt::Display for BackendSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretKey => {
                "this is no secret key; it begins with sk_test_ or sk_live_ (a machine's with ak_): copy all of \
                 it from the Clerk dashboard"
            }
            Self::Url => {
                "the Backend API's URL must be https, such as https://api.clerk.com; plain http is for this \
                 machine (localhost, 127.0.0.1) only"
            }
            Self::Client(_) => {
                "the HTTP client for the Backend API does not start; are the root certificates \
                 (ca-certificates) installed?"
            }
        })
    }
}

impl std::error::Error for BackendSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SecretKey | Self::Url => None,
            Self::Client(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_key_is_read_and_never_shown() {
        for good in ["sk_test_abc123", " sk_live_abc\n", "ak_machine"] {
            let key: SecretKey = good.parse().unwrap();
            let shown = format!("{key:?} {:?}", key.clone().header());
            assert!(!shown.contains("abc") && !shown.contains("machine"), "{shown}");
        }
        for bad in
            ["", "sk_", "pk_test_abc", "sk_test_a b", "sk_test_a\nb", "sk_test_\u{e9}", "Bearer sk_test_a"]
        {
            assert!(matches!(bad.parse::<SecretKey>(), Err(BackendSetupError::SecretKey)), "{bad}");
        }
    }
}
