//! Is a downloaded file the one this repository was made with?

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

/// A file is not the one it should be.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What the file is called.
    pub name: String,
    /// The hash that stands in `tools.toml`.
    pub expected: String,
    /// The hash of the file.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expected, found } = self;
        write!(
            f,
            "{name} is not the package this repository was made with, so nothing of it was unpacked: \
             expected {expected} but got {found}; check where npm downloads from (`npm config get registry`) \
             and report it if that is right"
        )
    }
}

impl std::error::Error for Mismatch {}

/// Compares a file's SHA-512 with `expected`, which is written as npm writes it.
pub fn check(name: &str, bytes: &[u8], expected: &str) -> Result<(), Mismatch> {
    let found = format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
    if found == expected {
        Ok(())
    } else {
        Err(Mismatch { name: name.to_owned(), expected: expected.to_owned(), found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SHA-512 of "abc", from FIPS 180-4's example, in base64.
    const ABC: &str =
        "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

    #[test]
    fn the_right_file_passes() {
        assert_eq!(check("abc 1.0.0", b"abc", ABC), Ok(()));
    }

    #[test]
    fn a_wrong_one_is_told_with_both_hashes() {
        let error = check("abc 1.0.0", b"abd", ABC).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(ABC) && message.contains(&error.found), "{message}");
        assert_ne!(error.found, ABC);
        assert!(message.contains("abc 1.0.0") && !message.contains('\n'), "{message}");
        // Another algorithm, or nothing at all, is no pass.
        assert!(check("abc", b"abc", "").is_err());
        assert!(check("abc", b"abc", "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=").is_err());
    }
}
