use std::net::IpAddr;
use std::str::FromStr;

use axum::http::uri::{Authority, Uri};

use crate::setup_error::SetupError;

/// The origin of the app's pages: plain http on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppOrigin {
    origin: String,
    authority: String,
}

impl AppOrigin {
    /// As a browser writes it in `Origin`: no default port, no slash at the end.
    pub(crate) fn as_str(&self) -> &str {
        &self.origin
    }

    /// Whether `host`, from a `Host` or `X-Forwarded-Host` header, names the server of the app's pages.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        normalized(host).is_some_and(|authority| authority == self.authority)
    }
}

impl FromStr for AppOrigin {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| SetupError::AppOrigin(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<AppOrigin> {
    let uri: Uri = text.parse().ok()?;
    // The parser keeps no fragment, so it has to be looked for in the text.
    let bare = uri.path() == "/" && uri.query().is_none() && !text.contains('#');
    if uri.scheme_str() != Some("http") || !bare {
        return None;
    }
    let authority = normalized(uri.authority()?.as_str())?;
    if !is_loopback(&authority) {
        return None;
    }
    Some(AppOrigin { origin: format!("http://{authority}"), authority })
}

/// Whether `host`, with or without a port, can only be this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Lower case and without http's default port: one text for each server.
fn normalized(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    // With a user name in it, `localhost@evil.example` would be another host than it seems.
    if authority.as_str().contains('@') {
        return None;
    }
    let name = authority.host().to_ascii_lowercase();
    match (authority.port_u16(), authority.as_str().len() > authority.host().len()) {
        (Some(80), _) | (None, false) => Some(name),
        (Some(port), _) => Some(format!("{name}:{port}")),
        (None, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_a_browser_writes_it() {
        for (given, origin) in [
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://LOCALHOST:8080/", "http://localhost:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(given.parse::<AppOrigin>().unwrap().as_str(), origin, "{given}");
        }
    }

    #[test]
    fn refuses_what_is_not_plain_http_on_this_machine() {
        for given in [
            "",
            "localhost:8080",
            "https://localhost:8080",
            "http://foo.com",
            "http://192.168.1.5:8080",
            "http://0.0.0.0:8080",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://evil@localhost",
            "http://localhost:8080/app",
            "http://localhost:8080/?x",
            "http://localhost:8080/#x",
            "http://localhost:99999",
            "http://localhost:",
        ] {
            assert!(given.parse::<AppOrigin>().is_err(), "{given}");
        }
    }

    #[test]
    fn knows_its_own_host() {
        let origin: AppOrigin = "http://localhost:8080".parse().unwrap();
        assert!(origin.is_host("localhost:8080"));
        assert!(origin.is_host("LocalHost:8080"));
        for host in ["localhost", "localhost:8081", "evil.example:8080", "localhost:8080, evil.example", ""] {
            assert!(!origin.is_host(host), "{host}");
        }
    }
}
