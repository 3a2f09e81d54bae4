//! A token taken apart and classified, and nothing of it believed yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::{JwtHeader, TokenKind};
use serde_json::{Map, Value};

use crate::accepts::AcceptsToken;
use crate::rejection::{Malformed, Rejection};
use crate::strict_json::{self, JsonError};

/// Clerk's tokens fit into a cookie of 4 KiB; twice that is no token of Clerk's.
const TOO_LONG: usize = 8 * 1024;

/// A token of an accepted kind.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    Jwt(Jwt<'a>),
    /// No JWT: only Clerk knows what it says.
    Opaque(TokenKind, &'a str),
}

/// A well-formed JWT, its signature and its claims still unchecked.
#[derive(Debug)]
pub(crate) struct Jwt<'a> {
    pub(crate) kind: JwtKind,
    pub(crate) kid: Kid,
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
    pub(crate) claims: Map<String, Value>,
}

/// The kinds that can be JWTs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JwtKind {
    Session,
    OAuth,
    M2M,
}

/// Which key the header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kid {
    Named(String),
    /// None, or one that no key can have.
    None,
}

impl<'a> Token<'a> {
    /// Classifies before anything is verified: one key signs all of Clerk's JWTs, so that a good
    /// signature does not tell a person's session from a machine.
    pub(crate) fn read(token: &'a str, accepts: AcceptsToken) -> Result<Self, Rejection> {
        if token.len() >= TOO_LONG {
            return Err(Rejection::Malformed(Malformed::TooLong));
        }
        if let Some(kind) = TokenKind::of_opaque(token) {
            if !accepts.contains(kind) {
                return Err(Rejection::WrongKind(Some(kind)));
            }
            // It becomes part of a request of ours.
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Rejection::Malformed(Malformed::Encoding));
            }
            return Ok(Self::Opaque(kind, token));
        }
        Jwt::read(token, accepts).map(Self::Jwt)
    }

    pub(crate) fn kind(&self) -> TokenKind {
        match self {
            Self::Jwt(Jwt { kind: JwtKind::Session, .. }) => TokenKind::Session,
            Self::Jwt(Jwt { kind: JwtKind::OAuth, .. }) => TokenKind::OAuth,
            Self::Jwt(Jwt { kind: JwtKind::M2M, .. }) => TokenKind::M2M,
            Self::Opaque(kind, _) => *kind,
        }
    }
}

impl<'a> Jwt<'a> {
    fn read(token: &'a str, accepts: AcceptsToken) -> Result<Self, Rejection> {
        let malformed_parts = || Rejection::Malformed(Malformed::Parts);
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed_parts)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed_parts)?;
        if claims.contains('.') {
            return Err(malformed_parts());
        }
        let header = object(header)?;
        let claims = object(claims)?;
        let signature = decode(signature)?;

        let kind = classify(&header, &claims);
        let kind = match kind.filter(|kind| accepts.contains(*kind)) {
            Some(TokenKind::Session) => JwtKind::Session,
            Some(TokenKind::OAuth) => JwtKind::OAuth,
            Some(TokenKind::M2M) => JwtKind::M2M,
            _ => return Err(Rejection::WrongKind(kind)),
        };
        check_type(kind, &header)?;
        if header.contains_key("crit") {
            return Err(Rejection::Malformed(Malformed::Critical));
        }
        // The key decides the algorithm; the header may only agree.
        if text(&header, "alg") != Some("RS256") {
            return Err(Rejection::WrongAlgorithm);
        }
        let kid = match text(&header, "kid") {
            Some(kid) if is_plausible_kid(kid) => Kid::Named(kid.to_owned()),
            _ => Kid::None,
        };
        Ok(Self { kind, kid, signed, signature, claims })
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn classify(header: &Map<String, Value>, claims: &Map<String, Value>) -> Option<TokenKind> {
    let owned = |name| text(header, name).map(str::to_owned);
    let read = JwtHeader {
        alg: String::new(),
        kid: None,
        typ: owned("typ"),
        // A category that is there but no text is none that is known; absent would be.
        cat: header.get("cat").map(|cat| cat.as_str().unwrap_or_default().to_owned()),
    };
    TokenKind::of_jwt(&read, text(claims, "sub").unwrap_or_default())
}

/// Header and claims must tell the same story: each kind has its own rules (RFC 8725 §3.12).
fn check_type(kind: JwtKind, header: &Map<String, Value>) -> Result<(), Rejection> {
    // That of an OAuth token is what it was recognised by.
    if kind != JwtKind::OAuth && header.get("typ").is_some_and(|typ| typ != "JWT") {
        return Err(Rejection::Malformed(Malformed::Type));
    }
    // A machine is recognised by its subject; its category may be absent or say nothing, no other's.
    let contradicts = |cat: &Value| match cat.as_str() {
        Some(cat) => Some(cat) != TokenKind::M2M.category() && !TokenKind::is_ignored_category(cat),
        None => true,
    };
    if kind == JwtKind::M2M && header.get("cat").is_some_and(contradicts) {
        return Err(Rejection::WrongKind(None));
    }
    Ok(())
}

pub(crate) fn object(part: &str) -> Result<Map<String, Value>, Rejection> {
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
