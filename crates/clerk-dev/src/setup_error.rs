use std::net::SocketAddr;
use std::path::PathBuf;
use std::{fmt, io};

/// Why a development instance could not be opened. Prints as one sentence that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The app's origin, given here, is not plain http on this machine.
    AppOrigin(String),
    /// Tokens were asked to live for less than a second.
    TokenLife,
    /// The control port was to be on an address, given here, that other machines reach.
    ControlAddress(SocketAddr),
    /// A key of a production instance was given.
    LiveKey {
        /// Where the key stands: a file's path, or the name of an option or a variable.
        found_in: String,
    },
    /// A folder or a file of the instance could not be read or written.
    Data {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the instance holds something else than it should.
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A folder is no unpacked npm package of the kind asked for.
    Package {
        /// The package's name on npm.
        name: &'static str,
        /// The folder that was given.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system gave no randomness, or no key could be generated.
    Cryptography,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AppOrigin(given) => write!(
                f,
                "the app's origin must be plain http on this machine, such as http://localhost:8080 \
                 (localhost, 127.0.0.1 or [::1], no path), and {given:?} is not"
            ),
            Self::TokenLife => f.write_str("tokens must live for at least one second"),
            Self::ControlAddress(address) => {
                write!(f, "the control port must be on a loopback address, and {address} is none")
            }
            Self::LiveKey { found_in } => write!(
                f,
                "{found_in} holds a pk_live_ key, and clerk-dev never stands in for a production \
                 instance; use a pk_test_ key or none"
            ),
            Self::Data { path, source } => write!(
                f,
                "{} could not be read or written ({source}); check its permissions, or choose another data \
                 folder",
                path.display()
            ),
            Self::Damaged { path, problem } => write!(
                f,
                "{} is damaged ({problem}); delete it, and a new one is made (whoever is signed in has to \
                 sign in again)",
                path.display()
            ),
            Self::Package { name, folder, problem } => write!(
                f,
                "{} is not the unpacked npm package {name} ({problem}); give the folder that holds its \
                 package.json and dist",
                folder.display()
            ),
            Self::Cryptography => f.write_str("no key could be generated: the system gave no randomness"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Data { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file() {
        let error = SetupError::Damaged { path: PathBuf::from("/x/identity.json"), problem: "not JSON" };
        assert!(error.to_string().starts_with("/x/identity.json is damaged (not JSON); "), "{error}");
    }
}
