use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::Serialize;

/// A key that opens the Backend API. Serializes as its text; `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecretKey(String);

/// The keys of an instance.
#[derive(Debug)]
pub(crate) struct SecretKeys {
    /// `sk_test_…`: opens every call.
    pub(crate) instance: SecretKey,
    /// `ak_…`: opens the calls about M2M tokens.
    pub(crate) machine: SecretKey,
}

impl SecretKey {
    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether an `Authorization` header carries this key. The time that it takes does not tell how much of it
    /// was right.
    pub(crate) fn is_in(&self, authorization: &[u8]) -> bool {
        let wanted = format!("Bearer {}", self.0);
        verify_slices_are_equal(authorization, wanted.as_bytes()).is_ok()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}
