use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::origin_server::OriginServer;

#[derive(Debug, Default)]
struct Behaviour {
    delay: Duration,
    /// Paths of the requests that came, preflights left out.
    arrivals: Vec<String>,
    /// Path to an answer that the API does not get to give.
    answers: HashMap<String, (StatusCode, HeaderMap, String)>,
    /// Tokens that are answered 401.
    refused: HashSet<String>,
    /// Whether all are.
    refuses_all: bool,
}

#[derive(Debug, Clone)]
struct Shared {
    upstream: u16,
    client: reqwest::Client,
    behaviour: Arc<Mutex<Behaviour>>,
}

/// The origin the app knows as its API: hands everything through to `foo-api`, can hold requests back for a
/// while, and can answer a path itself.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    shared: Shared,
    server: Option<OriginServer>,
}

impl Gate {
    /// Listens on a free loopback port, in front of `127.0.0.1:{upstream}`.
    pub(crate) async fn start(upstream: u16) -> Self {
        let client = plain_client();
        let shared = Shared { upstream, client, behaviour: Arc::default() };
        let server = OriginServer::start(router(&shared), 0).await;
        Self { port: server.port(), shared, server: Some(server) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://localhost:{port}`.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Every request but a preflight waits that long before it goes on.
    pub fn hold(&self, delay: Duration) {
        self.behaviour(|behaviour| behaviour.delay = delay);
    }

    /// Answers requests for `path` itself, except preflights: those the API answers. Every page may read it.
    pub fn answer(&self, path: &str, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let mut all = HeaderMap::new();
        all.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        for (name, value) in headers {
            all.insert(*name, HeaderValue::from_str(value).expect("a header's value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        self.behaviour(|behaviour| {
            behaviour.answers.insert(path.to_owned(), (status, all, body.to_owned()));
        });
    }

    /// Answers 401 to requests with that token.
    pub fn refuse(&self, token: &str) {
        self.behaviour(|behaviour| behaviour.refused.insert(token.to_owned()));
    }

    /// Answers 401 to every request, or no more.
    pub fn refuse_all(&self, refuses: bool) {
        self.behaviour(|behaviour| behaviour.refuses_all = refuses);
    }

    /// How many requests came for that path, preflights left out; those still held are counted.
    pub fn arrivals(&self, path: &str) -> usize {
        self.behaviour(|behaviour| behaviour.arrivals.iter().filter(|arrived| *arrived == path).count())
    }

    /// Lets the API answer everything again.
    pub fn let_through(&self) {
        self.behaviour(|behaviour| behaviour.answers.clear());
    }

    /// Closes the port: connections are refused, open ones break.
    pub(crate) async fn close(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Listens again, on the same port.
    pub(crate) async fn open(&mut self) {
        self.server = Some(OriginServer::start(router(&self.shared), self.port).await);
    }

    fn behaviour<T>(&self, change: impl FnOnce(&mut Behaviour) -> T) -> T {
        change(&mut self.shared.behaviour.lock().expect("the gate's behaviour"))
    }
}

/// A client that adds nothing: no redirects followed, no proxy, no decompression.
pub(crate) fn plain_client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client")
}

fn router(shared: &Shared) -> Router {
    Router::new().fallback(pass).with_state(shared.clone())
}

async fn pass(State(shared): State<Shared>, request: Request) -> Response {
    if request.method() != Method::OPTIONS {
        let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let (delay, answer, refused) = {
            let mut behaviour = shared.behaviour.lock().expect("the gate's behaviour");
            behaviour.arrivals.push(request.uri().path().to_owned());
            let refused = behaviour.refuses_all || behaviour.refused.contains(bearer);
            (behaviour.delay, behaviour.answers.get(request.uri().path()).cloned(), refused)
        };
        tokio::time::sleep(delay).await;
        if refused {
            return (StatusCode::UNAUTHORIZED, [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")]).into_response();
        }
        if let Some(answer) = answer {
            return answer.into_response();
        }
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("http://127.0.0.1:{}{path}", shared.upstream);
    forward(&shared.client, url, request).await.unwrap_or_else(|error| {
        (StatusCode::BAD_GATEWAY, format!("the gate cannot reach the API: {error}")).into_response()
    })
}

/// Sends a request on as it is, headers included, and gives the answer back as it is.
pub(crate) async fn forward(
    client: &reqwest::Client,
    url: String,
    request: Request,
) -> Result<Response, reqwest::Error> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let answer = client.request(head.method, url).headers(head.headers).body(body).send().await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    for hop in [header::TRANSFER_ENCODING, header::CONNECTION] {
        response.headers_mut().remove(hop);
    }
    *response.body_mut() = Body::from(answer.bytes().await?);
    Ok(response)
}
