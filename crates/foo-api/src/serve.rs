use std::future::{Future, IntoFuture as _};
use std::net::Ipv4Addr;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long requests under way may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Why the server does not run.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// Another program has the port.
    PortInUse(u16),
    /// The port cannot be had for another reason.
    Bind(u16, io::Error),
    /// The server broke down.
    Io(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortInUse(port) => {
                write!(f, "port {port} is in use; stop what uses it, or set FOO_API_PORT to another port")
            }
            Self::Bind(port, error) => {
                write!(f, "cannot listen on port {port} ({error}); set FOO_API_PORT to another port")
            }
            Self::Io(error) => write!(f, "the server stopped: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Takes `port` on 127.0.0.1; 0 for any that is free.
///
/// # Errors
///
/// [`ServeError::PortInUse`] and [`ServeError::Bind`].
pub async fn bind(port: u16) -> Result<TcpListener, ServeError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse(port),
        _ => ServeError::Bind(port, error),
    })
}

/// Serves until `stop` completes, then lets what is under way finish, for five seconds at most.
///
/// # Errors
///
/// [`ServeError::Io`].
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (stopping, mut stopped) = watch::channel(false);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        // Nobody listens any more only when the server is gone.
        let _ = stopping.send(true);
    });
    let out_of_patience = async {
        let told = stopped.wait_for(|stopped| *stopped).await.is_ok();
        if !told {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server.into_future() => result.map_err(ServeError::Io),
        () = out_of_patience => {
            tracing::warn!("requests were still under way after {GRACE:?}");
            Ok(())
        }
    }
}
