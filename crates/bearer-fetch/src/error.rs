use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::origin::InvalidOrigin;
use crate::problem::Problem;
use crate::token::TokenError;

/// Why a request brought nothing.
///
/// The first group was never sent; the second was sent and not answered; the third was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiError {
    /// There was no token to send it with.
    Token(TokenError),
    /// It asks for an origin that is not on the client's list.
    OriginNotAllowed {
        /// The origin asked for.
        origin: String,
    },
    /// Its URL cannot be read, or is one that no token may be sent to.
    InvalidUrl(InvalidOrigin),
    /// It could not be built: what it says is what the browser said.
    InvalidRequest {
        /// The browser's words.
        message: String,
    },
    /// The client has nothing to do with a query context that was given none.
    #[cfg(feature = "query-cache")]
    MissingContext(query_cache::MissingContext),

    /// The browser says that it is offline.
    Offline,
    /// No answer: the server is not there, the connection broke, or CORS or a redirect forbade it.
    /// Browsers do not tell which.
    Network {
        /// The browser's words.
        message: String,
    },
    /// No answer within the client's time limit.
    TimedOut {
        /// The limit.
        after: Duration,
    },

    /// The server refused the token (401), and a new one would be, or was, refused too.
    Unauthorized(Box<Refusal>),
    /// The server refused the token (401). There is a new one now, but the body could be read once only, so the
    /// request was not sent again; make it anew.
    NotReplayable(Box<Refusal>),
    /// The server answered, and its status was no success.
    Status(Box<Refusal>),
    /// The answer was longer than the client's limit, and was not read to its end.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The server answered with something that does not read as what was asked for.
    NotJson {
        /// The status of the answer.
        status: u16,
        /// What the reader missed, and where.
        message: String,
        /// The first bytes of the answer, unless it was HTML.
        body: Option<String>,
    },
}

/// What a server said when it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The body, if it was problem+json.
    pub problem: Option<Problem>,
    /// Else the first 2 kB of the body, unless it was HTML.
    pub body: Option<String>,
    /// How long the server asks to wait before the next attempt (`Retry-After`, in either form).
    pub retry_after: Option<Duration>,
    /// The server's id for the request (`X-Request-Id`), to be named when asking for help.
    pub request_id: Option<String>,
}

impl Refusal {
    /// Why, in words: the server's detail or title, else its text, else the status's standard phrase.
    pub fn reason(&self) -> String {
        let said =
            self.problem.as_ref().and_then(|problem| problem.detail.as_ref().or(problem.title.as_ref()));
        match said.or(self.body.as_ref()) {
            Some(said) => said.clone(),
            None => standard_phrase(self.status).to_owned(),
        }
    }
}

fn standard_phrase(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown status")
}

impl ApiError {
    /// The status of the server's answer, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status(refusal) | Self::Unauthorized(refusal) | Self::NotReplayable(refusal) => {
                Some(refusal.status)
            }
            Self::NotJson { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the server said when it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Status(refusal) | Self::Unauthorized(refusal) | Self::NotReplayable(refusal) => {
                Some(refusal)
            }
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => error.fmt(f),
            Self::OriginNotAllowed { origin } => write!(
                f,
                "{origin} is not on the list of origins that may be sent a token, so nothing was sent; \
                 allow the origin, or send the request without a token"
            ),
            Self::InvalidUrl(error) => error.fmt(f),
            Self::InvalidRequest { message } => write!(f, "the request could not be built: {message}"),
            #[cfg(feature = "query-cache")]
            Self::MissingContext(error) => error.fmt(f),
            Self::Offline => f.write_str("the browser is offline"),
            Self::Network { message } => write!(
                f,
                "the server did not answer ({message}); it may be down, may not admit this page's origin, or may redirect"
            ),
            Self::TimedOut { after } => {
                write!(f, "the server did not answer within {after:?}")
            }
            Self::Status(refusal) | Self::Unauthorized(refusal) => {
                write!(f, "{} {}", refusal.status, refusal.reason())
            }
            Self::NotReplayable(refusal) => write!(
                f,
                "{} {}; the request's body could be read once only, so try again",
                refusal.status,
                refusal.reason()
            ),
            Self::TooLarge { limit } => {
                write!(f, "the answer was longer than {limit} bytes, so it was not read to its end")
            }
            Self::NotJson { status, message, .. } => {
                write!(
                    f,
                    "the server answered {status} with something other than the JSON expected: {message}"
                )
            }
        }
    }
}

impl std::error::Error for ApiError {}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_servers_else_the_standard_phrase() {
        let mut refusal = Refusal { status: 404, ..Refusal::default() };
        assert_eq!(refusal.reason(), "Not Found");
        refusal.body = Some("gone fishing".into());
        assert_eq!(refusal.reason(), "gone fishing");
        refusal.problem = Some(Problem { title: Some("No such post".into()), ..Problem::default() });
        assert_eq!(refusal.reason(), "No such post");
        assert_eq!(ApiError::Status(Box::new(refusal)).to_string(), "404 No such post");
        assert_eq!(standard_phrase(799), "Unknown status");
    }
}
