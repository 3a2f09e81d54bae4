use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};

use crate::api_error::ApiError;
use crate::instance::Instance;

/// What is to go wrong with the next answers of some paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fault {
    /// Below `/__clerk` or `/backend`, such as `/v1/client/sessions/*/tokens`. `*` is any one segment, `**` at the end any
    /// rest; all paths unless said otherwise.
    #[serde(default = "every_path")]
    path: String,
    /// Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// How many answers; one unless said otherwise.
    #[serde(default = "once")]
    times: u32,
    /// Instead of the true answer, which then is not even made: nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The error's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Seconds, or a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<RetryAfter>,
    /// Any text, in place of an error's JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// How long the answer waits after it was made: it tells what was, not what is.
    #[serde(default)]
    delay_millis: u64,
    /// Whether no answer ever comes.
    #[serde(default)]
    hang: bool,
    /// Whether the connection ends without an answer.
    #[serde(default)]
    drop: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(u64),
    Date(String),
}

/// All that is to go wrong, in the order in which it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

fn once() -> u32 {
    1
}

fn every_path() -> String {
    "/**".to_owned()
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// What is left.
    pub(crate) fn all(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The first that fits, which has one answer less to spoil from now on.
    fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut faults = self.lock();
        let fault = faults.iter_mut().find(|fault| fault.fits(method, path))?;
        fault.times -= 1;
        let taken = fault.clone();
        faults.retain(|fault| fault.times > 0);
        Some(taken)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    /// What is wrong with it, as a sentence.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let status_is_right = self.status.is_none_or(|status| (200..600).contains(&status));
        let answers = self.status.is_some() || self.body.is_some();
        let nothing = !answers && self.delay_millis == 0 && !self.hang && !self.drop;
        match () {
            () if !self.path.starts_with('/') => Some("the path must begin with a slash"),
            () if self.times == 0 => Some("times must be one at least"),
            () if !status_is_right => Some("the status must be from 200 to 599"),
            () if nothing => Some("say what is to go wrong: status, body, delayMillis, hang or drop"),
            () if (self.hang || self.drop) && answers || self.hang && self.drop => {
                Some("a request that hangs, or whose connection drops, has no other answer")
            }
            () if self.status.is_none() && (self.code.is_some() || self.retry_after.is_some()) => {
                Some("a code or retryAfter needs a status")
            }
            () => None,
        }
    }

    fn fits(&self, method: &Method, path: &str) -> bool {
        let method_fits = self.method.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(method.as_str()));
        let mut segments = path.split('/');
        let mut pattern = self.path.split('/').peekable();
        while let Some(wanted) = pattern.next() {
            if wanted == "**" && pattern.peek().is_none() {
                return method_fits && segments.next().is_some();
            }
            if !segments.next().is_some_and(|segment| wanted == "*" || wanted == segment) {
                return false;
            }
        }
        method_fits && segments.next().is_none()
    }

    /// `None` if the true answer is to come.
    fn answer(&self) -> Option<Response> {
        if self.status.is_none() && self.body.is_none() {
            return None;
        }
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
        let mut response = match &self.body {
            Some(body) => {
                let mut response = (status, body.clone()).into_response();
                // What a client takes for an answer, so that it tries to read it.
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            None => ApiError::asked_for(status, self.code.clone()).into_response(),
        };
        let retry_after = match &self.retry_after {
            Some(RetryAfter::Seconds(seconds)) => Some(HeaderValue::from(*seconds)),
            Some(RetryAfter::Date(date)) => HeaderValue::from_str(date).ok(),
            None => None,
        };
        if let Some(value) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        Some(response)
    }
}

/// Lets go wrong what is to go wrong.
pub(crate) async fn spoil(State(instance): State<Arc<Instance>>, request: Request, next: Next) -> Response {
    let Some(fault) = instance.faults.take(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    tracing::info!(method = %request.method(), path = request.uri().path(), "goes wrong, as asked for");
    if fault.hang {
        std::future::pending::<()>().await;
    }
    let response = match fault.answer() {
        Some(response) => response,
        None if fault.drop => dropped(),
        None => next.run(request).await,
    };
    tokio::time::sleep(Duration::from_millis(fault.delay_millis)).await;
    response
}

/// A body that fails before its first byte: the server closes the connection and has not sent even the
/// headers.
fn dropped() -> Response {
    let error = io::Error::from(io::ErrorKind::ConnectionAborted);
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(error)])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_path_fits_segment_by_segment() {
        let fits = |pattern: &str, path: &str| {
            fault(json!({ "path": pattern, "status": 500 })).fits(&Method::GET, path)
        };
        assert!(fits("/v1/client", "/v1/client"));
        assert!(fits("/v1/client/sessions/*/tokens", "/v1/client/sessions/sess_1/tokens"));
        assert!(fits("/v1/**", "/v1/client/sessions"));
        assert!(fits("/**", "/v1"));
        for (pattern, path) in [
            ("/v1/client", "/v1/client/sessions"),
            ("/v1/client", "/v1/client/"),
            ("/v1/client/sessions/*/tokens", "/v1/client/sessions/sess_1/tokens/convex"),
            ("/v1/client/sessions/*", "/v1/client/sessions"),
            ("/v1/*", "/v2/client"),
            ("/v1/client/**", "/v1/client"),
        ] {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn each_spoils_as_many_answers_as_it_was_asked_to_and_the_first_comes_first() {
        let faults = Faults::default();
        faults.add(fault(json!({ "path": "/a", "status": 500, "times": 2, "method": "post" })));
        faults.add(fault(json!({ "path": "/**", "status": 429 })));
        let next = |method: Method, path| faults.take(&method, path).and_then(|fault| fault.status);
        assert_eq!(next(Method::POST, "/a"), Some(500));
        assert_eq!(next(Method::GET, "/a"), Some(429));
        assert_eq!(next(Method::GET, "/a"), None);
        assert_eq!(next(Method::POST, "/a"), Some(500));
        assert_eq!(next(Method::POST, "/a"), None);
        assert_eq!(faults.all(), []);
    }

    #[test]
    fn what_would_do_nothing_is_refused() {
        for value in [
            json!({ "path": "a", "status": 500 }),
            json!({ "path": "/a", "status": 500, "times": 0 }),
            json!({ "path": "/a", "status": 99 }),
            json!({ "path": "/a" }),
            json!({ "path": "/a", "delayMillis": 1, "code": "x" }),
            json!({ "hang": true, "drop": true }),
            json!({ "hang": true, "status": 500 }),
        ] {
            assert!(fault(value.clone()).problem().is_some(), "{value}");
        }
        for value in [
            json!({ "hang": true }),
            json!({ "drop": true, "delayMillis": 5 }),
            json!({ "path": "/a", "body": "<html>" }),
        ] {
            assert_eq!(fault(value).problem(), None);
        }
    }
}
