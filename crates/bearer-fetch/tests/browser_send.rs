//! Requests of every kind, the gate and the cookie, with `fetch` replaced by one that records its request.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bearer_fetch::{
    ApiClient, ApiError, BearerToken, InvalidOrigin, LocalBoxFuture, TokenError, TokenFuture, TokenSource,
    Trigger,
};
use common::{API, aborted, client, sent, stub, stub_ok, tokens};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Foo {
    name: String,
}

fn js(script: &str) -> JsValue {
    js_sys::eval(script).unwrap()
}

#[wasm_bindgen_test]
async fn every_method_carries_the_token_and_its_body() {
    stub_ok();
    let foo = Foo { name: "\u{e4}\"".into() };
    let client = client();
    for (method, request) in [
        ("POST", client.post("/foo").json_body(&foo)),
        ("PUT", client.put("/foo").json_body(&foo)),
        ("PATCH", client.patch("/foo").json_body(&foo)),
    ] {
        assert_eq!(request.json::<Foo>().await.unwrap().name, "Foo");
        let sent = sent().pop().unwrap();
        assert_eq!((sent.method.as_str(), sent.authorization.as_deref()), (method, Some("Bearer tok.en")));
        assert_eq!(sent.content_type.as_deref(), Some("application/json"));
        assert_eq!(serde_json::from_str::<Foo>(&sent.body.unwrap()).unwrap(), foo);
    }
    client.delete("/foo").send().await.unwrap();
    assert_eq!(sent().pop().unwrap().method, "DELETE");
    client.post("/foo").text_body("words").send().await.unwrap();
    let last = sent().pop().unwrap();
    assert_eq!(last.body.as_deref(), Some("words"));
    assert_eq!(last.content_type.as_deref(), Some("text/plain;charset=UTF-8"));
    client.post("/foo").body(js("new Uint8Array([104, 105])")).send().await.unwrap();
    assert_eq!(sent().pop().unwrap().body.as_deref(), Some("hi"));
}

#[wasm_bindgen_test]
async fn a_querys_values_are_escaped() {
    stub_ok();
    client().get("/foo?a=1").query("q", "x&y=/#\u{e4}").query("r", "2").send().await.unwrap();
    assert_eq!(sent()[0].url, "https://api.test/foo?a=1&q=x%26y%3D%2F%23%C3%A4&r=2");
}

#[wasm_bindgen_test]
async fn a_header_may_be_set_and_the_tokens_may_not() {
    stub_ok();
    client().get("/foo").header("Content-Type", "text/csv").send().await.unwrap();
    assert_eq!(sent()[0].content_type.as_deref(), Some("text/csv"));
    for (name, value) in [
        ("Authorization", "Bearer other"),
        ("AUTHORIZATION", "Basic x"),
        ("two words", "x"),
        ("", "x"),
        ("X-A", "a\r\nAuthorization: Bearer other"),
        ("X-A", "\0"),
    ] {
        let error = client().get("/foo").header(name, value).send().await.unwrap_err();
        assert!(matches!(error, ApiError::InvalidRequest { .. }), "{name}: {error:?}");
        assert!(!error.to_string().contains("Bearer"), "a value may be a secret");
    }
    assert_eq!(sent().len(), 1);
}

#[wasm_bindgen_test]
async fn what_cannot_be_built_is_an_error_and_is_not_sent() {
    stub_ok();
    // A URL with somebody's name in it, a body where none may be, a method that no page may use, keys no JSON has.
    let odd = std::collections::HashMap::from([((1, 2), 3)]);
    for request in [
        client().get("https://user:secret@api.test/foo"),
        client().get("/foo").text_body("x"),
        client().request(http::Method::TRACE, "/foo"),
        client().post("/foo").json_body(&odd),
    ] {
        let error = request.send().await.unwrap_err();
        assert!(matches!(error, ApiError::InvalidRequest { .. }), "{error:?}");
        assert!(!error.to_string().contains("tok.en"));
    }
    assert_eq!(sent().len(), 0);
}

#[wasm_bindgen_test]
async fn redirects_are_followed_where_that_is_asked_for() {
    stub_ok();
    client().get("/foo").send().await.unwrap();
    client().get("/foo").follow_redirects().send().await.unwrap();
    let sent = sent();
    assert_eq!((&*sent[0].redirect, &*sent[1].redirect), ("error", "follow"));
    client().get("/foo").credentials(web_sys::RequestCredentials::Include).send().await.unwrap();
    assert_eq!(common::sent()[2].credentials, "include");
}

