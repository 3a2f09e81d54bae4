//! Ctrl-C, SIGTERM and SIGHUP: whoever waits looks here, stops what it started, and returns.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Somebody asked this program to end.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Interrupted {}

/// Takes the signals over. Children get none from the terminal: each has a process group of its own.
pub fn listen() -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(|| REQUESTED.store(true, Ordering::SeqCst))?)
}

/// Fails once somebody asked to stop.
pub fn check() -> Result<(), Interrupted> {
    if REQUESTED.load(Ordering::SeqCst) { Err(Interrupted) } else { Ok(()) }
}

/// Sleeps for one tick of a waiting loop, then checks.
pub fn tick() -> Result<(), Interrupted> {
    std::thread::sleep(Duration::from_millis(100));
    check()
}
