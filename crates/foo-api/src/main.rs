//! `foo-api`: see the library and its `Settings`.

use std::error::Error;
use std::process::ExitCode;

use foo_api::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("foo-api: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    foo_api::start_log()?;
    let settings = Settings::from_env()?;
    let app = foo_api::app(&settings)?;
    // Before the port is taken: whoever sees it open may stop this process.
    let stop = stop_signal()?;
    let listener = foo_api::bind(settings.port).await?;
    tracing::info!(
        address = %format_args!("http://localhost:{}", listener.local_addr()?.port()),
        issuer = settings.issuer,
        app_origins = settings.app_origins.join(", "),
        "foo-api is listening"
    );
    foo_api::serve(listener, app, stop).await;
    tracing::info!("foo-api has stopped");
    Ok(())
}

/// Completes on Ctrl-C, and on Unix on SIGTERM too.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, std::io::Error> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, std::io::Error> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
