use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::gate::{forward, plain_client};
use crate::leaks;
use crate::origin_server::OriginServer;

/// What the app's origin serves.
#[derive(Debug, Clone)]
pub enum Site {
    /// A built folder; unknown paths are the app's own, and get its `index.html`.
    Folder(PathBuf),
    /// Paths and their HTML, for tests of the harness.
    Pages(HashMap<String, String>),
}

/// What `/config.json` answers.
#[derive(Debug, Clone)]
pub struct Config {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Config {
    /// A 200 with that text as JSON.
    pub fn json(body: impl Into<String>) -> Self {
        Self { status: 200, content_type: "application/json", body: body.into() }
    }

    /// No such file.
    pub fn missing() -> Self {
        Self { status: 404, content_type: "text/plain", body: "not found".into() }
    }
}

#[derive(Debug)]
struct Shared {
    site: Site,
    clerk: Option<u16>,
    client: reqwest::Client,
    config: Mutex<Config>,
    refused: Mutex<Option<(String, u16)>>,
    tokens: Mutex<BTreeSet<String>>,
    api: Mutex<Option<u16>>,
    asked: Mutex<Vec<Asked>>,
    clerk_asked: Mutex<Vec<String>>,
}

/// A request to the API on the app's own origin.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whether it carried `Authorization`.
    pub by_header: bool,
    /// Whether it carried a `__session` cookie.
    pub by_cookie: bool,
    /// What the API answered.
    pub status: u16,
}

/// The app's origin: its built files, `/config.json`, and Clerk under `/__clerk`, as Trunk's proxy does it.
#[derive(Debug)]
pub struct Front {
    server: OriginServer,
    shared: Arc<Shared>,
}

impl Front {
    /// Listens on `port` (0: a free one). `clerk` is the port `/__clerk` is forwarded to.
    pub async fn start(site: Site, clerk: Option<u16>, port: u16) -> Self {
        let shared = Arc::new(Shared {
            site,
            clerk,
            client: plain_client(),
            config: Mutex::new(Config::missing()),
            refused: Mutex::default(),
            tokens: Mutex::default(),
            api: Mutex::default(),
            asked: Mutex::default(),
            clerk_asked: Mutex::default(),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        Self { server: OriginServer::start(router, port).await, shared }
    }

    /// `http://localhost:{port}`.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port())
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// What `/config.json` answers from now on.
    pub fn set_config(&self, config: Config) {
        *self.shared.config.lock().expect("the config") = config;
    }

    /// Answers every path that contains `part` with `status` from now on, or nothing any more.
    pub fn refuse(&self, refused: Option<(&str, u16)>) {
        *self.shared.refused.lock().expect("what is refused") =
            refused.map(|(part, status)| (part.to_owned(), status));
    }

    /// From now on `/api` is the API's, on this origin.
    pub(crate) fn pass_on_api(&self, port: u16) {
        *self.shared.api.lock().expect("the API's port") = Some(port);
    }

    /// The requests to `/api` since the last look.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().expect("what was asked"))
    }

    /// The methods and paths of the requests to Clerk since the last look, without its package files.
    pub fn take_clerk_asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.clerk_asked.lock().expect("what Clerk was asked"))
    }

    /// Every token that Clerk's answers carried to the browser.
    pub fn issued_tokens(&self) -> BTreeSet<String> {
        self.shared.tokens.lock().expect("the tokens").clone()
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let refused = shared.refused.lock().expect("what is refused").clone();
    if let Some((_, status)) = refused.filter(|(part, _)| path.contains(part)) {
        return StatusCode::from_u16(status).expect("a status").into_response();
    }
    if path == "/config.json" {
        let config = shared.config.lock().expect("the config").clone();
        let status = StatusCode::from_u16(config.status).expect("a status");
        let headers = [(header::CONTENT_TYPE, config.content_type), (header::CACHE_CONTROL, "no-store")];
        return (status, headers, config.body).into_response();
    }
    if path.starts_with("/api/") {
        return api(&shared, request).await;
    }
    if path == "/__clerk" || path.starts_with("/__clerk/") {
        if !path.starts_with("/__clerk/npm/") {
            let asked = format!("{} {}", request.method(), request.uri());
            shared.clerk_asked.lock().expect("what Clerk was asked").push(asked);
        }
        return clerk(&shared, request).await;
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match &shared.site {
        Site::Folder(folder) => file(folder, &path).await,
        Site::Pages(pages) => match pages.get(&path) {
            Some(html) => {
                ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

/// The API below the app's own origin.
async fn api(shared: &Shared, request: Request) -> Response {
    let Some(port) = *shared.api.lock().expect("the API's port") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cookie = request.headers().get(header::COOKIE).and_then(|cookie| cookie.to_str().ok());
    let mut asked = Asked {
        by_header: request.headers().contains_key(header::AUTHORIZATION),
        by_cookie: cookie.is_some_and(|cookie| cookie.contains("__session")),
        status: 0,
    };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("http://127.0.0.1:{port}{path}");
    let answer = forward(&shared.client, url, request).await.unwrap_or_else(|error| {
        (StatusCode::BAD_GATEWAY, format!("foo-api does not answer: {error}")).into_response()
    });
    asked.status = answer.status().as_u16();
    shared.asked.lock().expect("what was asked").push(asked);
    answer
}

/// Trunk's proxy gives the upstream its own name as `Host` and keeps the browser's in `X-Forwarded-Host`.
async fn clerk(shared: &Shared, mut request: Request) -> Response {
    let Some(port) = shared.clerk else { return StatusCode::NOT_FOUND.into_response() };
    let upstream = format!("127.0.0.1:{port}");
    let headers = request.headers_mut();
    if let Some(host) = headers.insert(header::HOST, HeaderValue::from_str(&upstream).expect("a host")) {
        headers.insert("x-forwarded-host", host);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("http://{upstream}{path}");
    match forward(&shared.client, url, request).await {
        Ok(answer) => watch_for_tokens(shared, answer).await,
        Err(error) => {
            (StatusCode::BAD_GATEWAY, format!("clerk-dev does not answer: {error}")).into_response()
        }
    }
}

async fn watch_for_tokens(shared: &Shared, answer: Response) -> Response {
    let is_json = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return answer;
    }
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let found = leaks::tokens_in(&String::from_utf8_lossy(&body));
    shared.tokens.lock().expect("the tokens").extend(found);
    Response::from_parts(head, Body::from(body))
}

async fn file(folder: &Path, path: &str) -> Response {
    let relative = Path::new(path.trim_start_matches('/'));
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let asked = folder.join(relative);
    if inside && let Ok(bytes) = tokio::fs::read(&asked).await {
        return ([(header::CONTENT_TYPE, content_type(&asked))], bytes).into_response();
    }
    match tokio::fs::read(folder.join("index.html")).await {
        Ok(bytes) if asked.extension().is_none() => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], bytes).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        _ => "application/octet-stream",
    }
}
