//! Everything a person reads goes through here, to standard output, so that it stays in order.

use std::fmt::Display;
use std::io::Write;

/// Prints a line. A reader that went away (`| head`) is no reason to fail.
pub fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints an error: one sentence, and what lay behind it where there is more to say.
pub fn complain(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {}", sentence(error));
}

/// An error and its causes in one line.
pub fn sentence(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ")
}
