use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// How long requests under way may take once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The most that a request's head may have, in bytes. A Clerk token has one or two thousand.
const HEAD_LIMIT: usize = 16 * 1024;

/// How long a request's head may take to come, and a connection to lie idle.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Why the server does not run.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// Another program has the port.
    PortInUse(u16),
    /// The port cannot be had for another reason.
    Bind(u16, io::Error),
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

/// Serves until `stop` completes, then lets what is under way finish, for five seconds at most. Refuses a
/// request whose head is longer than 16 kB (431), and hangs up on one that does not come in 30 s.
pub async fn serve(listener: TcpListener, app: Router, stop: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).max_buf_size(HEAD_LIMIT).header_read_timeout(HEAD_TIME);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // The caller is gone already, or there are too many: the others are served on.
                Err(error) if is_callers(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A caller that breaks off is no fault of the server's.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("requests were still under way after {GRACE:?}"),
    }
}

fn is_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
