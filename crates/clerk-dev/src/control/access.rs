use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, fs};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use crate::setup_error::SetupError;
use crate::{ids, origin, private_file};

const FILE: &str = "control.json";

/// Where the control port is, and the secret that opens it. `Debug` leaves the secret out.
#[derive(Clone, Serialize, Deserialize)]
pub struct ControlAccess {
    url: String,
    secret: String,
}

impl ControlAccess {
    /// Reads `control.json` in the data folder, which the last start with a control port has written:
    /// `{"url": "http://127.0.0.1:…", "secret": "…"}`.
    ///
    /// # Errors
    ///
    /// [`SetupError::Data`] if there is no such file or it cannot be read, [`SetupError::Damaged`] if it is
    /// something else.
    pub fn read(data_dir: &Path) -> Result<Self, SetupError> {
        let path = data_dir.join(FILE);
        let bytes = fs::read(&path).map_err(|source| SetupError::Data { path: path.clone(), source })?;
        // serde's message may quote the text, and the text holds the secret.
        serde_json::from_slice(&bytes)
            .map_err(|_| SetupError::Damaged { path, problem: "it is not the JSON it should be" })
    }

    /// The control port's origin, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What each call carries as `Authorization: Bearer …`. Another one at each start.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn new(address: SocketAddr) -> Result<Self, SetupError> {
        if !address.ip().is_loopback() {
            return Err(SetupError::ControlAddress(address));
        }
        let secret = ids::random_hex::<32>().map_err(|_| SetupError::Cryptography)?;
        Ok(Self { url: format!("http://{address}"), secret })
    }

    pub(super) fn write(&self, data_dir: &Path) -> Result<(), SetupError> {
        let path = data_dir.join(FILE);
        let text = serde_json::to_string(self).map_err(|_| SetupError::Cryptography)?;
        private_file::replace(&path, &text).map_err(|source| SetupError::Data { path, source })
    }

    /// No page gets through: it cannot know the secret, and a browser says where a request comes from.
    fn admits(&self, headers: &HeaderMap) -> Result<(), ControlError> {
        if headers.contains_key(ORIGIN) {
            return Err(ControlError::FromAPage);
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if !host.is_some_and(origin::is_loopback) {
            return Err(ControlError::AnotherHost);
        }
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(one), None) = (given.next(), given.next()) else { return Err(ControlError::Secret) };
        let wanted = format!("Bearer {}", self.secret);
        // The time that this takes does not tell how much of it was right.
        verify_slices_are_equal(one.as_bytes(), wanted.as_bytes()).map_err(|_| ControlError::Secret)
    }
}

impl fmt::Debug for ControlAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlAccess").field("url", &self.url).finish_non_exhaustive()
    }
}

pub(super) async fn check(
    State(access): State<Arc<ControlAccess>>,
    request: Request,
    next: Next,
) -> Result<Response, ControlError> {
    access.admits(request.headers()).inspect_err(|error| {
        tracing::warn!(path = request.uri().path(), "the control port refused a call: {error}");
    })?;
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_leaves_the_secret_out() {
        let access = ControlAccess::new("127.0.0.1:1".parse().unwrap()).unwrap();
        let shown = format!("{access:?}");
        assert!(shown.contains("http://127.0.0.1:1") && !shown.contains(access.secret()), "{shown}");
    }

    #[test]
    fn no_other_machine_reaches_it() {
        for address in ["0.0.0.0:1", "192.168.1.5:1", "[::]:1"] {
            let error = ControlAccess::new(address.parse().unwrap()).unwrap_err();
            assert!(matches!(error, SetupError::ControlAddress(_)), "{address}");
        }
        assert_eq!(ControlAccess::new("[::1]:7".parse().unwrap()).unwrap().url(), "http://[::1]:7");
    }
}
