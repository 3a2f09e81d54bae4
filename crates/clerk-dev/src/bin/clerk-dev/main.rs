//! Clerk's Frontend API on your own machine, for development: `clerk-dev --help`.

mod args;
mod call;
mod control;
mod logging;
mod options;
mod token;

use std::future::IntoFuture as _;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use clerk_dev::{ClerkDev, SetupError};
use tokio::net::TcpListener;

use args::{Command, Given, ServeArgs};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("clerk-dev: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let command = args::parse(lexopt::Parser::from_env())?;
    match command {
        Command::Help => say(args::HELP),
        Command::Version => say(concat!("clerk-dev ", env!("CARGO_PKG_VERSION"))),
        Command::Describe { data_dir } => say(&serde_json::to_string(&clerk_dev::describe(&data_dir)?)?),
        Command::Control { data_dir, call } => say(&call.send(&data_dir)?),
        Command::Token { data_dir, call, bare } => {
            let answer = call.send(&data_dir)?;
            say(if bare { token_in(&answer)? } else { answer }.as_str())
        }
        Command::Serve(args) => serve(args).await,
    }
}

async fn serve(args: ServeArgs) -> Result<(), Failure> {
    logging::start();
    if let Some(given) = &args.publishable_key {
        refuse_live(given)?;
    }
    let app_origin = args.settings.app_origin.clone();
    let server = ClerkDev::open(args.settings)?;
    if let Some(given) = &args.publishable_key
        && given.key.trim() != server.publishable_key()
    {
        tracing::warn!("{} is not this server's key: {}", given.found_in, server.publishable_key());
    }

    let listener = listen(args.port, "--port").await?;
    let control_listener = listen(args.control_port, "--control-port").await?;
    let control = server.control(control_listener.local_addr()?)?;
    say(&format!(
        "clerk-dev, for development only, listens on http://{}/__clerk for {app_origin}",
        listener.local_addr()?
    ))?;
    tokio::try_join!(
        axum::serve(listener, server.router()).into_future(),
        axum::serve(control_listener, control).into_future(),
    )?;
    Ok(())
}

async fn listen(port: u16, option: &str) -> Result<TcpListener, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        format!(
            "cannot listen on 127.0.0.1:{port} ({error}); stop what holds the port, or choose another with {option}"
        )
    })
}

/// A production key at hand, even a damaged one, means that this is no development setup.
fn refuse_live(given: &Given) -> Result<(), SetupError> {
    if given.key.trim().starts_with("pk_live_") {
        return Err(SetupError::LiveKey { found_in: given.found_in.to_owned() });
    }
    Ok(())
}

/// The token itself, for `$(clerk-dev token …)`.
fn token_in(answer: &str) -> Result<String, Failure> {
    let answer: serde_json::Value = serde_json::from_str(answer)?;
    let token = answer.get("token").and_then(serde_json::Value::as_str);
    Ok(token.ok_or("clerk-dev answered something that is no token")?.to_owned())
}

/// Prints a line for whoever started this, who may have stopped listening.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
