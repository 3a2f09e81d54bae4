use std::rc::Rc;
use std::time::Duration;

use gloo_net::http::{Headers, RequestBuilder};
use http::Method;
use js_sys::{Date, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    ReadableStreamDefaultReader, Request, RequestCache, RequestCredentials, RequestInit, RequestRedirect,
    Response,
};

use crate::abort::AbortOnDrop;
use crate::error::{ApiError, Refusal};
use crate::problem::{Problem, excerpt};
use crate::token::BearerToken;

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    Nothing,
    Text {
        content_type: &'static str,
        text: Rc<str>,
    },
    /// Anything that `fetch` takes and that can be read again.
    Value(JsValue),
    /// A stream.
    Once(JsValue),
}

/// A request whose token and target are settled.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) token: Option<BearerToken>,
    pub(crate) credentials: RequestCredentials,
    pub(crate) redirect: RequestRedirect,
    /// How many bytes of the answer's body are read.
    pub(crate) max_size: usize,
}

/// A server's answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

/// How much of a refusal's body is read: more is no message.
const REFUSAL_READ: usize = 64 * 1024;

/// Sends the request and reads the answer. Dropping the future aborts it.
pub(crate) async fn send(outgoing: Outgoing) -> Result<Answer, ApiError> {
    let abort = AbortOnDrop::new();
    let max_size = outgoing.max_size;
    let request = build(outgoing, &abort)?;
    let window =
        web_sys::window().ok_or_else(|| ApiError::Network { message: "there is no window".into() })?;
    // Sent here and not by gloo-net, which panics where the promise is rejected with anything but an `Error`.
    let response: Response = settle(window.fetch_with_request(&request)).await?;
    let text = if response.ok() {
        let (bytes, whole) = read_body(&response, max_size).await?;
        if !whole {
            return Err(ApiError::TooLarge { limit: max_size });
        }
        text_of(&bytes)
    } else {
        text_of(&read_body(&response, REFUSAL_READ).await?.0)
    };
    abort.settled();
    read(&response, text)
}

fn build(outgoing: Outgoing, abort: &AbortOnDrop) -> Result<Request, ApiError> {
    let headers = Headers::new();
    headers.set("Accept", "application/json, application/problem+json;q=0.9, */*;q=0.1");
    if let Body::Text { content_type, .. } = &outgoing.body {
        headers.set("Content-Type", content_type);
    }
    for (name, value) in &outgoing.headers {
        headers.set(name, value);
    }
    if let Some(token) = outgoing.token {
        headers.set("Authorization", &token.authorization_header());
    }
    let builder = RequestBuilder::new(&outgoing.url)
        .method(outgoing.method)
        .headers(headers)
        .cache(RequestCache::NoStore)
        .credentials(outgoing.credentials)
        .redirect(outgoing.redirect)
        .abort_signal(abort.signal().as_ref());
    let invalid = |error: gloo_net::Error| ApiError::InvalidRequest { message: error.to_string() };
    match outgoing.body {
        Body::Nothing => builder.build().map(Request::from).map_err(invalid),
        Body::Text { text, .. } => builder.body(JsValue::from_str(&text)).map(Request::from).map_err(invalid),
        Body::Value(value) => builder.body(value).map(Request::from).map_err(invalid),
        Body::Once(stream) => {
            let request = builder.build().map(Request::from).map_err(invalid)?;
            let init = RequestInit::new();
            init.set_body(&stream);
            // A stream is not sent without it. Setting a member of a plain object cannot fail.
            let _ = Reflect::set(&init, &JsValue::from_str("duplex"), &JsValue::from_str("half"));
            Request::new_with_request_and_init(&request, &init)
                .map_err(|error| ApiError::InvalidRequest { message: words(&error) })
        }
    }
}

/// The body's first `limit` bytes, and whether they are all.
async fn read_body(response: &Response, limit: usize) -> Result<(Vec<u8>, bool), ApiError> {
    let Some(stream) = response.body() else { return Ok((Vec::new(), true)) };
    let reader = ReadableStreamDefaultReader::new(&stream).map_err(|error| network_error(&error))?;
    let mut bytes = Vec::new();
    loop {
        let chunk: JsValue = JsFuture::from(reader.read()).await.map_err(|error| network_error(&error))?;
        let member = |name| Reflect::get(&chunk, &JsValue::from_str(name)).unwrap_or_default();
        if member("done").is_truthy() {
            return Ok((bytes, true));
        }
        let Ok(chunk) = member("value").dyn_into::<Uint8Array>() else { continue };
        bytes.extend(chunk.to_vec());
        if bytes.len() > limit {
            bytes.truncate(limit);
            return Ok((bytes, false));
        }
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).into_owned()
}

async fn settle<T: JsCast>(promise: Promise) -> Result<T, ApiError> {
    let value = JsFuture::from(promise).await.map_err(|error| network_error(&error))?;
    value.dyn_into().map_err(|value| network_error(&value))
}

/// Any JavaScript value can be thrown; what has a message says it, what has none is named as unknown.
fn network_error(thrown: &JsValue) -> ApiError {
    let online = web_sys::window().is_none_or(|window| window.navigator().on_line());
    if !online {
        return ApiError::Offline;
    }
    ApiError::Network { message: words(thrown) }
}

fn words(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "the browser gave no reason".into()),
    }
}

fn read(response: &Response, text: String) -> Result<Answer, ApiError> {
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let status = response.status();
    let content_type = header("Content-Type").unwrap_or_default();
    if response.ok() {
        return Ok(Answer { status, content_type, text });
    }
    let problem = Problem::read(&content_type, &text);
    let body = if problem.is_some() { None } else { excerpt(&content_type, &text) };
    let retry_after = header("Retry-After").and_then(|value| retry_after(&value, Date::parse, Date::now()));
    let request_id = header("X-Request-Id");
    Err(ApiError::Status(Box::new(Refusal { status, problem, body, retry_after, request_id })))
}

/// `Retry-After` in either of its forms: seconds, or a date (`parse` gives milliseconds, or not a number).
fn retry_after(value: &str, parse: impl Fn(&str) -> f64, now: f64) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let wait = parse(value) - now;
    wait.is_finite().then(|| Duration::from_millis(wait.clamp(0.0, f64::from(u32::MAX)) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_retry_after() {
        let parse = |text: &str| if text.ends_with("GMT") { 9_000.0 } else { f64::NAN };
        assert_eq!(retry_after(" 7 ", parse, 0.0), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Thu, 01 Jan 1970 00:00:09 GMT", parse, 4_000.0),
            Some(Duration::from_secs(5))
        );
        assert_eq!(retry_after("Thu, 01 Jan 1970 00:00:09 GMT", parse, 10_000.0), Some(Duration::ZERO));
        assert_eq!(retry_after("-1", parse, 0.0), None);
        assert_eq!(retry_after("soon", parse, 0.0), None);
    }
}
