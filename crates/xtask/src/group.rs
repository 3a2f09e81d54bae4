//! A child and everything it starts: one process group, ended as one.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// A running child whose whole process group ends when this is dropped.
#[derive(Debug)]
pub struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    /// Starts a command in a process group of its own, without input.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).process_group(0).spawn()?;
        let id = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        Ok(Self { child, id })
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the child ended, if it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks all of the group to end.
    pub fn ask_to_end(&self) {
        let _ = killpg(self.id, Signal::SIGTERM);
    }

    /// Whether any process of the group is left. Reaps the child, which would count as one otherwise.
    fn alive(&mut self) -> bool {
        let _ = self.child.try_wait();
        killpg(self.id, None) != Err(Errno::ESRCH)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.ask_to_end();
        let asked = Instant::now();
        while self.alive() {
            if asked.elapsed() > GRACE {
                let _ = killpg(self.id, Signal::SIGKILL);
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    fn runs(pid: i32) -> bool {
        nix::sys::signal::kill(Pid::from_raw(pid), None).is_ok()
    }

    #[test]
    fn grandchildren_end_with_the_group_even_if_they_ignore_sigterm() {
        let script = "(trap '' TERM; echo $(exec sh -c 'echo $PPID'); while :; do sleep 0.1; done) & wait";
        let mut group = Group::spawn(Command::new("sh").args(["-c", script]).stdout(Stdio::piped())).unwrap();
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let grandchild: i32 = line.trim().parse().unwrap();
        assert!(runs(grandchild));
        drop(group);
        let dropped = Instant::now();
        while runs(grandchild) && dropped.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!runs(grandchild));
    }
}
