use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::PublishableKey;
use http::header::{COOKIE, ORIGIN};
use http::{HeaderMap, Method};

use super::credentials::Credentials;
use super::error::AuthError;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Same-origin cookie mode: pages that the API's own origin serves may send the session as Clerk's cookie
/// (`__session`), and need no code for it.
///
/// A browser sends cookies whoever asks, so the request has to show that one of these pages did:
///
/// | | `Sec-Fetch-Site` | without that header, `Origin` |
/// |---|---|---|
/// | GET, HEAD, OPTIONS, TRACE | `same-origin`, or `none`: somebody typed the address | absent, or one of these |
/// | every other method | `same-origin` | one of these |
///
/// `same-site` is refused: a page on another subdomain is another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameOriginCookies {
    origins: Vec<String>,
    suffix: Option<String>,
}

/// The list of origins has none, or one that is no origin such as `https://foo.com`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnOrigin;

impl SameOriginCookies {
    /// For pages at these origins, under which this API is served too, such as `https://foo.com`.
    ///
    /// # Errors
    ///
    /// [`NotAnOrigin`].
    pub fn new<I>(origins: I) -> Result<Self, NotAnOrigin>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let origins: Vec<String> = origins.into_iter().map(Into::into).collect();
        if origins.is_empty() || !origins.iter().all(|origin| is_origin(origin)) {
            return Err(NotAnOrigin);
        }
        Ok(Self { origins, suffix: None })
    }

    /// Reads the cookies that carry this instance's suffix first (`__session_1Z8AzTQD`): several instances
    /// can share a domain.
    #[must_use]
    pub fn for_instance(mut self, key: &PublishableKey) -> Self {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.as_str().as_bytes());
        self.suffix = URL_SAFE_NO_PAD.encode(hash.as_ref()).get(..8).map(Into::into);
        self
    }

    pub(super) fn read(&self, method: &Method, headers: &HeaderMap) -> Result<Credentials, AuthError> {
        let suffix = self.suffix.as_deref().map(|suffix| format!("_{suffix}"));
        for suffix in suffix.iter().map(String::as_str).chain([""]) {
            let Some(token) = cookie(headers, &format!("__session{suffix}"))? else { continue };
            if !self.is_from_own_page(method, headers) {
                return Err(AuthError::NotSameOrigin);
            }
            let updated = cookie(headers, &format!("__client_uat{suffix}"))?;
            let client_updated_at = updated.and_then(|time| time.parse().ok());
            // Signed out in this browser, while the cookie has a minute left.
            if client_updated_at == Some(0) {
                return Err(AuthError::NoCredentials);
            }
            return Ok(Credentials::Cookie { token: token.to_owned(), client_updated_at });
        }
        Err(AuthError::NoCredentials)
    }

    fn is_from_own_page(&self, method: &Method, headers: &HeaderMap) -> bool {
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
        match (sites.next(), sites.next()) {
            (Some(_), Some(_)) => return false,
            (Some(site), None) => {
                return site == "same-origin" || (site == "none" && method.is_safe());
            }
            (None, _) => {}
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => self.origins.iter().any(|ours| origin.as_bytes() == ours.as_bytes()),
            (None, _) => method.is_safe(),
            _ => false,
        }
    }
}

/// The cookie of this name; one alone, unless all say the same: who can set a cookie for a parent domain or
/// another path can add one, and nothing tells which is the page's.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, AuthError> {
    let mut found = None;
    for header in headers.get_all(COOKIE) {
        // Another application's cookie may hold any bytes; such a header names none of Clerk's.
        let Ok(text) = header.to_str() else { continue };
        for pair in text.split(';') {
            let Some((key, value)) = pair.trim_matches([' ', '\t']).split_once('=') else { continue };
            if key != name || value.is_empty() {
                continue;
            }
            if found.is_some_and(|other| other != value) {
                return Err(AuthError::MalformedCredentials);
            }
            found = Some(value);
        }
    }
    Ok(found)
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte))
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

impl fmt::Display for NotAnOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "give the API's own origins, such as https://foo.com: scheme and host, in lower case, no path",
        )
    }
}

impl std::error::Error for NotAnOrigin {}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn cookies() -> SameOriginCookies {
        let key = "pk_live_Y2xlcmsuY2xlcmsuZGV2JA".parse().unwrap();
        SameOriginCookies::new(["https://foo.com"]).unwrap().for_instance(&key)
    }

    fn read(headers: &[(&'static str, &str)]) -> Result<(String, Option<i64>), AuthError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        match cookies().read(&Method::GET, &map)? {
            Credentials::Cookie { token, client_updated_at } => Ok((token, client_updated_at)),
            Credentials::Bearer(_) => panic!(),
        }
    }

    #[test]
    fn the_suffix_is_clerks() {
        assert_eq!(cookies().suffix.as_deref(), Some("1Z8AzTQD"));
    }

    #[test]
    fn the_instances_own_cookie_comes_first() {
        let both = "a=b; __session=other; __session_1Z8AzTQD=ours; __client_uat=0; __client_uat_1Z8AzTQD=7";
        assert_eq!(read(&[("cookie", both)]), Ok(("ours".into(), Some(7))));
        assert_eq!(read(&[("cookie", "__session=plain")]), Ok(("plain".into(), None)));
        assert_eq!(read(&[("cookie", "a=b"), ("cookie", "__session=plain")]), Ok(("plain".into(), None)));
    }

    #[test]
    fn no_cookie_or_an_empty_one_is_nobody() {
        for text in ["", "a=b", "__session=", "__session", "x__session=a", "__session_other=a", "__SESSION=a"]
        {
            assert_eq!(read(&[("cookie", text)]), Err(AuthError::NoCredentials), "{text}");
        }
        assert_eq!(read(&[("cookie", "__session=a; __client_uat=0")]), Err(AuthError::NoCredentials));
    }

    #[test]
    fn two_that_differ_are_refused() {
        assert_eq!(read(&[("cookie", "__session=a; __session=b")]), Err(AuthError::MalformedCredentials));
        let apart = read(&[("cookie", "__session=a"), ("cookie", "__session=b")]);
        assert_eq!(apart, Err(AuthError::MalformedCredentials));
        assert_eq!(read(&[("cookie", "__session=a; __session=a")]), Ok(("a".into(), None)));
    }

    #[test]
    fn an_origin_is_an_origin() {
        for good in ["https://foo.com", "http://localhost:8080", "https://foo.com:444"] {
            assert!(SameOriginCookies::new([good]).is_ok(), "{good}");
        }
        for bad in
            ["", "foo.com", "https://", "https://foo.com/", "https://Foo.com", "null", "https://a@foo.com"]
        {
            assert_eq!(SameOriginCookies::new([bad]), Err(NotAnOrigin), "{bad}");
        }
        assert_eq!(SameOriginCookies::new([""; 0]), Err(NotAnOrigin));
    }
}