#[wasm_bindgen_test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    stub(
        "async () => new Response(new ReadableStream({ pull: (body) => {
        window.pulled = (window.pulled || 0) + 1; body.enqueue(new Uint8Array(1000)); } }))",
    );
    let error = client().max_size(10_000).get("/foo").send().await.unwrap_err();
    assert_eq!(error, ApiError::TooLarge { limit: 10_000 });
    assert!(js("window.pulled").as_f64().unwrap() < 20.0, "endless, and left");
    assert!(aborted());
    // Exactly as long as may be.
    stub("async () => new Response('x'.repeat(10000))");
    assert_eq!(client().max_size(10_000).get("/foo").send().await.unwrap().text.len(), 10_000);
    // A refusal keeps its first bytes, however long it is.
    stub("async () => new Response('x'.repeat(1000000), { status: 400 })");
    let error = client().max_size(10).get("/foo").send().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().body.as_deref().map(str::len), Some(2048));
    // Text is UTF-8, whatever it is cut into, and begins after its byte order mark.
    stub("async () => new Response(new ReadableStream({ start: (body) => {
        [[0xEF, 0xBB], [0xBF, 0xC3], [0xA4]].forEach((part) => body.enqueue(new Uint8Array(part))); body.close(); } }))");
    assert_eq!(client().get("/foo").send().await.unwrap().text, "\u{e4}");
    // No body at all.
    stub("async () => new Response(null, { status: 204 })");
    assert_eq!(client().get("/foo").send().await.unwrap().text, "");
}

/// Gives `t0`, then `t1` once refreshed. Keeps a cookie, like Clerk.
#[derive(Clone, Default)]
struct Session {
    refreshes: Rc<Cell<u32>>,
    scope: Rc<Cell<u64>>,
    signed_out: Rc<Cell<bool>>,
}

impl TokenSource for Session {
    fn token(&self) -> TokenFuture {
        let token = BearerToken::new(&format!("t{}", self.refreshes.get())).unwrap();
        let signed_out = self.signed_out.get();
        Box::pin(async move { if signed_out { Err(TokenError::SignedOut) } else { Ok(token) } })
    }
    fn refresh(&self) -> TokenFuture {
        self.refreshes.set(self.refreshes.get() + 1);
        self.token()
    }
    fn scope(&self) -> u64 {
        self.scope.get()
    }
    fn scope_ended(&self) -> LocalBoxFuture<()> {
        Box::pin(std::future::pending())
    }
    fn keeps_cookie(&self) -> bool {
        true
    }
}

/// A server that takes `t1` by header and nothing else.
const TAKES_T1: &str = "async (request) =>
    new Response('\"yes\"', { status: request.headers.get('authorization') === 'Bearer t1' ? 200 : 401 })";

#[wasm_bindgen_test]
async fn fifty_refused_at_once_cost_one_refresh_and_fifty_replays() {
    stub(TAKES_T1);
    let session = Session::default();
    let client = ApiClient::new(API, session.clone()).unwrap();
    let answers =
        join_all((0..50).map(|n| client.post("/foo").json_body(&format!("body {n}")).json::<String>())).await;
    assert!(answers.iter().all(|answer| answer.as_deref() == Ok("yes")));
    let sent = sent();
    assert_eq!((sent.len(), session.refreshes.get()), (100, 1));
    for n in 0..50 {
        let body = format!("\"body {n}\"");
        let times = sent.iter().filter(|sent| sent.body.as_deref() == Some(&body)).count();
        assert_eq!(times, 2, "the body went with it both times");
    }
}

#[wasm_bindgen_test]
async fn a_server_that_always_refuses_is_asked_twice_and_its_word_is_kept() {
    stub(
        "async () => new Response('{\"title\":\"Wrong audience\"}', { status: 401,
        headers: { 'Content-Type': 'application/problem+json' } })",
    );
    let session = Session::default();
    let client = ApiClient::new(API, session.clone()).unwrap();
    let error = client.get("/foo").send().await.unwrap_err();
    assert!(matches!(error, ApiError::Unauthorized(_)), "{error:?}");
    assert_eq!(error.to_string(), "401 Wrong audience");
    for _ in 0..10 {
        assert_eq!(client.get("/foo").send().await.unwrap_err().status(), Some(401));
    }
    assert_eq!((sent().len(), session.refreshes.get()), (12, 1));
    // A token that has not to be old to be blamed.
    let eager = client.minimum_token_age(Duration::ZERO);
    eager.get("/foo").send().await.unwrap_err();
    assert_eq!(session.refreshes.get(), 2);
}

