use std::fmt;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::strict_json;
use crate::token::Kid;

/// An instance has one key, or two while it changes them.
const MOST_KEYS: usize = 64;

/// A 2048-bit modulus alone; a public key in DER is longer than that.
const SHORTEST_MODULUS: usize = 2048 / 8;

/// The members of a JWK that only a private or a symmetric key has.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The public keys that an instance signs with. RSA, 2048 to 8192 bits, parsed once.
#[derive(Debug)]
pub struct KeySet {
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    /// One key for every token, whatever key the token names.
    Sole(Key),
    Named(Vec<(String, Key)>),
}

pub(crate) struct Key(ParsedPublicKey);

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is no PEM of an RSA public key of at least 2048 bits.
    Pem,
    /// The text is no JSON with an array `keys` of objects, or names a member twice.
    Json,
    /// More than 64 keys.
    TooMany,
    /// A key is private or symmetric: whoever can read the document can sign tokens.
    Private,
    /// Two usable keys have one id.
    DuplicateId,
    /// No key is usable: RSA of 2048 to 8192 bits with an id, and for RS256 signatures if it says what
    /// it is for.
    NoneUsable,
}

impl KeySet {
    /// The one key in a PEM, as Clerk's dashboard shows it (`-----BEGIN PUBLIC KEY-----`). The `kid` of
    /// a token is not looked at.
    ///
    /// # Errors
    ///
    /// [`KeyError::Pem`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let body: String = pem
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(KeyError::Pem)?
            .split_ascii_whitespace()
            .collect();
        let der = STANDARD.decode(body).map_err(|_| KeyError::Pem)?;
        if der.len() <= SHORTEST_MODULUS {
            return Err(KeyError::Pem);
        }
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(|_| KeyError::Pem)?;
        Ok(Self { keys: Keys::Sole(Key(key)) })
    }

    /// The keys of a JWK set (RFC 7517). Keys of other kinds and for other uses are passed over.
    ///
    /// # Errors
    ///
    /// Any [`KeyError`] but [`KeyError::Pem`].
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeyError> {
        let document = strict_json::object(json).map_err(|_| KeyError::Json)?;
        let listed = document.get("keys").and_then(Value::as_array).ok_or(KeyError::Json)?;
        if listed.len() > MOST_KEYS {
            return Err(KeyError::TooMany);
        }
        let mut keys = Vec::with_capacity(listed.len());
        for jwk in listed {
            let jwk = jwk.as_object().ok_or(KeyError::Json)?;
            if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
                return Err(KeyError::Private);
            }
            let Some((kid, key)) = usable(jwk) else { continue };
            if keys.iter().any(|(other, _)| *other == kid) {
                return Err(KeyError::DuplicateId);
            }
            keys.push((kid, key));
        }
        if keys.is_empty() {
            return Err(KeyError::NoneUsable);
        }
        Ok(Self { keys: Keys::Named(keys) })
    }

    pub(crate) fn find(&self, kid: &Kid) -> Option<&Key> {
        match (&self.keys, kid) {
            (Keys::Sole(key), _) => Some(key),
            (Keys::Named(keys), Kid::Named(kid)) => {
                keys.iter().find_map(|(name, key)| (name == kid).then_some(key))
            }
            (Keys::Named(_), Kid::None) => None,
        }
    }
}

impl Key {
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(RSA)")
    }
}

fn usable(jwk: &Map<String, Value>) -> Option<(String, Key)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let absent_or = |name: &str, value: &str| jwk.get(name).is_none_or(|member| member == value);
    let may_verify = jwk.get("key_ops").is_none_or(|operations| {
        operations
            .as_array()
            .is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    });
    if text("kty") != Some("RSA") || !absent_or("use", "sig") || !absent_or("alg", "RS256") || !may_verify {
        return None;
    }
    let kid = text("kid").filter(|kid| !kid.is_empty())?;
    let number = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let (n, e) = (number("n")?, number("e")?);
    // The library checks the size at each use; a key that can never fit is no key.
    if n.len() < SHORTEST_MODULUS || (n.len() == SHORTEST_MODULUS && n.first()? & 0x80 == 0) {
        return None;
    }
    let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
    Some((kid.to_owned(), Key(key)))
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => {
                "this is no RSA public key of 2048 bits or more in PEM; copy all of it, with the BEGIN and \
                 END lines, from the API keys page of the Clerk dashboard"
            }
            Self::Json => "the key document is no JWK set",
            Self::TooMany => "the JWK set has more than 64 keys",
            Self::Private => "the JWK set publishes a private key; replace that key",
            Self::DuplicateId => "two keys of the JWK set have the same id",
            Self::NoneUsable => "the JWK set has no RSA key for RS256 signatures",
        })
    }
}

impl std::error::Error for KeyError {}
