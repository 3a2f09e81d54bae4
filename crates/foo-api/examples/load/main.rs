//! How the API does under load, every answer checked:
//!
//! ```sh
//! cargo run --release -p foo-api --example load [SECONDS] [REQUESTS IN FLIGHT]
//! ```
//!
//! Starts the API in a process of its own, on a new database file; signs a session token for each of a thousand
//! people with a key made just now, and publishes that key at a JWKS of its own; then each of them, on a connection
//! of their own, sends one request after the other. Exits with 1 if one answer was wrong or missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../../clerk-verify/tests/common/mod.rs"]
mod common;
mod connection;
mod person;
mod report;
mod server;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::{JwksServer, SigningKey};
use connection::Connection;
use person::Person;
use report::Report;
use server::Server;

/// The argument by which this program knows that it is the API.
const SERVE: &str = "serve";

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    let done = match first.as_deref() {
        Some(SERVE) => foo_api::run().await.map(|()| true),
        first => {
            let seconds = first.map_or(Ok(10), str::parse);
            let in_flight = arguments.next().map_or(Ok(1000), |count| count.parse());
            match (seconds, in_flight) {
                (Ok(seconds), Ok(in_flight)) => load(Duration::from_secs(seconds), in_flight).await,
                _ => Err("write: load [SECONDS] [REQUESTS IN FLIGHT]".into()),
            }
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every request was answered, and rightly.
async fn load(time: Duration, in_flight: usize) -> Result<bool, Box<dyn std::error::Error>> {
    let key = SigningKey::new("ins_load");
    let jwks = JwksServer::start(key.jwks()).await;
    let folder = tempfile::tempdir()?;
    let server = Server::start(&jwks.url, &folder.path().join("posts.sqlite3"))?;

    let mut people = Vec::with_capacity(in_flight);
    for number in 0..in_flight {
        people.push(Person::new(number, &key, time, Connection::open(server.address).await?));
    }
    println!("{in_flight} requests in flight for {} s", time.as_secs());
    let start = Instant::now();
    let tasks: Vec<_> =
        people.into_iter().map(|person| tokio::spawn(person.act_until(start + time))).collect();
    let mut report = Report::default();
    for task in tasks {
        report.add(task.await?);
    }
    let took = start.elapsed();

    match metrics(server.address).await {
        Ok(metrics) => report.check_metrics(&metrics),
        Err(error) => report.check(Err(error)),
    }
    let memory = server.peak_memory_kib();
    report.check(server.stop());
    report.print(took, memory);
    Ok(report.is_clean())
}

async fn metrics(address: SocketAddr) -> Result<String, String> {
    Ok(Connection::open(address).await?.get("/metrics").await?.text())
}
