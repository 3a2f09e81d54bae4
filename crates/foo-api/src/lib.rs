//! api.foo.com: a protected API on another origin than the page that uses it.
//!
//! | | |
//! |---|---|
//! | `GET /foo` | the signed-in person's resource |
//! | `GET /people/{user_id}/foo` | the resource of that person; another's is 403 |
//! | `GET /healthz` | 204 while the server runs |
//!
//! Errors are `application/problem+json` with a stable `reason`.

mod app;
mod cors;
mod log;
mod problem;
mod request_id;
mod routes;
mod serve;
mod settings;

pub use app::{SetupError, app, router};
pub use log::{LogError, start_log};
pub use serve::{ServeError, bind, serve};
pub use settings::{Settings, SettingsError};
