use std::time::Duration;

use gloo_net::http::{Headers, RequestBuilder};
use http::Method;
use js_sys::{Date, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestCache, RequestCredentials, RequestRedirect, Response};

use crate::abort::AbortOnDrop;
use crate::error::{ApiError, Refusal};
use crate::problem::{Problem, excerpt};
use crate::token::BearerToken;

/// A request whose token and target are settled.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) token: Option<BearerToken>,
}

/// A server's answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

/// Sends the request and reads the answer. Dropping the future aborts it.
pub(crate) async fn send(outgoing: Outgoing) -> Result<Answer, ApiError> {
    let abort = AbortOnDrop::new();
    let headers = Headers::new();
    headers.set("Accept", "application/json, application/problem+json;q=0.9, */*;q=0.1");
    let carries_token = outgoing.token.is_some();
    if let Some(token) = outgoing.token {
        headers.set("Authorization", &token.header_value());
    }
    let request = RequestBuilder::new(&outgoing.url)
        .method(outgoing.method)
        .headers(headers)
        .cache(RequestCache::NoStore)
        .credentials(RequestCredentials::Omit)
        // Browsers send the header on to wherever the answer redirects to; so a token never follows one.
        .redirect(if carries_token { RequestRedirect::Error } else { RequestRedirect::Follow })
        .abort_signal(abort.signal().as_ref())
        .build()
        .map_err(|error| ApiError::InvalidRequest { message: error.to_string() })?;
    let window =
        web_sys::window().ok_or_else(|| ApiError::Network { message: "there is no window".into() })?;
    // Sent here and not by gloo-net, which panics where the promise is rejected with anything but an `Error`.
    let response: Response = settle(window.fetch_with_request(&request.into())).await?;
    let text = response.text().map_err(|error| network_error(&error))?;
    let text = settle::<js_sys::JsString>(text).await?;
    abort.settled();
    read(&response, String::from(text))
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
    let message = match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "the browser gave no reason".into()),
    };
    ApiError::Network { message }
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
