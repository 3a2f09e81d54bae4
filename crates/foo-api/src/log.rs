use std::fmt;
use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

/// `RUST_LOG` cannot be read.
#[derive(Debug)]
pub struct LogError(String);

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RUST_LOG: {}; write for example info, or info,foo_api=debug", self.0)
    }
}

impl std::error::Error for LogError {}

/// Logs to stderr what `RUST_LOG` asks for; `info` unless set.
///
/// # Errors
///
/// [`LogError`].
pub fn start_log() -> Result<(), LogError> {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    // That a new file has been brought up to date is no news.
    let wanted = if wanted.trim().is_empty() { "info,rusqlite_migration=warn" } else { wanted.as_str() };
    let filter = EnvFilter::builder().parse(wanted).map_err(|error| LogError(error.to_string()))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .try_init()
        .map_err(|error| LogError(error.to_string()))
}
