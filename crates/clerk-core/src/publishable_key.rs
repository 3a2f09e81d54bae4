use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Clerk pads the base64 of some keys and not of others.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A Clerk publishable key: `pk_test_` or `pk_live_`, then the base64 of the Frontend API's host and a `$`.
///
/// It is public: every page that uses Clerk carries it. It names the instance, and with it where the
/// instance's Frontend API, its clerk-js and its signing keys are.
///
/// ```
/// use clerk_core::{InstanceType, PublishableKey};
///
/// let key: PublishableKey = "pk_live_Y2xlcmsuY2xlcmsuZGV2JA".parse()?;
/// assert_eq!(key.frontend_api(), "clerk.clerk.dev");
/// assert_eq!(key.issuer(), "https://clerk.clerk.dev");
/// assert_eq!(key.instance_type(), InstanceType::Production);
/// # Ok::<(), clerk_core::PublishableKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublishableKey {
    text: String,
    frontend_api: String,
    instance_type: InstanceType,
}

/// Which of an application's two kinds of Clerk instance a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstanceType {
    /// `pk_test_`.
    Development,
    /// `pk_live_`.
    Production,
}

/// Why a text is no publishable key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishableKeyError {
    /// Nothing was given.
    Empty,
    /// A secret key (`sk_…`) was given. It must never be in a page: replace it in the Clerk dashboard.
    SecretKey,
    /// It begins with neither `pk_test_` nor `pk_live_`.
    Prefix,
    /// What follows the prefix is no base64 text.
    Encoding,
    /// What follows the prefix does not name a host and end in one `$`.
    Host,
}

impl fmt::Display for PublishableKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => {
                "the publishable key is empty; copy it from the API keys page of the Clerk dashboard"
            }
            Self::SecretKey => {
                "this is a secret key, and a secret key must never be in a page; use the publishable key \
                 (pk_test_… or pk_live_…), and replace the secret key if the page was published"
            }
            Self::Prefix => "a publishable key begins with pk_test_ or pk_live_",
            Self::Encoding | Self::Host => {
                "the publishable key is damaged; copy all of it from the API keys page of the Clerk dashboard"
            }
        })
    }
}

impl std::error::Error for PublishableKeyError {}

impl PublishableKey {
    /// Makes the key of the instance whose Frontend API is at `host`, as Clerk's dashboard would show it.
    ///
    /// # Errors
    ///
    /// [`PublishableKeyError::Host`] if `host` is no host name with a dot in it.
    pub fn for_host(host: &str, instance_type: InstanceType) -> Result<Self, PublishableKeyError> {
        let text = BASE64.encode(format!("{host}$"));
        format!("{}{}", instance_type.prefix(), text.trim_end_matches('=')).parse()
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host of the instance's Frontend API, such as `happy-otter-12.clerk.accounts.dev`.
    pub fn frontend_api(&self) -> &str {
        &self.frontend_api
    }

    /// What the instance's tokens carry as `iss`: `https://` and the Frontend API's host.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.frontend_api)
    }

    /// Development for `pk_test_`, production for `pk_live_`.
    pub fn instance_type(&self) -> InstanceType {
        self.instance_type
    }
}

impl InstanceType {
    fn prefix(self) -> &'static str {
        match self {
            Self::Development => "pk_test_",
            Self::Production => "pk_live_",
        }
    }
}

impl FromStr for PublishableKey {
    type Err = PublishableKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PublishableKeyError::Empty);
        }
        if text.starts_with("sk_") {
            return Err(PublishableKeyError::SecretKey);
        }
        let (instance_type, rest) = [InstanceType::Development, InstanceType::Production]
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)))
            .ok_or(PublishableKeyError::Prefix)?;
        let bytes = BASE64.decode(rest).map_err(|_| PublishableKeyError::Encoding)?;
        let host = String::from_utf8(bytes).map_err(|_| PublishableKeyError::Encoding)?;
        let host = host.strip_suffix('$').ok_or(PublishableKeyError::Host)?;
        if !is_host(host) {
            return Err(PublishableKeyError::Host);
        }
        Ok(Self { text: text.to_owned(), frontend_api: host.to_owned(), instance_type })
    }
}

/// A host with a dot and perhaps a port. The host becomes part of a script's URL, so nothing that could
/// turn that URL into another one (`/`, `@`, `?`, a space) may be in it.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let labels_ok = name.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    name.contains('.') && labels_ok && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl fmt::Display for PublishableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublishableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublishableKey").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> PublishableKeyError {
        text.parse::<PublishableKey>().unwrap_err()
    }

    #[test]
    fn reads_padded_and_unpadded_keys() {
        for text in ["pk_test_Y2xlcmsubG9jYWxob3N0JA", "pk_test_Y2xlcmsubG9jYWxob3N0JA=="] {
            let key: PublishableKey = text.parse().unwrap();
            assert_eq!(key.frontend_api(), "clerk.localhost");
            assert_eq!(key.instance_type(), InstanceType::Development);
            assert_eq!(key.as_str(), text);
        }
    }

    #[test]
    fn makes_the_key_that_it_reads() {
        let key = PublishableKey::for_host("clerk.1a2b3c.localhost", InstanceType::Development).unwrap();
        assert_eq!(key, key.as_str().parse().unwrap());
        assert_eq!(key.issuer(), "https://clerk.1a2b3c.localhost");
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(error("  "), PublishableKeyError::Empty);
        assert_eq!(error("sk_test_abc"), PublishableKeyError::SecretKey);
        assert_eq!(error("pk_prod_abc"), PublishableKeyError::Prefix);
        assert_eq!(error("pk_test_???"), PublishableKeyError::Encoding);
        // No `$`, no dot, two `$`.
        for host in ["clerk.localhost", "localhost$", "clerk.localhost$$"] {
            assert_eq!(
                error(&format!("pk_test_{}", BASE64.encode(host))),
                PublishableKeyError::Host,
                "{host}"
            );
        }
    }

    #[test]
    fn a_host_cannot_smuggle_another_url() {
        for host in ["a.b/c", "a.b@evil.example", "a.b?x", "a b.c", "a..b", "a.b:port", "a.b:99999", ""] {
            let text = format!("pk_test_{}", BASE64.encode(format!("{host}$")));
            assert_eq!(error(&text), PublishableKeyError::Host, "{host}");
        }
    }
}
