//! api.foo.com: a protected API on another origin than the page that uses it.
//!
//! | | |
//! |---|---|
//! | `GET /foo` | the signed-in person's resource |
//! | `GET /people/{user_id}/foo` | the resource of that person; another's is 403 |
//! | `GET /me` | who the API takes the caller for |
//! | `GET /posts` | the posts of the caller and the active organization, newest first: `limit`, `cursor` |
//! | `POST /posts` | a new post; with `Idempotency-Key` once, however often it is sent |
//! | `GET`, `PUT`, `DELETE /posts/{id}` | one post; the last two with `If-Match` |
//! | `GET /reports` | for an OAuth token with the scope `reports:read` |
//! | `GET /machine` | for an M2M token |
//! | `GET /admin` | for the permission `org:posts:manage` |
//! | `/api/…` | all of these, for pages of the API's own origin: by cookie |
//! | `GET /openapi.json` | this, for programs |
//! | `GET /metrics` | counters of the verifier, for Prometheus |
//! | `GET /healthz` | 204 while the server runs |
//!
//! Errors are `application/problem+json` with a stable `reason`.

mod app;
mod cors;
mod database;
mod log;
mod machines;
mod openapi;
mod posts;
mod problem;
mod program;
mod readers;
mod request_id;
mod routes;
mod serve;
mod settings;
mod writer;

pub use app::{SetupError, app, router};
pub use database::{Database, DatabaseError};
pub use log::{LogError, start_log};
pub use program::run;
pub use serve::{ServeError, bind, serve};
pub use settings::{Settings, SettingsError};
