//! The API in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::SERVE;
use crate::common::{ISSUER, PAGE};

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub fn start(jwks_url: &str, database: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut program = Command::new(std::env::current_exe()?);
        // Whatever is set here is not meant for this.
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in names.filter(|name| name.starts_with("FOO_API_") || name.starts_with("CLERK_")) {
            program.env_remove(name);
        }
        program
            .arg(SERVE)
            .env("FOO_API_PORT", "0")
            .env("FOO_API_APP_ORIGINS", PAGE)
            .env("FOO_API_DATABASE", database)
            .env("CLERK_ISSUER", ISSUER)
            .env("CLERK_JWKS_URL", jwks_url)
            // A line for each request would measure the log.
            .env("RUST_LOG", "warn,foo_api=info")
            .stderr(Stdio::piped());
        let mut child = program.spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("it has no log")?).lines();
        let port = loop {
            let line = lines.next().ok_or("the API ended at once")??;
            match line.split_once("address=http://localhost:") {
                Some((_, rest)) => break rest.split_whitespace().next().unwrap_or_default().parse()?,
                None => eprintln!("{line}"),
            }
        };
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        Ok(Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) })
    }

    /// The most memory that the process has had at once, as Linux says it.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Asks it to stop; it ends in good order.
    pub fn stop(mut self) -> Result<(), String> {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let status = kill.and_then(|_| self.child.wait()).map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the API ended with {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
