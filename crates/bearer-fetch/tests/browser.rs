//! What leaves the page, with `fetch` replaced by one that records its request and answers as it is told.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bearer_fetch::{ApiClient, ApiError, InvalidOrigin, InvalidToken, TokenError, TokenFuture, TokenSource};
use common::{API, aborted, client, sent, stub, stub_ok, tokens};
use serde::Deserialize;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Debug, PartialEq, Deserialize)]
struct Foo {
    name: String,
}

#[wasm_bindgen_test]
async fn a_request_carries_the_token_and_nothing_else_of_the_person() {
    stub_ok();
    let foo: Foo = client().get("/foo").json().await.unwrap();
    assert_eq!(foo.name, "Foo");
    let sent = sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].url, "https://api.test/foo");
    assert_eq!(sent[0].authorization.as_deref(), Some("Bearer tok.en"));
    assert_eq!((&*sent[0].redirect, &*sent[0].credentials, &*sent[0].cache), ("error", "omit", "no-store"));
}

#[wasm_bindgen_test]
async fn an_anonymous_request_carries_none_and_asks_for_none() {
    stub_ok();
    let source = tokens(Ok("tok.en"));
    let client = ApiClient::new(API, source.clone()).unwrap();
    client.get("https://elsewhere.test/x").anonymous().send().await.unwrap();
    let sent = sent();
    assert_eq!((sent.len(), sent[0].authorization.as_deref(), source.asked.get()), (1, None, 0));
    assert_eq!((&*sent[0].redirect, &*sent[0].credentials), ("follow", "omit"));
}

/// Each of these is another origin than the API's, however much it looks like it.
#[wasm_bindgen_test]
async fn nothing_is_sent_to_a_look_alike() {
    stub_ok();
    let source = tokens(Ok("tok.en"));
    let client = ApiClient::new(API, source.clone()).unwrap();
    for url in [
        "https://evil.test/foo",
        "//evil.test/foo",
        "/\\evil.test/foo",
        "\\\\evil.test/foo",
        "\n//evil.test/foo",
        "https://api.test@evil.test/foo",
        "https://api.test.evil.test/foo",
        "https://api.test\t.evil.test/foo",
        "https://api.test\n@evil.test/foo",
        "https://API.TEST.evil.test/foo",
        "https://EVIL.TEST/foo",
        "https://evil.test/api.test/foo",
        "https://evil.test/https://api.test/foo",
        "https://evil.test/?https://api.test#https://api.test",
        "https://api.test./foo",
        "https://api.test:8443/foo",
        "https://xapi.test/foo",
        "https://api.test%00.evil.test/foo",
        "http://api.test/foo",
        "wss://api.test/foo",
        "javascript:alert(1)",
        "data:text/plain,x",
        "blob:https://api.test/x",
        "https://",
    ] {
        let error = client.get(url).send().await.unwrap_err();
        assert!(
            matches!(error, ApiError::OriginNotAllowed { .. } | ApiError::InvalidUrl(_)),
            "{url:?}: {error:?}"
        );
    }
    assert_eq!((sent().len(), source.asked.get()), (0, 0), "neither sent nor asked for a token");
}

#[wasm_bindgen_test]
async fn every_spelling_of_the_api_reaches_it() {
    stub_ok();
    for (path, url) in [
        ("foo", "https://api.test/foo"),
        ("/foo?x=//evil.test", "https://api.test/foo?x=//evil.test"),
        ("https://API.TEST:443/foo", "https://api.test/foo"),
        ("//api.test/foo", "https://api.test/foo"),
        // The browser drops tabs and line ends, also within a host's name.
        ("https://ap\ti.te\nst/foo", "https://api.test/foo"),
        ("/a/../../foo", "https://api.test/foo"),
        // What is left without the tab is a path.
        ("/\t/evil.test/foo", "https://api.test/evil.test/foo"),
    ] {
        client().get(path).send().await.unwrap();
        assert_eq!(sent().last().unwrap().url, url);
    }
    let below = ApiClient::new("https://api.test/v1?x#y", tokens(Ok("tok.en"))).unwrap();
    below.get("/foo").send().await.unwrap();
    assert_eq!(sent().last().unwrap().url, "https://api.test/v1/foo");
    let more = client().allow_origin("https://cdn.test/ignored").unwrap();
    more.get("https://cdn.test/foo").send().await.unwrap();
    assert_eq!(sent().last().unwrap().authorization.as_deref(), Some("Bearer tok.en"));
}

