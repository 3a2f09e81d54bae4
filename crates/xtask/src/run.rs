//! Running a child to its end, with a sign of life at least every ten seconds.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::group::Group;
use crate::interrupt::{self, Interrupted};
use crate::output::say;

/// The longest silence while something runs. People are promised ten seconds.
pub const HEARTBEAT: Duration = Duration::from_secs(8);
/// How many lines of a hidden child's output are kept for when it fails.
const KEPT_LINES: usize = 40;

/// What becomes of a child's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    /// All of it is printed.
    All,
    /// Only the last line now and then; the last lines if it fails.
    Pulse,
}

/// Why a child did not do its work.
#[derive(Debug)]
pub enum RunError {
    /// The program is not installed.
    NotFound { program: String },
    /// It could not be started or waited for.
    Io { what: String, error: io::Error },
    /// It ended with a failure. `output` is the end of what it printed, `shown` whether people saw it.
    Failed { what: String, status: ExitStatus, output: String, shown: bool },
    /// Somebody asked this program to end.
    Interrupted(Interrupted),
}

impl RunError {
    /// Whether the child failed because it could not reach the network, going by what it printed.
    pub fn is_network(&self) -> bool {
        const SIGNS: [&str; 12] = [
            "could not resolve host",
            "couldn't resolve host",
            "could not connect",
            "couldn't connect",
            "failed to connect",
            "network failure",
            "temporary failure",
            "timed out",
            "enotfound",
            "eai_again",
            "econnrefused",
            "etimedout",
        ];
        match self {
            Self::Failed { output, .. } => {
                let output = output.to_lowercase();
                SIGNS.iter().any(|sign| output.contains(sign))
            }
            _ => false,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { program } => write!(f, "{program} was not found: install it and run this again"),
            Self::Io { what, error } => write!(f, "{what} could not be started ({error})"),
            Self::Failed { what, status, .. } => write!(f, "{what} failed ({status}): see its output above"),
            Self::Interrupted(interrupted) => interrupted.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}

/// Turns what a child did into an error for people, who see its last lines if they have not yet. An
/// interruption stays one that `main` knows.
pub fn report(error: RunError) -> anyhow::Error {
    match error {
        RunError::Interrupted(interrupted) => interrupted.into(),
        RunError::Failed { ref output, shown: false, .. } => {
            for line in output.lines() {
                say(format_args!("    {line}"));
            }
            error.into()
        }
        other => other.into(),
    }
}

/// Runs a child whose output matters only if it fails. `what` reads like "building trunk". Returns what
/// it wrote to standard output.
pub fn pulse(what: &str, command: &mut Command) -> Result<String, RunError> {
    run(what, command, Show::Pulse)
}

/// Runs a child and prints all of its output.
pub fn show(what: &str, command: &mut Command) -> Result<(), RunError> {
    run(what, command, Show::All).map(drop)
}

/// Runs a child that answers at once, without a word, and returns its standard output; `None` if it is
/// not there or fails.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A line a child printed, and whether to its standard output.
struct Line {
    text: String,
    stdout: bool,
}

fn run(what: &str, command: &mut Command, show: Show) -> Result<String, RunError> {
    let io_error = |error| RunError::Io { what: what.to_owned(), error };
    let program = command.get_program().to_string_lossy().into_owned();
    let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound { RunError::NotFound { program } } else { io_error(error) }
    })?;
    let lines = lines(&mut group);

    let started = Instant::now();
    let mut last_sign = started;
    let mut stdout = String::new();
    let mut kept = VecDeque::new();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let mut open = true;
    let status = loop {
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => {
                if show == Show::All {
                    say(&line.text);
                    last_sign = Instant::now();
                } else if line.stdout {
                    stdout.push_str(&line.text);
                    stdout.push('\n');
                }
                if kept.len() == KEPT_LINES {
                    kept.pop_front();
                }
                kept.push_back(line.text);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                open = false;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        interrupt::check().map_err(RunError::Interrupted)?;
        if ended.is_none() {
            ended = group.try_wait().map_err(io_error)?.map(|status| (status, Instant::now()));
        }
        // A grandchild that stays behind may hold the pipes open: do not wait for it for long.
        if let Some((status, when)) = ended
            && (!open || when.elapsed() > Duration::from_millis(500))
        {
            break status;
        }
        if last_sign.elapsed() >= HEARTBEAT {
            last_sign = Instant::now();
            say(pulse_line(what, started.elapsed(), kept.back()));
        }
    };
    if status.success() {
        return Ok(stdout);
    }
    let output = Vec::from(kept).join("\n");
    Err(RunError::Failed { what: what.to_owned(), status, output, shown: show == Show::All })
}

/// "  still building trunk… 40 s (Compiling hyper v1.6.0)"
fn pulse_line(what: &str, elapsed: Duration, last: Option<&String>) -> String {
    const ROOM: usize = 80;
    let elapsed = elapsed.as_secs();
    let last = last.map(|line| line.trim()).filter(|line| !line.is_empty());
    match last {
        Some(line) if line.chars().count() > ROOM => {
            let line: String = line.chars().take(ROOM).collect();
            format!("  still {what}… {elapsed} s ({line}…)")
        }
        Some(line) => format!("  still {what}… {elapsed} s ({line})"),
        None => format!("  still {what}… {elapsed} s"),
    }
}

fn lines(group: &mut Group) -> Receiver<Line> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = group.child().stdout.take() {
        read_lines(pipe, sender.clone(), true);
    }
    if let Some(pipe) = group.child().stderr.take() {
        read_lines(pipe, sender, false);
    }
    receiver
}

fn read_lines(pipe: impl Read + Send + 'static, sender: Sender<Line>, stdout: bool) {
    each_line(pipe, move |text| sender.send(Line { text, stdout }).is_ok());
}

/// Calls `tell` with each line of a pipe, on a thread of its own, until it returns false.
pub fn each_line(pipe: impl Read + Send + 'static, mut tell: impl FnMut(String) -> bool + Send + 'static) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(1..)) {
            let line = String::from_utf8_lossy(&bytes);
            // A progress bar writes over itself: what stands at the end is what it says.
            let line = line.trim_end_matches(['\n', '\r']).rsplit('\r').next().unwrap_or_default();
            if !tell(line.to_owned()) {
                return;
            }
            bytes.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_comes_back_and_failure_keeps_what_was_printed() {
        assert_eq!(pulse("trying", &mut sh("echo one; echo two; echo noise >&2")).unwrap(), "one\ntwo\n");
        let error = pulse("trying", &mut sh("echo 'Could not resolve host: x' >&2; exit 3")).unwrap_err();
        assert!(error.is_network());
        assert!(error.to_string().contains("trying failed"), "{error}");
        let error = pulse("trying", &mut Command::new("no-such-program-here")).unwrap_err();
        assert!(matches!(error, RunError::NotFound { .. }));
        assert!(!error.is_network());
    }

    #[test]
    fn a_grandchild_that_holds_the_pipe_does_not_hold_us() {
        let started = Instant::now();
        pulse("trying", &mut sh("sleep 30 & echo done")).unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn the_heartbeat_says_what_how_long_and_the_last_line() {
        let line = pulse_line("building trunk", Duration::from_secs(40), Some(&"   Compiling a v1".into()));
        assert_eq!(line, "  still building trunk… 40 s (Compiling a v1)");
        let line = pulse_line("building trunk", Duration::from_secs(8), Some(&"x".repeat(200)));
        assert!(line.chars().count() < 130, "{line}");
    }
}
