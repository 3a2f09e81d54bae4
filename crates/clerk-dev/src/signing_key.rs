use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::ids;

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
