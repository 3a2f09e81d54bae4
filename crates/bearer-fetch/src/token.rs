use std::fmt;
use std::marker::PhantomPinned;
use std::rc::Rc;
use std::time::Duration;

use crate::runtime::LocalBoxFuture;

/// A token that is fit to stand in an `Authorization: Bearer` header.
///
/// It is neither `Display` nor `Serialize`, and its `Debug` shows nothing of it: a token belongs in one
/// request's header and nowhere else.
///
/// ```
/// use bearer_fetch::BearerToken;
///
/// let token = BearerToken::new("eyJhbGciOi.eyJzdWIi.c2ln")?;
/// assert_eq!(format!("{token:?}"), "BearerToken(..)");
/// assert!(BearerToken::new("undefined").is_err());
/// # Ok::<(), bearer_fetch::InvalidToken>(())
/// ```
///
/// It cannot be printed:
///
/// ```compile_fail,E0277
/// fn show(token: bearer_fetch::BearerToken) -> String {
///     format!("{token}")
/// }
/// ```
///
/// and it cannot be stored or sent as data:
///
/// ```compile_fail,E0277
/// fn store(token: &bearer_fetch::BearerToken) -> Option<String> {
///     serde_json::to_string(token).ok()
/// }
/// ```
///
/// Nor can it be kept as a query's data, alone or in a struct: that has to be `Unpin`, and a token is not.
///
/// ```compile_fail,E0277
/// fn keep<T: Unpin>(_: T) {}
///
/// fn data(token: bearer_fetch::BearerToken) {
///     keep(("beside it", token));
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken {
    text: Rc<str>,
    /// Takes `Unpin` away.
    _no_data: PhantomPinned,
}

/// A text that no server could take for a token: empty, `null`, `undefined`, or with a character that
/// RFC 6750 does not allow in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidToken;

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the sign-in service gave is no token, so the request was not sent")
    }
}

impl std::error::Error for InvalidToken {}

impl BearerToken {
    /// Takes a token as it was issued.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] for anything that is no `token68` of RFC 9110, and for the texts that JavaScript
    /// makes of a missing value.
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let body = text.trim_end_matches('=');
        let is_token68 = !body.is_empty()
            && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        if !is_token68 || matches!(text, "null" | "undefined" | "NaN" | "true" | "false") {
            return Err(InvalidToken);
        }
        Ok(Self { text: text.into(), _no_data: PhantomPinned })
    }

    /// The value of an `Authorization` header, for a request that [`ApiClient`](crate::ApiClient) does not make.
    ///
    /// This is the one place where the token's text leaves this type, and from here on nothing guards it: send it
    /// to an origin that you name in the same line, do not follow redirects, and keep no copy.
    pub fn authorization_header(&self) -> String {
        format!("Bearer {}", self.text)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// What [`TokenSource::token`] returns.
pub type TokenFuture = LocalBoxFuture<Result<BearerToken, TokenError>>;

/// Where tokens come from: the seam between requests and whatever signs people in.
///
/// It is asked before every request, because a short-lived token must never be kept by the caller.
/// A source that caches hands out its cached token here. Only [`token`](Self::token) has to be written; the
/// others make the 401 gate work.
pub trait TokenSource {
    /// A token that is good for a request sent now. Dropping the future gives the wish up.
    fn token(&self) -> TokenFuture;

    /// A token made now, because a server refused the one at hand. [`token`](Self::token) unless written; a source
    /// that then gives the same token again is taken at its word, and the refusal stands.
    fn refresh(&self) -> TokenFuture {
        self.token()
    }

    /// A number that is another once the tokens are another person's, or another of that person's sessions or
    /// organizations. A request is never sent again with the token of another scope. Always 0 unless written.
    fn scope(&self) -> u64 {
        0
    }

    /// Resolves once the present [`scope`](Self::scope) has ended, so that nobody waits for it. Never, unless
    /// written.
    fn scope_ended(&self) -> LocalBoxFuture<()> {
        Box::pin(std::future::pending())
    }

    /// Whether a visible page also keeps the token in a cookie of its own origin, so that requests to that origin
    /// need no header. `false` unless written.
    fn keeps_cookie(&self) -> bool {
        false
    }
}

/// Why there is no token, and so no request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Nobody is signed in.
    SignedOut,
    /// The browser is offline, and no token is at hand.
    Offline,
    /// What signs people in did not load, so it is not known whether somebody is signed in.
    NotLoaded,
    /// No answer within the time limit.
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The sign-in service answered with something that is no token.
    Invalid(InvalidToken),
    /// The sign-in service refused.
    Provider(ProviderError),
}

/// What the sign-in service said when it refused a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderError {
    /// Its own code for the error, such as `resource_not_found`.
    pub code: String,
    /// Its sentence for people.
    pub message: String,
    /// The parameter it complains of.
    pub parameter: Option<String>,
    /// The HTTP status of its answer.
    pub status: Option<u16>,
    /// How long it asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// The id under which its operators find the request.
    pub trace_id: Option<String>,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut => f.write_str("nobody is signed in, so nothing was sent; sign in and try again"),
            Self::Offline => {
                f.write_str("the browser is offline, so nothing was sent; try again when it is back")
            }
            Self::NotLoaded => f.write_str(
                "sign-in did not load, so nothing was sent; check the connection and reload the page",
            ),
            Self::TimedOut { after } => {
                write!(f, "no token came within {after:?}, so nothing was sent; try again")
            }
            Self::Invalid(error) => error.fmt(f),
            Self::Provider(error) => {
                write!(
                    f,
                    "the sign-in service gave no token, so nothing was sent: {} ({})",
                    error.message, error.code
                )
            }
        }
    }
}

impl std::error::Error for TokenError {}

impl From<InvalidToken> for TokenError {
    fn from(error: InvalidToken) -> Self {
        Self::Invalid(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_never_becomes_a_header() {
        for text in ["", " ", "null", "undefined", "=", "a b", "a\r\nX: y", "a,b", "\u{e4}", "\"a\""] {
            assert_eq!(BearerToken::new(text), Err(InvalidToken), "{text:?}");
        }
    }

    #[test]
    fn every_shape_that_rfc_6750_allows_passes() {
        for text in ["eyJ.e30.sig_-", "ak_LCWC/57==", "oat_a~b+c.d"] {
            assert_eq!(BearerToken::new(text).unwrap().authorization_header(), format!("Bearer {text}"));
        }
    }

    #[test]
    fn a_debug_print_shows_nothing_of_it() {
        let token = BearerToken::new("secret").unwrap();
        assert!(!format!("{token:?} {:?}", Some(&token)).contains("secret"));
    }
}
