//! Chromium's own log of its network: every request of every tab and worker, as it was sent.
//!
//! The log that chromedriver offers is made of a tab's events: it has to be attached before a tab's first
//! request and knows nothing of the others. This one is written below all of them (`--log-net-log`, with
//! `IncludeSensitive`, or `Cookie` and `Authorization` would be blanked out).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One request on the wire. A redirect makes another one.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Chromium's number for the request; a preflight has its own, a redirect keeps it.
    pub id: u64,
    /// Unix milliseconds when it began.
    pub at: u64,
    pub method: String,
    /// Whole, without a fragment: those are never sent.
    pub url: String,
    /// The origin of the page it came from, or `not an origin`.
    pub initiator: String,
    /// A browser's question before a cross-origin request.
    pub preflight: bool,
    /// As sent; empty when it never left, or came from the HTTP cache.
    pub request_headers: Vec<(String, String)>,
    pub status: Option<u16>,
    pub response_headers: Vec<(String, String)>,
    /// Chromium's error number, as -102 for a refused connection.
    pub net_error: Option<i64>,
}

impl Exchange {
    /// The first request header of that name.
    pub fn request_header(&self, name: &str) -> Option<&str> {
        find(&self.request_headers, name)
    }

    /// The first response header of that name.
    pub fn response_header(&self, name: &str) -> Option<&str> {
        find(&self.response_headers, name)
    }

    /// `http://host:port`.
    pub fn origin(&self) -> String {
        origin_of(&self.url)
    }

    /// The URL's path, without query.
    pub fn path(&self) -> String {
        url::Url::parse(&self.url).map(|url| url.path().to_owned()).unwrap_or_default()
    }

    /// What follows `Bearer ` in `Authorization`.
    pub fn bearer(&self) -> Option<&str> {
        self.request_header("authorization")?.strip_prefix("Bearer ")
    }
}

/// One fetch as a page asked for it, whether or not anything left: what an app calls an attempt. With a
/// refused preflight there is one of these and no request of its own on the wire.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// The same number as its [`Exchange`]s have.
    pub id: u64,
    /// Unix milliseconds.
    pub at: u64,
    /// Unix milliseconds when it was over, one way or another.
    pub ended: Option<u64>,
    pub method: String,
    pub url: String,
    /// The headers the page set, and a few of the browser's.
    pub headers: Vec<(String, String)>,
}

/// A moment's copy of the log.
#[derive(Debug, Clone, Default)]
pub struct Network {
    pub exchanges: Vec<Exchange>,
    pub fetches: Vec<Fetch>,
}

impl Network {
    /// What was sent to an origin, preflights included.
    pub fn requests_to(&self, origin: &str) -> Vec<&Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.origin() == origin).collect()
    }

    /// What was sent to one path of an origin, without preflights.
    pub fn requests_for(&self, origin: &str, path: &str) -> Vec<&Exchange> {
        let mut found = self.requests_to(origin);
        found.retain(|exchange| !exchange.preflight && exchange.path() == path);
        found
    }

    /// The fetches a page made for one path of an origin, answered or not.
    pub fn fetches_for(&self, origin: &str, path: &str) -> Vec<&Fetch> {
        let wanted = format!("{origin}{path}");
        let is_it = |url: &str| url.split(['?', '#']).next() == Some(wanted.as_str());
        self.fetches.iter().filter(|fetch| is_it(&fetch.url)).collect()
    }

    /// Everything that carried an `Authorization` header, to whomever.
    pub fn with_authorization(&self) -> Vec<&Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.request_header("authorization").is_some()).collect()
    }
}

/// Reads the file while Chromium writes it.
#[derive(Debug)]
pub(crate) struct NetLog {
    path: PathBuf,
    read: u64,
    names: Option<Names>,
    network: Network,
    /// Position of the running exchange or fetch of a source.
    open: HashMap<u64, usize>,
    open_fetches: HashMap<u64, usize>,
    preflights: HashSet<u64>,
}

/// The numbers this build of Chromium gives its events, and its clock's offset from Unix time.
#[derive(Debug)]
struct Names {
    events: HashMap<u64, String>,
    offset: i64,
}

const BEGIN: u64 = 1;
const END: u64 = 2;

