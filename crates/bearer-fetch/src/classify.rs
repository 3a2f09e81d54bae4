use query_cache::{Classify, ErrorClass, MissingContext};

use crate::error::ApiError;
use crate::token::TokenError;

impl Classify for ApiError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Offline | Self::Token(TokenError::Offline) => ErrorClass::Offline,
            Self::Token(TokenError::SignedOut) | Self::Unauthorized(_) | Self::NotReplayable(_) => {
                ErrorClass::Unauthorized
            }
            Self::Token(TokenError::TimedOut { .. } | TokenError::NotLoaded)
            | Self::Network { .. }
            | Self::TimedOut { .. } => ErrorClass::Retryable { after: None },
            Self::Token(TokenError::Provider(error)) => match error.status {
                Some(429 | 500..) | None => ErrorClass::Retryable { after: error.retry_after },
                Some(_) => ErrorClass::Permanent,
            },
            Self::Status(refusal) => match refusal.status {
                401 => ErrorClass::Unauthorized,
                // Too early, too many, or a fault on the server's side: the same request may pass later.
                408 | 425 | 429 | 500.. => ErrorClass::Retryable { after: refusal.retry_after },
                _ => ErrorClass::Permanent,
            },
            Self::Token(TokenError::Invalid(_))
            | Self::OriginNotAllowed { .. }
            | Self::InvalidUrl(_)
            | Self::InvalidRequest { .. }
            | Self::NotJson { .. }
            | Self::TooLarge { .. }
            | Self::MissingContext(_) => ErrorClass::Permanent,
        }
    }
}

impl From<MissingContext> for ApiError {
    fn from(error: MissingContext) -> Self {
        Self::MissingContext(error)
    }
}
