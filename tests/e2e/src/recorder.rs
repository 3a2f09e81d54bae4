use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::cors;
use crate::origin_server::OriginServer;

/// One request the [`Recorder`] was sent.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// In the order they came; names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Recorded {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A third origin that writes down what it is sent and lets every page in. A GET for `…?redirect={url}` is
/// sent on to that URL.
#[derive(Debug)]
pub struct Recorder {
    server: OriginServer,
    seen: Arc<Mutex<Vec<Recorded>>>,
}

impl Recorder {
    /// Listens on a free loopback port, whatever the `Host`.
    pub async fn start() -> Self {
        let seen = Arc::<Mutex<Vec<Recorded>>>::default();
        let router = Router::new().fallback(record).with_state(Arc::clone(&seen));
        Self { server: OriginServer::start(router, 0).await, seen }
    }

    /// `http://127.0.0.1:{port}`.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Its port; every `*.localhost` name leads there too.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Every request so far, preflights included.
    pub fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().expect("the recorder's list").clone()
    }
}

async fn record(State(seen): State<Arc<Mutex<Vec<Recorded>>>>, request: Request) -> Response {
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let path = request.uri().path_and_query().map_or_else(|| "/".into(), ToString::to_string);
    let method = request.method().to_string();
    let allowed = cors::permissive(request.headers());
    let elsewhere = path.split_once("?redirect=").map(|(_, url)| url.to_owned());
    seen.lock().expect("the recorder's list").push(Recorded { method, path, headers });
    if request.method() == Method::GET
        && let Some(url) = elsewhere
    {
        return (StatusCode::FOUND, allowed, [(header::LOCATION, url)]).into_response();
    }
    (StatusCode::OK, allowed, "{\"recorded\":true}").into_response()
}