impl NetLog {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            read: 0,
            names: None,
            network: Network::default(),
            open: HashMap::new(),
            open_fetches: HashMap::new(),
            preflights: HashSet::new(),
        }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Takes in what was written since the last time.
    pub(crate) fn refresh(&mut self) {
        let Ok(mut file) = File::open(&self.path) else { return };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.read)).expect("the net log seeks");
        file.read_to_end(&mut bytes).expect("the net log reads");
        // Only whole lines: the last one may still be in the making.
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return };
        self.read += end as u64 + 1;
        let text = String::from_utf8_lossy(&bytes[..=end]).into_owned();
        for line in text.lines() {
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        let line = line.trim().trim_end_matches(',');
        let Some(names) = &self.names else {
            let text = line.trim_start_matches('{').trim_start_matches("\"constants\":");
            let constants: Value = serde_json::from_str(text).expect("the net log begins with its constants");
            self.names = Some(Names::read(&constants));
            return;
        };
        let Ok(event) = serde_json::from_str::<Value>(line) else { return };
        let Some(name) = event["type"].as_u64().and_then(|kind| names.events.get(&kind)).cloned() else {
            return;
        };
        let ticks: i64 = event["time"].as_str().and_then(|time| time.parse().ok()).unwrap_or_default();
        let at = u64::try_from(ticks + names.offset).unwrap_or_default();
        let source = event["source"]["id"].as_u64().unwrap_or_default();
        self.event(&name, event["phase"].as_u64().unwrap_or_default(), source, at, &event["params"]);
    }

    fn event(&mut self, name: &str, phase: u64, id: u64, at: u64, params: &Value) {
        let text = |key: &str| params[key].as_str().unwrap_or_default().to_owned();
        match (name, phase) {
            ("CORS_REQUEST", BEGIN) => {
                let (headers, line) = headers(&params["request_headers"]);
                let method = line.split(' ').next().unwrap_or_default().to_owned();
                self.open_fetches.insert(id, self.network.fetches.len());
                let fetch = Fetch { id, at, ended: None, method, url: text("url"), headers };
                self.network.fetches.push(fetch);
            }
            ("CORS_REQUEST", END) => {
                if let Some(fetch) = self.open_fetches.remove(&id) {
                    self.network.fetches[fetch].ended = Some(at);
                }
            }
            ("CORS_PREFLIGHT_URL_REQUEST", _) => {
                self.preflights.extend(params["source_dependency"]["id"].as_u64());
            }
            ("URL_REQUEST_START_JOB", BEGIN) => {
                self.open.insert(id, self.network.exchanges.len());
                self.network.exchanges.push(Exchange {
                    id,
                    at,
                    method: text("method"),
                    url: text("url"),
                    initiator: text("initiator"),
                    preflight: self.preflights.contains(&id),
                    request_headers: Vec::new(),
                    status: None,
                    response_headers: Vec::new(),
                    net_error: None,
                });
            }
            ("URL_REQUEST_START_JOB", END) => {
                let error = params["net_error"].as_i64();
                self.with(id, |exchange| exchange.net_error = error);
            }
            ("HTTP_TRANSACTION_SEND_REQUEST_HEADERS" | "HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS", _) => {
                let (sent, _) = headers(params);
                self.with(id, |exchange| exchange.request_headers = sent);
            }
            ("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", _) => {
                let (got, _) = headers(params);
                let line = params["headers"][0].as_str().unwrap_or_default().to_owned();
                self.with(id, |exchange| {
                    exchange.status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
                    exchange.response_headers = got;
                });
            }
            _ => {}
        }
    }

    fn with(&mut self, id: u64, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.open.get(&id) {
            change(&mut self.network.exchanges[*exchange]);
        }
    }
}

impl Names {
    fn read(constants: &Value) -> Self {
        let events = constants["logEventTypes"].as_object().expect("the net log names its events");
        let wanted = [
            "CORS_REQUEST",
            "CORS_PREFLIGHT_URL_REQUEST",
            "URL_REQUEST_START_JOB",
            "HTTP_TRANSACTION_SEND_REQUEST_HEADERS",
            "HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
        ];
        for name in wanted {
            assert!(
                events.contains_key(name),
                "this Chromium's net log knows no {name}: the log would be blind"
            );
        }
        let events =
            events.iter().filter_map(|(name, number)| Some((number.as_u64()?, name.clone()))).collect();
        let offset = &constants["timeTickOffset"];
        let offset =
            offset.as_i64().or_else(|| offset.as_str()?.parse().ok()).expect("the log's clock offset");
        Self { events, offset }
    }
}

/// `{"headers": ["Name: value", …], "line": "GET / HTTP/1.1"}`.
fn headers(params: &Value) -> (Vec<(String, String)>, String) {
    let lines = params["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pairs = lines
        .iter()
        .filter_map(|line| line.as_str()?.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (pairs, params["line"].as_str().unwrap_or_default().to_owned())
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

pub(crate) fn origin_of(url: &str) -> String {
    url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