#[wasm_bindgen_test]
fn a_token_is_for_https_or_this_machine() {
    let client = |url| ApiClient::new(url, tokens(Ok("tok.en"))).map(|_| ());
    for url in [
        "https://api.test",
        "http://localhost:8081",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://a.localhost",
    ] {
        assert_eq!(client(url), Ok(()), "{url}");
    }
    for url in ["http://api.test", "http://localhost.evil.test", "http://127.0.0.1.evil.test"] {
        assert!(matches!(client(url), Err(InvalidOrigin::Insecure { .. })), "{url}");
    }
    assert!(matches!(client("ftp://api.test"), Err(InvalidOrigin::Scheme { .. })));
    assert!(matches!(client("api.test"), Err(InvalidOrigin::NotAUrl { .. })));
}

#[wasm_bindgen_test]
async fn without_a_token_nothing_is_sent() {
    stub_ok();
    for text in ["", " ", "null", "undefined", "NaN", "[object Object]", "two words", "a\r\nb", "="] {
        let client = ApiClient::new(API, tokens(Ok(text))).unwrap();
        let error = client.get("/foo").send().await.unwrap_err();
        assert_eq!(error, ApiError::Token(TokenError::Invalid(InvalidToken)), "{text:?}");
    }
    for error in [TokenError::SignedOut, TokenError::NotLoaded, TokenError::Offline] {
        let client = ApiClient::new(API, tokens(Err(error.clone()))).unwrap();
        assert_eq!(client.get("/foo").send().await.unwrap_err(), ApiError::Token(error));
    }
    assert_eq!(sent().len(), 0);
}

/// Code outside may reject a promise with anything at all; the app has to live on.
#[wasm_bindgen_test]
async fn whatever_is_thrown_is_an_error() {
    for (thrown, said) in [
        ("new TypeError('Failed to fetch')", "Failed to fetch"),
        ("'a string'", "a string"),
        ("undefined", "the browser gave no reason"),
        ("null", "the browser gave no reason"),
        ("{}", "the browser gave no reason"),
        ("new DOMException('gone', 'AbortError')", "gone"),
    ] {
        stub(&format!("async () => {{ throw {thrown}; }}"));
        let error = client().get("/foo").send().await.unwrap_err();
        assert_eq!(error, ApiError::Network { message: said.into() }, "{thrown}");

        // The head arrives and the body breaks.
        stub(&format!(
            "async () => new Response(new ReadableStream({{ start: (body) => body.error({thrown}) }}))"
        ));
        let error = client().get("/foo").send().await.unwrap_err();
        assert!(matches!(error, ApiError::Network { .. }), "{thrown}: {error:?}");
    }
    stub("async () => 7");
    assert!(matches!(client().get("/foo").send().await, Err(ApiError::Network { .. })));
}

#[wasm_bindgen_test]
async fn a_refusal_keeps_what_the_server_said() {
    stub(
        "async () => new Response('{\"title\":\"Slow down\",\"reason\":\"too-many\"}', { status: 429, headers: {
            'Content-Type': 'application/problem+json', 'Retry-After': '7', 'X-Request-Id': 'req-1' } })",
    );
    let error = client().get("/foo").send().await.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.status, refusal.reason().as_str()), (429, "Slow down"));
    assert_eq!(refusal.problem.as_ref().unwrap().reason.as_deref(), Some("too-many"));
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(refusal.request_id.as_deref(), Some("req-1"));

    stub(
        "async () => new Response('<h1>Oops</h1>', { status: 503, headers: { 'Content-Type': 'text/html',
            'Retry-After': new Date(Date.now() + 60000).toUTCString() } })",
    );
    let error = client().get("/foo").send().await.unwrap_err();
    assert_eq!(error.to_string(), "503 Service Unavailable");
    let wait = error.refusal().unwrap().retry_after.unwrap();
    assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60), "{wait:?}");
    assert_eq!(error.refusal().unwrap().body, None, "a page is no message");

    stub("async () => new Response('', { status: 500 })");
    assert_eq!(client().get("/foo").send().await.unwrap_err().to_string(), "500 Internal Server Error");

    stub("async () => new Response('x'.repeat(5000), { status: 400 })");
    let error = client().get("/foo").send().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().body.as_deref(), Some("x".repeat(2048).as_str()));
}

