#![doc = include_str!("../README.md")]

mod api_error;
mod backend;
mod browser;
mod client;
mod clock;
mod control;
mod entitlements;
mod faults;
mod grants;
mod guard;
mod identity;
mod ids;
mod instance;
mod method_override;
mod organizations;
mod origin;
mod packages;
mod people;
mod private_file;
mod request_log;
mod routes;
mod secret_key;
mod settings;
mod setup_error;
mod signing_key;
mod store;
mod templates;
mod tokens;
mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use serde::Serialize;

pub use control::ControlAccess;
pub use organizations::Organization;
pub use people::Person;
pub use secret_key::SecretKey;
pub use settings::Settings;
pub use setup_error::SetupError;

use identity::Identity;
use instance::Instance;
use secret_key::SecretKeys;

/// Where everything is served: Clerk's own default path for a proxied Frontend API.
pub(crate) const BASE_PATH: &str = "/__clerk";

/// A development instance of Clerk: who can sign in, the key its tokens are signed with, and the routes
/// that clerk-js talks to.
///
/// Cloning is cheap, and every clone is the same instance.
#[derive(Clone)]
pub struct ClerkDev {
    instance: Arc<Instance>,
}

impl ClerkDev {
    /// Opens the instance that lives in [`Settings::data_dir`], making it if there is none, and logs that
    /// it is for development only.
    ///
    /// Making one takes a moment: it generates an RSA key.
    ///
    /// # Errors
    ///
    /// See [`SetupError`]; each prints a sentence that says what to do.
    pub fn open(settings: Settings) -> Result<Self, SetupError> {
        let instance = Instance::open(settings)?;
        tracing::warn!(
            app_origin = instance.origin.as_str(),
            "clerk-dev is for development only: its passwords are public"
        );
        Ok(Self { instance: Arc::new(instance) })
    }

    /// The key to give to clerk-js: always a `pk_test_`, and another one for each data folder, so that two
    /// projects on localhost share no cookie.
    pub fn publishable_key(&self) -> &str {
        self.instance.publishable_key.as_str()
    }

    /// What the tokens carry as `iss`: the app's origin and `/__clerk`. The JWKS is below it, at
    /// `/.well-known/jwks.json`.
    pub fn issuer(&self) -> &str {
        self.instance.tokens.issuer()
    }

    /// The key that verifies the tokens, in PEM: `CLERK_JWT_KEY` of a server that asks nobody.
    ///
    /// # Errors
    ///
    /// [`SetupError::Cryptography`].
    pub fn public_key_pem(&self) -> Result<String, SetupError> {
        self.instance.tokens.key().public_pem().map_err(|_| SetupError::Cryptography)
    }

    /// What opens the Backend API, which is at `/backend` on the listener of [`Self::router`]:
    /// `CLERK_SECRET_KEY` and `CLERK_API_URL` of a server that verifies opaque tokens.
    pub fn secret_key(&self) -> &SecretKey {
        &self.instance.secret_keys.instance
    }

    /// A machine's secret key, `ak_…`: opens the Backend API's call about M2M tokens and no other.
    pub fn machine_secret_key(&self) -> &SecretKey {
        &self.instance.secret_keys.machine
    }

    /// Who can sign in.
    pub fn people(&self) -> &[Person] {
        &self.instance.people
    }

    /// The organizations that they belong to.
    pub fn organizations(&self) -> &[Organization] {
        organizations::all()
    }

    /// The control port, for tests and for `clerk-dev control`: routes to serve on a listener of its own, bound
    /// to `address`. Each call made here makes a new secret, without which no call is answered, and writes it
    /// with the address into `control.json` in the data folder, mode 0600: see [`ControlAccess::read`].
    ///
    /// # Errors
    ///
    /// [`SetupError::ControlAddress`] if `address` is no loopback address, and those that concern the data
    /// folder.
    pub fn control(&self, address: SocketAddr) -> Result<Router, SetupError> {
        control::open(Arc::clone(&self.instance), address)
    }

    /// The routes, below `/__clerk` and `/backend`, with their guards: serve them on a loopback address, on the app's
    /// own origin or behind a proxy there that passes `/__clerk` on and adds `X-Forwarded-Host`.
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.instance))
    }
}

impl fmt::Debug for ClerkDev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClerkDev")
            .field("publishable_key", &self.publishable_key())
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}

/// What somebody who starts a development setup has to know: the keys, and who can sign in with which
/// password.
///
/// Serializes as `{"publishableKey", "secretKey", "machineSecretKey", "people": [{"name", "email", "password"}],
/// "organizations": [{"id", "name", "slug"}]}`. `Debug` leaves the passwords and the secret keys out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Description {
    /// The key to give to clerk-js.
    pub publishable_key: String,
    /// The key of the Backend API: `CLERK_SECRET_KEY` of a server.
    pub secret_key: SecretKey,
    /// A machine's.
    pub machine_secret_key: SecretKey,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// The organizations that they belong to.
    pub organizations: Vec<Organization>,
}

/// Describes the instance that lives in `data_dir`, making it if there is none, without serving it.
///
/// # Errors
///
/// Those of [`SetupError`] that concern the data folder and what is in it.
pub fn describe(data_dir: &Path) -> Result<Description, SetupError> {
    let identity = Identity::open(data_dir)?;
    let SecretKeys { instance, machine } = identity.secret_keys()?;
    Ok(Description {
        publishable_key: identity.publishable_key.as_str().to_owned(),
        secret_key: instance,
        machine_secret_key: machine,
        people: people::everyone(),
        organizations: organizations::all().to_vec(),
    })
}
