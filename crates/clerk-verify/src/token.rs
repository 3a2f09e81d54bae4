//! A token taken apart and classified, and nothing of it believed yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::{JwtHeader, TokenKind};
use serde_json::{Map, Value};

use crate::rejection::{Malformed, Rejection};
use crate::strict_json::{self, JsonError};

/// Clerk's tokens fit into a cookie of 4 KiB; twice that is no token of Clerk's.
const TOO_LONG: usize = 8 * 1024;

/// A well-formed JWT of the session kind, its signature and its claims still unchecked.
#[derive(Debug)]
pub(crate) struct SessionJwt<'a> {
    pub(crate) kid: Kid,
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
    pub(crate) claims: Map<String, Value>,
}

/// Which key the header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kid {
    Named(String),
    /// None, or one that no key can have.
    None,
}

impl<'a> SessionJwt<'a> {
    /// Classifies before anything is verified: one key signs all of Clerk's JWTs, so that a good
    /// signature does not tell a person's session from a machine.
    pub(crate) fn read(token: &'a str) -> Result<Self, Rejection> {
        if token.len() >= TOO_LONG {
            return Err(Rejection::Malformed(Malformed::TooLong));
        }
        if let Some(kind) = TokenKind::of_opaque(token) {
            return Err(Rejection::WrongKind(Some(kind)));
        }
        let malformed_parts = || Rejection::Malformed(Malformed::Parts);
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed_parts)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed_parts)?;
        if claims.contains('.') {
            return Err(malformed_parts());
        }
        let header = object(header)?;
        let claims = object(claims)?;
        let signature = decode(signature)?;

        let alg = header.get("alg").and_then(Value::as_str);
        let kind = TokenKind::of_jwt(
            &JwtHeader {
                alg: alg.unwrap_or_default().to_owned(),
                kid: None,
                typ: header.get("typ").and_then(Value::as_str).map(Into::into),
                // A category that is there but no text is none that is known; absent would be.
                cat: header.get("cat").map(|cat| cat.as_str().unwrap_or_default().to_owned()),
            },
            claims.get("sub").and_then(Value::as_str).unwrap_or_default(),
        );
        if kind != Some(TokenKind::Session) {
            return Err(Rejection::WrongKind(kind));
        }
        if header.get("typ").is_some_and(|typ| typ != "JWT") {
            return Err(Rejection::Malformed(Malformed::Type));
        }
        if header.contains_key("crit") {
            return Err(Rejection::Malformed(Malformed::Critical));
        }
        // The key decides the algorithm; the header may only agree.
        if alg != Some("RS256") {
            return Err(Rejection::WrongAlgorithm);
        }
        let kid = match header.get("kid").and_then(Value::as_str) {
            Some(kid) if is_plausible_kid(kid) => Kid::Named(kid.to_owned()),
            _ => Kid::None,
        };
        Ok(Self { kid, signed, signature, claims })
    }
}

fn object(part: &str) -> Result<Map<String, Value>, Rejection> {
    strict_json::object(&decode(part)?).map_err(|error| {
        Rejection::Malformed(match error {
            JsonError::Invalid => Malformed::Json,
            JsonError::Duplicate => Malformed::DuplicateMember,
        })
    })
}

/// Strict: no padding, no other alphabet, no bits left over at the end.
fn decode(part: &str) -> Result<Vec<u8>, Rejection> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejection::Malformed(Malformed::Encoding))
}

/// What is no id is not looked for, and above all not fetched for.
fn is_plausible_kid(kid: &str) -> bool {
    (1..=128).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic())
}