#[wasm_bindgen_test]
async fn an_answer_that_is_no_json_says_what_it_was() {
    stub("async () => new Response('hello', { headers: { 'Content-Type': 'text/plain' } })");
    let error = client().get("/foo").json::<Foo>().await.unwrap_err();
    let ApiError::NotJson { status: 200, body: Some(body), .. } = &error else { panic!("{error:?}") };
    assert_eq!(body, "hello");
    stub("async () => new Response('')");
    let error = client().get("/foo").json::<Foo>().await.unwrap_err();
    assert!(matches!(error, ApiError::NotJson { body: None, .. }), "{error:?}");
    stub("async () => new Response('<!doctype html>', { headers: { 'Content-Type': 'text/html' } })");
    let error = client().get("/foo").json::<Foo>().await.unwrap_err();
    assert!(matches!(error, ApiError::NotJson { body: None, .. }), "{error:?}");
}

#[wasm_bindgen_test]
async fn dropping_the_future_aborts_the_request_and_an_answered_one_is_left_alone() {
    stub("() => new Promise(() => {})");
    let mut request = Box::pin(client().get("/foo").send());
    // Twice: the token first, then the request.
    for _ in 0..2 {
        let polled = request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }
    assert_eq!(sent().len(), 1);
    assert!(!aborted());
    drop(request);
    assert!(aborted());

    stub_ok();
    client().get("/foo").send().await.unwrap();
    assert!(!aborted());

    // The head is there and the body is still on its way.
    stub("async () => new Response(new ReadableStream({ pull: () => { window.reading = true; } }))");
    let request = Box::pin(client().get("/foo").send());
    let (late, limit) = (client().time_limit(Duration::from_millis(20)), Duration::from_millis(20));
    drop(request);
    assert_eq!(sent().len(), 0, "what is never polled is never sent");
    let error = late.get("/foo").send().await.unwrap_err();
    assert_eq!(error, ApiError::TimedOut { after: limit });
    assert!(js_sys::eval("window.reading").unwrap().as_bool().unwrap());
    assert!(aborted());
}

/// A source that never answers.
struct Silent;

impl TokenSource for Silent {
    fn token(&self) -> TokenFuture {
        Box::pin(std::future::pending())
    }
}

#[wasm_bindgen_test]
async fn getting_the_token_counts_towards_the_time_limit() {
    stub_ok();
    let limit = Duration::from_millis(20);
    let client = ApiClient::new(API, Silent).unwrap().time_limit(limit);
    assert_eq!(client.get("/foo").send().await.unwrap_err(), ApiError::TimedOut { after: limit });
    assert_eq!(sent().len(), 0);
    // Longer than a timer can count: no limit, and not "at once".
    stub_ok();
    self::client().time_limit(Duration::MAX).get("/foo").send().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_time_limit_ends_the_wait_and_aborts() {
    stub("() => new Promise(() => {})");
    let limit = Duration::from_millis(20);
    let error = client().time_limit(limit).get("/foo").send().await.unwrap_err();
    assert_eq!(error, ApiError::TimedOut { after: limit });
    assert!(aborted());
}

#[wasm_bindgen_test]
async fn a_failure_while_the_browser_is_offline_says_so() {
    stub("async () => { throw new TypeError('Failed to fetch'); }");
    let online = |value| {
        let script = format!(
            "Object.defineProperty(navigator, 'onLine', {{ value: {value}, configurable: true }}); 0"
        );
        js_sys::eval(&script).unwrap();
    };
    online(false);
    let error = client().get("/foo").send().await.unwrap_err();
    online(true);
    assert_eq!(error, ApiError::Offline);
}
