//! A `fetch` that records its request and answers as it is told.
#![allow(dead_code)]

use std::cell::Cell;
use std::rc::Rc;

use bearer_fetch::{ApiClient, BearerToken, TokenError, TokenFuture, TokenSource};
use serde::Deserialize;

pub const API: &str = "https://api.test";

/// Gives the same answer each time and counts how often it is asked.
#[derive(Clone)]
pub struct Tokens {
    pub answer: Result<&'static str, TokenError>,
    pub asked: Rc<Cell<u32>>,
}

impl TokenSource for Tokens {
    fn token(&self) -> TokenFuture {
        self.asked.set(self.asked.get() + 1);
        let answer = self.answer.clone();
        Box::pin(async move { Ok(BearerToken::new(answer?)?) })
    }
}

pub fn tokens(answer: Result<&'static str, TokenError>) -> Tokens {
    Tokens { answer, asked: Rc::default() }
}

pub fn client() -> ApiClient {
    ApiClient::new(API, tokens(Ok("tok.en"))).unwrap()
}

/// What `fetch` was asked for.
#[derive(Debug, Deserialize)]
pub struct Sent {
    pub url: String,
    pub method: String,
    pub body: Option<String>,
    pub content_type: Option<String>,
    pub authorization: Option<String>,
    pub redirect: String,
    pub credentials: String,
    pub cache: String,
}

/// Replaces `fetch`; `answer` is a JavaScript function of the request.
pub fn stub(answer: &str) {
    let script = format!(
        "window.sent = []; window.signals = []; window.answer = {answer};
         window.fetch = async (request) => {{
             window.sent.push({{ url: request.url, method: request.method,
                 body: request.body ? await request.clone().text() : null,
                 content_type: request.headers.get('content-type'), authorization: request.headers.get('authorization'),
                 redirect: request.redirect, credentials: request.credentials, cache: request.cache }});
             window.signals.push(request.signal);
             return window.answer(request);
         }}; 0"
    );
    js_sys::eval(&script).unwrap();
}

pub fn stub_ok() {
    stub(
        "async () => new Response('{\"name\":\"Foo\"}', { headers: { 'Content-Type': 'application/json' } })",
    );
}

pub fn sent() -> Vec<Sent> {
    let json = js_sys::eval("JSON.stringify(window.sent)").unwrap().as_string().unwrap();
    serde_json::from_str(&json).unwrap()
}

pub fn aborted() -> bool {
    js_sys::eval("window.signals[0].aborted").unwrap().as_bool().unwrap()
}
