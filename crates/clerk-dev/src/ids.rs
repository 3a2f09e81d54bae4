use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How long the part after the prefix is in Clerk's ids.
const LENGTH: usize = 27;

/// An id as Clerk makes them: the prefix, an underscore and 27 letters and digits.
pub(crate) fn random(prefix: &str) -> Result<String, Unspecified> {
    Ok(of_bytes(prefix, &random_bytes::<LENGTH>()?))
}

/// The id of this shape that always comes out for the same bytes.
pub(crate) fn of_bytes(prefix: &str, bytes: &[u8]) -> String {
    let letters = bytes.iter().take(LENGTH).filter_map(|byte| BASE62.get(usize::from(*byte) % BASE62.len()));
    format!("{prefix}_{}", letters.map(|letter| char::from(*letter)).collect::<String>())
}

/// `N` random bytes as hexadecimal digits.
pub(crate) fn random_hex<const N: usize>() -> Result<String, Unspecified> {
    Ok(hex(&random_bytes::<N>()?))
}

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How a secret is told from the others without being kept.
pub(crate) fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_clerks_shape_and_differ() {
        let id = random("sess").unwrap();
        let rest = id.strip_prefix("sess_").unwrap();
        assert_eq!(rest.len(), 27);
        assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(id, random("sess").unwrap());
    }

    #[test]
    fn hex_has_two_digits_for_each_byte() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(random_hex::<6>().unwrap().len(), 12);
    }
}
