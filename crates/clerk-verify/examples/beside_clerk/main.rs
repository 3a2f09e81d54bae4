//! Clerk's own SDK for Node beside this crate, with the same tokens. Needs Node 20 and npm; the SDK is installed
//! into a folder of its own below the system's folder for temporary files.
//!
//! - `cargo run -p clerk-verify --example beside_clerk -- verdicts [FILE]`: the verdicts of both, on tokens of
//!   every kind, good and bad, with every setting of `acceptsToken`. `FILE` names tokens of one's own:
//!   `{"publicKeyPem", "issuer", "publishableKey", "apiUrl", "secretKey", "authorizedParties": [],
//!   "tokens": [{"id", "token"}]}`.
//! - `taskset -c 0 cargo run --release -p clerk-verify --example beside_clerk -- cost`: processor time per verified
//!   token, on one core.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#[path = "../../tests/common/mod.rs"]
mod common;
mod cost;
mod sdk;
mod tokens;
mod verdicts;

use std::process::ExitCode;

use cost::cost;
use tokens::Set;
use verdicts::verdicts;

// The SDK asks a server in this process while this thread waits for the SDK.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("verdicts"), None) => verdicts(&Set::own().await).await,
        (Some("verdicts"), Some(path)) => verdicts(&Set::read(&path)).await,
        (Some("cost"), None) => cost().await,
        _ => {
            eprintln!("say `verdicts`, `verdicts FILE` or `cost`");
            ExitCode::from(2)
        }
    }
}
