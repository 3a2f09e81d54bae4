//! `foo-api`: see the library and its `Settings`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match foo_api::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("foo-api: {error}");
            ExitCode::FAILURE
        }
    }
}
