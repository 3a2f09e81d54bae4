use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::cors;
use crate::origin_server::OriginServer;

#[derive(Debug, Default)]
struct Books {
    delay: Duration,
    fetched: Vec<u32>,
    /// Each item's version; 1 if it is not here.
    versions: HashMap<u32, u32>,
    acts: Vec<(u32, String)>,
}

/// A server for the cache's page: items in versions, and acts that it writes down with their idempotency keys.
#[derive(Debug)]
pub struct Ledger {
    port: u16,
    server: Option<OriginServer>,
    books: Arc<Mutex<Books>>,
}

impl Ledger {
    /// Listens on a free loopback port.
    pub async fn start() -> Self {
        let books = Arc::<Mutex<Books>>::default();
        let server = OriginServer::start(router(&books), 0).await;
        Self { port: server.port(), server: Some(server), books }
    }

    /// `http://localhost:{port}`.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Connections are refused, open ones break.
    pub async fn unplug(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Listens again, on the same port.
    pub async fn plug_in(&mut self) {
        self.server = Some(OriginServer::start(router(&self.books), self.port).await);
    }

    /// Every answer waits that long from now on.
    pub fn hold(&self, delay: Duration) {
        self.books(|books| books.delay = delay);
    }

    /// From now on this item is in the next version.
    pub fn change(&self, number: u32) {
        self.books(|books| *books.versions.entry(number).or_insert(1) += 1);
    }

    /// The items that were asked for since the last look, those that are not answered yet included.
    pub fn take_fetched(&self) -> Vec<u32> {
        self.books(|books| std::mem::take(&mut books.fetched))
    }

    /// All acts that were asked for, with their idempotency keys, in the order in which they came.
    pub fn acts(&self) -> Vec<(u32, String)> {
        self.books(|books| books.acts.clone())
    }

    fn books<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        change(&mut self.books.lock().expect("the books"))
    }
}

fn router(books: &Arc<Mutex<Books>>) -> Router {
    Router::new()
        .route("/items/{number}", get(item).options(let_in))
        .route("/acts/{number}", post(act).options(let_in))
        .with_state(Arc::clone(books))
}

async fn let_in(headers: HeaderMap) -> Response {
    (StatusCode::NO_CONTENT, cors::permissive(&headers)).into_response()
}

async fn item(
    State(books): State<Arc<Mutex<Books>>>,
    Path(number): Path<u32>,
    headers: HeaderMap,
) -> Response {
    let (delay, version) = {
        let mut books = books.lock().expect("the books");
        books.fetched.push(number);
        (books.delay, books.versions.get(&number).copied().unwrap_or(1))
    };
    tokio::time::sleep(delay).await;
    json(&headers, &format!("item {number}, version {version}"))
}

async fn act(
    State(books): State<Arc<Mutex<Books>>>,
    Path(number): Path<u32>,
    headers: HeaderMap,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let delay = {
        let mut books = books.lock().expect("the books");
        books.acts.push((number, key.to_owned()));
        books.delay
    };
    tokio::time::sleep(delay).await;
    json(&headers, "done")
}

fn json(request: &HeaderMap, text: &str) -> Response {
    let mut headers = cors::permissive(request);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (headers, serde_json::Value::from(text).to_string()).into_response()
}
