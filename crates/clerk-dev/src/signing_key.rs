use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::ids;

/// How long a line of PEM is.
const PEM_LINE: usize = 64;

/// The RSA key that signs this instance's tokens.
pub(crate) struct SigningKey {
    pair: KeyPair,
    id: String,
}

/// The public half, as a JSON Web Key.
#[derive(Serialize)]
pub(crate) struct PublicJwk<'a> {
    #[serde(rename = "use")]
    purpose: &'static str,
    kty: &'static str,
    alg: &'static str,
    kid: &'a str,
    n: String,
    e: String,
}

impl SigningKey {
    /// RSA with 2048 bits: what Clerk's own verifiers read.
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        Ok(Self::of(KeyPair::generate(KeySize::Rsa2048)?))
    }

    /// Reads what [`Self::to_base64`] wrote; `None` if it is something else.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        let der = STANDARD.decode(text).ok()?;
        Some(Self::of(KeyPair::from_pkcs8(&der).ok()?))
    }

    /// The private key: PKCS#8, in base64.
    pub(crate) fn to_base64(&self) -> Result<String, Unspecified> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der()?;
        Ok(STANDARD.encode(der.as_ref()))
    }

    fn of(pair: KeyPair) -> Self {
        // Derived from the key, so that another key can never go by the same id.
        let id = ids::of_bytes("ins", digest(&SHA256, pair.public_key().as_ref()).as_ref());
        Self { pair, id }
    }

    /// A secret of 27 letters and digits that always comes out for the same `purpose`, and only of this key.
    pub(crate) fn derive(&self, prefix: &str, purpose: &str) -> Result<String, Unspecified> {
        let private: Pkcs8V1Der<'_> = self.pair.as_der()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, private.as_ref());
        Ok(ids::of_bytes(prefix, hmac::sign(&key, purpose.as_bytes()).as_ref()))
    }

    /// The key's id; Clerk uses the instance's, `ins_…`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The RS256 signature of `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
        Ok(signature)
    }

    /// The public half, as other tools read it: SubjectPublicKeyInfo, in PEM.
    pub(crate) fn public_pem(&self) -> Result<String, Unspecified> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der()?;
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(PEM_LINE));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        Ok(pem)
    }

    pub(crate) fn public_jwk(&self) -> PublicJwk<'_> {
        let public = self.pair.public_key();
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        PublicJwk {
            purpose: "sig",
            kty: "RSA",
            alg: "RS256",
            kid: &self.id,
            n: encode(public.modulus().big_endian_without_leading_zero()),
            e: encode(public.exponent().big_endian_without_leading_zero()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}
