use std::error::Error;

use crate::{Settings, app, bind, serve, start_log};

/// The whole program: reads its settings from the environment, says in its log where it listens, and serves
/// until it is told to stop, by Ctrl-C and on Unix by SIGTERM.
///
/// # Errors
///
/// One sentence about the setting, the port or the file that is wrong.
pub async fn run() -> Result<(), Box<dyn Error>> {
    start_log()?;
    let settings = Settings::from_env()?;
    let app = app(&settings)?;
    // Before the port is taken: whoever sees it open may stop this process.
    let stop = stop_signal()?;
    let listener = bind(settings.port).await?;
    tracing::info!(
        address = %format_args!("http://localhost:{}", listener.local_addr()?.port()),
        issuer = settings.issuer,
        app_origins = settings.app_origins.join(", "),
        "foo-api is listening"
    );
    serve(listener, app, stop).await;
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
