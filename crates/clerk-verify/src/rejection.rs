use std::fmt;

use clerk_core::TokenKind;

/// Why a token was refused. Nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// It is no token of any form that Clerk gives tokens.
    Malformed(Malformed),
    /// It is a token of Clerk's, and of no kind that is accepted; `None` for a category that is not known
    /// here or contradicts the rest of the token.
    WrongKind(Option<TokenKind>),
    /// Only Clerk's Backend API could say what it is, and there is no access to that.
    Opaque,
    /// Clerk does not know it.
    NotFound,
    /// It was revoked.
    Revoked,
    /// Its algorithm is not RS256.
    WrongAlgorithm,
    /// It names a key that the instance does not have.
    UnknownKey,
    /// The signature does not fit.
    WrongSignature,
    /// This claim is missing, empty or of a type it cannot have.
    BadClaim(&'static str),
    /// It was made for somebody else's API.
    WrongAudience,
    /// It was made for a page (`azp`) that is not on the list, or names none.
    WrongAuthorizedParty,
    /// Another instance issued it.
    WrongIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come (`nbf`).
    NotActiveYet,
    /// It says it was issued in the future.
    IssuedInTheFuture,
    /// The session is not complete: a task is still to be done. Counts as signed out.
    Pending,
}

/// What is wrong with a token's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// 8 KiB or more.
    TooLong,
    /// Not three parts between dots.
    Parts,
    /// A part is not base64url, or is padded.
    Encoding,
    /// Header or claims are no JSON object in UTF-8.
    Json,
    /// Header or claims name a member twice.
    DuplicateMember,
    /// The `typ` header is not one that tokens of this kind have.
    Type,
    /// The `crit` header asks for an extension; none is known here.
    Critical,
}

impl Rejection {
    /// A stable code for programs, as Clerk's own SDK names it. `session-pending` alone is this crate's:
    /// there the SDK reports a signed-out session without a reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Opaque | Self::NotFound | Self::Revoked => "token-invalid",
            Self::WrongKind(_) => "token-type-mismatch",
            Self::WrongAlgorithm => "token-invalid-algorithm",
            Self::UnknownKey => "jwk-kid-mismatch",
            Self::WrongSignature => "token-invalid-signature",
            Self::BadClaim(_) | Self::WrongAudience => "token-verification-failed",
            Self::WrongAuthorizedParty => "token-invalid-authorized-parties",
            Self::WrongIssuer => "token-invalid-issuer",
            Self::Expired => "token-expired",
            Self::NotActiveYet => "token-not-active-yet",
            Self::IssuedInTheFuture => "token-iat-in-the-future",
            Self::Pending => "session-pending",
        }
    }

    /// The kind of the token, where the rejection says it.
    pub(crate) fn kind(self) -> Option<TokenKind> {
        if let Self::WrongKind(kind) = self { kind } else { None }
    }
}

/// One sentence in plain ASCII, without quotes: it becomes an HTTP header's `error_description`.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(Malformed::TooLong) => "The token is longer than a token can be",
            Self::Malformed(_) => "The token is not well-formed",
            Self::WrongKind(_) => "The token is of a kind that is not accepted here",
            Self::Opaque => "Opaque tokens are not accepted here",
            Self::NotFound => "The token is not known",
            Self::Revoked => "The token was revoked",
            Self::WrongAlgorithm => "The token is not signed with RS256",
            Self::UnknownKey => "The token is signed with a key that is not known here",
            Self::WrongSignature => "The token's signature is wrong",
            Self::BadClaim(claim) => {
                return write!(f, "The token's claim {claim} is missing or has no valid value");
            }
            Self::WrongAudience => "The token was made for another audience",
            Self::WrongAuthorizedParty => "The token was made for a page that may not use this API",
            Self::WrongIssuer => "The token comes from another issuer",
            Self::Expired => "The token has expired",
            Self::NotActiveYet => "The token is not active yet",
            Self::IssuedInTheFuture => "The token was issued in the future; compare the clocks",
            Self::Pending => "The session is not complete: a task is still to be done",
        })
    }
}

impl std::error::Error for Rejection {}
