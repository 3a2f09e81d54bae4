//! The commands of this repository.
//!
//! `cargo xtask dev` runs the app on this machine; `cargo xtask test` checks everything. Both set up
//! what they need first, in the user's cache folder and nowhere else.

#[cfg(not(unix))]
compile_error!("cargo xtask runs on Linux and macOS; on Windows run it inside WSL");

mod bench;
mod cache;
mod cli;
mod config_json;
mod dev;
mod fuzz;
mod group;
mod http;
mod interrupt;
mod output;
mod ports;
mod run;
mod size;
mod test;
mod tools;
mod trunk_config;
mod versions;
mod workspace;

use std::process::ExitCode;

use cli::Command;
use interrupt::Interrupted;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            output::say("Stopped.");
            ExitCode::from(130)
        }
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let command = cli::parse(lexopt::Parser::from_env())?;
    interrupt::listen()?;
    match command {
        Command::Help => {
            output::say(cli::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Command::Dev(options) => dev::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Test(part) => test::run(part),
        Command::Fuzz(seconds) => fuzz::fuzz(seconds).map(|()| ExitCode::SUCCESS),
        Command::Bench(part) => bench::run(part),
        Command::Size => size::check(),
    }
}
