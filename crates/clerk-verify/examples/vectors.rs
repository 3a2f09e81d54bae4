//! Runs a file of token vectors: `cargo run -q -p clerk-verify --example vectors -- FILE`.
//!
//! The form of the file is in `tests/data/README.md`. A line for each vector and setting of `acceptsToken`,
//! last `N passed, N failed`; the exit code says whether all passed. The header cases, if the file has any,
//! come after the vectors, and only those that fail are counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/common/backend.rs"]
mod backend;
#[path = "../tests/common/vectors.rs"]
mod vectors;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let path = std::env::args().nth(1);
    let path =
        path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/clerk-tokens.json").into());
    let file = match std::fs::read_to_string(&path) {
        Ok(text) => vectors::File::read(&text).await,
        Err(error) => Err(error.to_string()),
    };
    let file = match file {
        Ok(file) => file,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for case in file.cases().await {
        let (id, setting, said, reason) = (&case.id, &case.setting, case.said(), case.reason());
        if case.passed() {
            passed += 1;
            println!("ok    {id} [{setting}]: {said} ({reason})");
        } else {
            failed += 1;
            println!("WRONG {id} [{setting}]: {said} ({reason}), required {}", case.required);
        }
    }
    for case in file.header_cases().await {
        let right = case.status == case.required;
        failed += i32::from(!right);
        println!(
            "{} headers {}: {} (required {})",
            if right { "ok   " } else { "WRONG" },
            case.id,
            case.status,
            case.required
        );
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
