//! The three ports, and whether they are free.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::bail;

/// Where each server listens, on the loopback interface.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub app: u16,
    pub api: u16,
    pub clerk: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { app: 8080, api: 8081, clerk: 8082 }
    }
}

/// One of them: what it is for, and the flag that changes it.
pub type Use = (u16, &'static str, &'static str);

impl Ports {
    /// The ports that will be listened on.
    pub fn uses(&self, with_clerk: bool) -> Vec<Use> {
        let mut uses = vec![(self.app, "the app", "--app-port"), (self.api, "the API", "--api-port")];
        if with_clerk {
            uses.push((self.clerk, "Clerk's development server", "--clerk-port"));
        }
        uses
    }
}

/// Fails with one sentence for the first port that cannot be had.
pub fn check(uses: &[Use]) -> anyhow::Result<()> {
    for (index, (port, who, flag)) in uses.iter().enumerate() {
        if *port == 0 {
            bail!(
                "{flag} must name a port, because the other servers need to know it: choose one above 1023"
            );
        }
        if let Some((_, other, _)) = uses.iter().take(index).find(|(taken, _, _)| taken == port) {
            bail!("port {port} is asked for twice, by {other} and by {who}: choose another with {flag}");
        }
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, *port))
            && error.kind() == std::io::ErrorKind::PermissionDenied
        {
            bail!(
                "port {port}, which {who} needs, may not be opened by you: choose one above 1023 with {flag}"
            );
        }
        if in_use(*port) {
            bail!(
                "port {port}, which {who} needs, is in use: stop the program that listens there, or choose another with {flag}"
            );
        }
    }
    Ok(())
}

fn in_use(port: u16) -> bool {
    // `localhost` may mean either address to a browser, so a program on the other one is in the way too.
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
        || TcpStream::connect_timeout(&other, Duration::from_millis(200)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_its_purpose_and_its_flag() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = check(&[(port, "the API", "--api-port")]).unwrap_err().to_string();
        assert!(message.contains(&port.to_string()), "{message}");
        assert!(message.contains("the API") && message.contains("--api-port"), "{message}");
        assert!(!message.contains('\n'), "{message}");
        drop(taken);
        check(&[(port, "the API", "--api-port")]).unwrap();
    }

    #[test]
    fn two_servers_cannot_share_a_port() {
        let ports = Ports { app: 8080, api: 8080, clerk: 8082 };
        let message = check(&ports.uses(true)[..2]).unwrap_err().to_string();
        // Either sentence is right: 8080 may be in use on the machine that runs this.
        assert!(message.contains("8080"), "{message}");
        let twice = check(&[(0, "the app", "--app-port")]).unwrap_err().to_string();
        assert!(twice.contains("--app-port"), "{twice}");
    }

    #[test]
    fn a_hosted_instance_needs_no_port_for_clerk() {
        assert_eq!(Ports::default().uses(false).len(), 2);
        assert_eq!(Ports::default().uses(true).len(), 3);
    }
}