#[wasm_bindgen_test]
async fn a_stream_is_sent_once() {
    stub(TAKES_T1);
    let client = ApiClient::new(API, Session::default()).unwrap();
    let stream = || js("new Blob(['streamed']).stream()");
    let error = client.post("/foo").stream_body(stream()).send().await.unwrap_err();
    assert!(matches!(error, ApiError::NotReplayable(_)), "{error:?}");
    assert_eq!(client.post("/foo").stream_body(stream()).json::<String>().await.unwrap(), "yes");
    assert!(sent().iter().all(|sent| sent.body.as_deref() == Some("streamed")));
}

#[wasm_bindgen_test]
async fn a_token_if_there_is_one() {
    stub_ok();
    let session = Session::default();
    let client = ApiClient::new(API, session.clone()).unwrap();
    client.get("/public").token_if_any().send().await.unwrap();
    session.signed_out.set(true);
    client.get("/public").token_if_any().send().await.unwrap();
    let sent = sent();
    assert_eq!(
        (sent[0].authorization.as_deref(), sent[1].authorization.as_deref()),
        (Some("Bearer t0"), None)
    );
    assert_eq!(client.get("/foo").send().await.unwrap_err(), ApiError::Token(TokenError::SignedOut));
    // Not known is not "nobody": an answer for nobody would be a wrong one.
    let offline = ApiClient::new(API, tokens(Err(TokenError::Offline))).unwrap();
    let error = offline.get("/public").token_if_any().send().await.unwrap_err();
    assert_eq!(error, ApiError::Token(TokenError::Offline));
    let error = client.get("https://evil.test/").token_if_any().send().await.unwrap_err();
    assert!(matches!(error, ApiError::OriginNotAllowed { .. }), "{error:?}");
}

fn visible(state: &str) {
    js(&format!(
        "Object.defineProperty(document, 'visibilityState', {{ value: '{state}', configurable: true }}); 0"
    ));
}

/// How the last request said who asks.
fn last() -> (Option<String>, String) {
    let last = sent().pop().unwrap();
    (last.authorization, last.credentials)
}

#[wasm_bindgen_test]
async fn the_pages_own_origin_is_told_by_the_cookie_while_the_page_is_seen() {
    stub_ok();
    let client = ApiClient::of_page(Session::default());
    let by_cookie = (None, "same-origin".to_owned());
    let by_header = (Some("Bearer t0".to_owned()), "omit".to_owned());
    visible("visible");
    client.get("/foo").send().await.unwrap();
    assert_eq!(last(), by_cookie);
    assert_eq!(sent()[0].redirect, "error");
    for trigger in [Trigger::Focus, Trigger::Reconnect] {
        client.get("/foo").trigger(trigger).send().await.unwrap();
        assert_eq!(last(), by_header, "{trigger:?}: the cookie may be too old");
    }
    visible("hidden");
    client.get("/foo").send().await.unwrap();
    assert_eq!(last(), by_header, "nobody renews the cookie of a hidden page");
    visible("visible");
    client.clone().always_bearer().get("/foo").send().await.unwrap();
    assert_eq!(last(), by_header);
    // Another origin has no such cookie, and a source that keeps none needs the header everywhere.
    let client = client.allow_origin(API).unwrap();
    client.get("https://api.test/foo").send().await.unwrap();
    assert_eq!(last(), by_header);
    ApiClient::of_page(tokens(Ok("t0"))).get("/foo").send().await.unwrap();
    assert_eq!(last(), by_header);
    js("delete document.visibilityState; 0");
}

#[wasm_bindgen_test]
async fn a_cookie_that_is_refused_is_followed_by_the_header() {
    stub(TAKES_T1);
    visible("visible");
    let session = Session::default();
    let client = ApiClient::of_page(session.clone());
    assert_eq!(client.get("/foo").json::<String>().await.unwrap(), "yes");
    let said: Vec<_> = sent().into_iter().map(|sent| sent.authorization).collect();
    assert_eq!((said, session.refreshes.get()), (vec![None, Some("Bearer t1".into())], 1));
    js("delete document.visibilityState; 0");
}

#[wasm_bindgen_test]
fn a_pages_paths_are_its_own_origins() {
    let client = ApiClient::of_page(Session::default());
    let own = web_sys::window().unwrap().location().origin().unwrap();
    assert_eq!(client.allowed_origins()[0].as_str(), own);
    let error = client.allow_origin("http://api.test").unwrap_err();
    assert!(matches!(error, InvalidOrigin::Insecure { .. }));
}
