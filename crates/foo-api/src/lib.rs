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
//!
//! [`Settings`] come from the environment. A body may have 64 kB and take ten seconds to come (408), the head of a
//! request 16 kB (431) and thirty seconds, and the whole twenty seconds (503). SIGTERM and Ctrl-C end it: what is
//! under way is answered, for five seconds at most.
//!
//! # Under load
//!
//! ```sh
//! cargo run --release -p foo-api --example load [SECONDS] [REQUESTS IN FLIGHT]
//! ```
//!
//! starts the API in a process of its own, on a new database file, and a thousand people with a real session token
//! and a connection each, who send one request after the other for ten seconds: 70 % `GET /foo`, 20 % `GET /posts`,
//! the rest new posts, the same again with their idempotency key, the key with another post, edits, and edits of a
//! version that is no more. Every answer is compared to the letter with what that person has done so far. On a shared
//! virtual machine with two cores, which the clients had to share with the API, each token verified anew and each
//! write on the disk before its answer (of three runs the one in the middle; the others made 16,439 and 18,886 in a
//! second):
//!
//! ```text
//! 1000 requests in flight for 10 s
//! 180731 answers in 10.07 s: 17943 in a second
//!            answers    p50 ms    p99 ms    max ms
//! all         180731      38.1     189.7     298.6
//! Foo         126461      25.7     127.6     172.7
//! List         36194     103.2     234.2     298.6
//! Write         6162      69.0     182.2     262.5
//! Repeat        3372      53.2     178.8     281.3
//! Reuse         1748      53.5     173.9     262.6
//! Edit          5036      66.2     184.3     263.4
//! EditOld       1758      53.1     167.2     222.4
//! the API's peak resident memory: 49.8 MB
//! errors: 0
//! ```

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
