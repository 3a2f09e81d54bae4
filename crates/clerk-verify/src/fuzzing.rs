//! For the fuzz targets alone: past the signature, which no fuzzer gets past. Compiled with `--cfg fuzzing` and
//! never otherwise, for it makes verified values of what nobody verified.

use crate::auth::Auth;
use crate::policy::Policy;
use crate::rejection::{Malformed, Rejection};
use crate::strict_json;
use crate::token::JwtKind;

/// Checks `bytes` as the claims of a token of some kind.
///
/// # Errors
///
/// What [`verify_token`](crate::verify_token) would say after the signature.
pub fn claims(kind: u8, bytes: &[u8], policy: &Policy, now_millis: i64) -> Result<Auth, Rejection> {
    let kind = match kind % 3 {
        0 => JwtKind::Session,
        1 => JwtKind::OAuth,
        _ => JwtKind::M2M,
    };
    let claims = strict_json::object(bytes).map_err(|_| Rejection::Malformed(Malformed::Json))?;
    crate::check::claims(kind, claims, policy, now_millis)
}
