//! What the server puts up with, over plain sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../clerk-verify/tests/common/mod.rs"]
mod common;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::routing::get;
use clerk_verify::axum::SameOriginCookies;
use clerk_verify::{KeySet, ManualClock, Policy, Verifier};
use common::{ISSUER, NOW, PAGE, SigningKey, claims};
use foo_api::Database;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Serves a path that answers at once, and one that takes its time.
async fn server() -> Server {
    let listener = foo_api::bind(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "slow"
    };
    let app = Router::new().route("/", get(async || "fast")).route("/slow", get(slow));
    let task = tokio::spawn(foo_api::serve(listener, app, async { drop(stopped.await) }));
    Server { address, stop: Some(stop), task }
}

async fn send(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server may hang up on what it will not read.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_of_more_than_16_kilobytes_is_refused() {
    let server = server().await;
    let with = |length: usize| {
        format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: {}\r\n\r\n", "x".repeat(length))
    };
    assert!(send(&server, &with(15_000)).await.starts_with("HTTP/1.1 200"));
    assert!(send(&server, &with(17_000)).await.starts_with("HTTP/1.1 431"));
    assert!(send(&server, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn what_is_under_way_is_answered_when_the_server_stops_and_nothing_new_is_taken() {
    let mut server = server().await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.take().unwrap().send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("slow"), "{answer}");
    // Nobody waits for a connection that asks for nothing.
    tokio::time::timeout(Duration::from_secs(2), server.task).await.expect("an end").unwrap();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(server.address).await.is_err());
}

/// The clock stands still but for the waits.
#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(29) && waited < Duration::from_secs(40), "{waited:?}");
}

/// The clock stands still but for the waits.
#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let key = SigningKey::new("ins_1");
    let keys = KeySet::from_jwks(key.jwks().as_bytes()).unwrap();
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let verifier = Verifier::new(policy, keys).clock(ManualClock::at(NOW));
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("posts.sqlite3")).unwrap();
    let cookies = SameOriginCookies::new([PAGE]).unwrap();
    let app = foo_api::router(verifier, &[PAGE.to_owned()], cookies, database);
    let request = |method: &str, path: &str| {
        let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{\"title\":"))]);
        let body = Body::from_stream(stream::StreamExt::chain(begun, stream::pending()));
        let request = Request::builder().method(method).uri(path).header("origin", PAGE);
        let request = request.header("authorization", format!("Bearer {}", key.sign(&claims())));
        request.header("content-type", "application/json").header("if-match", "*").body(body).unwrap()
    };
    for (method, path) in [("POST", "/posts"), ("PUT", "/posts/post_1"), ("POST", "/api/posts")] {
        let start = tokio::time::Instant::now();
        let answer = app.clone().oneshot(request(method, path)).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), start.elapsed()),
            (408, Duration::from_secs(10)),
            "{method} {path}"
        );
        assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("body-too-slow"));
    }
    // Who sends nothing good is refused before anything of the body is waited for.
    let mut nobody = request("POST", "/posts");
    nobody.headers_mut().remove("authorization");
    let start = tokio::time::Instant::now();
    let answer = app.oneshot(nobody).await.unwrap();
    assert_eq!((answer.status().as_u16(), start.elapsed()), (401, Duration::ZERO));
}
