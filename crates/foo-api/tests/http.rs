//! The API over HTTP, under a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../clerk-verify/tests/common/mod.rs"]
mod common;
mod support;

use std::time::Duration;

use common::{NOW, PAGE, SigningKey, claims, with};
use foo_types::{Foo, Problem};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use serde_json::json;
use support::Api;

impl Api {
    async fn get(&self, path: &str, token: Option<&str>) -> Response {
        let mut request = self.client.get(format!("{}{path}", self.url)).header("origin", PAGE);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    async fn preflight(&self, path: &str, origin: &str) -> Response {
        let request = self.client.request(Method::OPTIONS, format!("{}{path}", self.url));
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        request.send().await.unwrap()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

async fn problem(response: Response) -> (Problem, HeaderMap) {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    assert_eq!(text(&headers, "content-type"), Some("application/problem+json"));
    assert_eq!(text(&headers, "cache-control"), Some("private, no-store"));
    assert!(headers.contains_key("x-request-id"));
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status);
    (problem, headers)
}

#[tokio::test]
async fn the_resource_says_who_asked() {
    let api = Api::start().await;
    let response = api.get("/foo", Some(&api.key.sign(&claims()))).await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(response.headers(), "cache-control"), Some("private, no-store"));
    assert_eq!(text(response.headers(), "content-type"), Some("application/json"));
    let foo: Foo = response.json().await.unwrap();
    assert_eq!((foo.id.as_str(), foo.asked_by.user_id.as_str()), ("foo", "user_ada"));
    assert_eq!(foo.asked_by.session_id, "sess_1");
    assert_eq!(foo.asked_by.authorized_party.as_deref(), Some(PAGE));
    assert_eq!(foo.token.id.as_deref(), Some("token-1"));
    assert_eq!((foo.token.issued_at, foo.token.expires_at), (NOW - 5, NOW + 55));
    let health = api.get("/healthz", None).await;
    assert_eq!(health.status(), 204);
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_refused() {
    let api = Api::start().await;
    let key = &api.key;
    let header = |name: &str, value: &str| {
        let mut header = key.header();
        header[name] = json!(value);
        header
    };
    // One the API knows nothing of, with the issuer's key id.
    let other = SigningKey::new("ins_1");
    let mut m2m = with("sub", "mch_1");
    m2m.as_object_mut().unwrap().remove("sid");
    let unsigned = key.sign_with(&header("alg", "none"), &claims());
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    let cases = [
        ("bad", "not-a-token".to_owned(), "token-invalid"),
        ("null", "null".to_owned(), "token-invalid"),
        ("undefined", "undefined".to_owned(), "token-invalid"),
        ("expired", key.sign(&with("exp", NOW - 5)), "token-expired"),
        ("another instance's", other.sign(&claims()), "token-invalid-signature"),
        ("unknown key", SigningKey::new("ins_2").sign(&claims()), "jwk-kid-mismatch"),
        (
            "another page's",
            key.sign(&with("azp", "https://evil.example")),
            "token-invalid-authorized-parties",
        ),
        ("another issuer's", key.sign(&with("iss", "https://clerk.evil.example")), "token-invalid-issuer"),
        ("template", key.sign_with(&header("cat", "cl_B7d4PD222AAA"), &claims()), "token-type-mismatch"),
        ("machine", key.sign(&m2m), "token-type-mismatch"),
        ("API key", "ak_abcdef".to_owned(), "token-type-mismatch"),
        ("alg none", unsigned, "token-invalid-algorithm"),
        ("alg HS256", key.sign_with(&header("alg", "HS256"), &claims()), "token-invalid-algorithm"),
        ("pending", key.sign(&with("sts", "pending")), "session-pending"),
    ];
    for (name, token, reason) in cases {
        for path in ["/foo", "/people/user_ada/foo"] {
            let (problem, headers) = problem(api.get(path, Some(&token)).await).await;
            assert_eq!((problem.status, problem.reason.as_deref()), (401, Some(reason)), "{name}");
            let challenge = text(&headers, "www-authenticate").unwrap();
            assert!(challenge.starts_with(r#"Bearer realm="api", error="invalid_token""#), "{challenge}");
            assert_eq!(text(&headers, "access-control-allow-origin"), Some(PAGE), "{name}");
        }
    }
    let (problem, headers) = problem(api.get("/foo", None).await).await;
    assert_eq!(problem.status, 401);
    assert_eq!(text(&headers, "www-authenticate"), Some(r#"Bearer realm="api""#));
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let api = Api::start().await;
    let token = api.key.sign(&claims());
    assert_eq!(api.get("/foo", Some(&token)).await.status(), 200);
    api.clock.advance(Duration::from_secs(59));
    assert_eq!(api.get("/foo", Some(&token)).await.status(), 200);
    api.clock.advance(Duration::from_secs(1));
    let (problem, _) = problem(api.get("/foo", Some(&token)).await).await;
    assert_eq!(problem.reason.as_deref(), Some("token-expired"));
}

#[tokio::test]
async fn what_is_another_persons_or_nowhere_is_refused() {
    let api = Api::start().await;
    let token = api.key.sign(&claims());
    assert_eq!(api.get("/people/user_ada/foo", Some(&token)).await.status(), 200);
    let cases = [
        ("/people/user_bob/foo", 403, "not-yours"),
        ("/people/%ff/foo", 404, "not-found"),
        ("/posts/%ff", 404, "not-found"),
        ("/posts/post_%31%00", 404, "not-found"),
        ("/", 404, "not-found"),
        ("/foo/", 404, "not-found"),
        ("//foo", 404, "not-found"),
        ("/FOO", 404, "not-found"),
    ];
    for (path, status, reason) in cases {
        let (problem, headers) = problem(api.get(path, Some(&token)).await).await;
        assert_eq!((problem.status, problem.reason.as_deref()), (status, Some(reason)), "{path}");
        assert_eq!(text(&headers, "access-control-allow-origin"), Some(PAGE), "{path}");
    }
    let post = api.client.post(format!("{}/foo", api.url)).send().await.unwrap();
    assert_eq!(text(post.headers(), "allow"), Some("GET,HEAD"));
    assert_eq!(problem(post).await.0.reason.as_deref(), Some("method-not-allowed"));
}

#[tokio::test]
async fn pages_of_the_list_are_admitted_and_no_others() {
    let api = Api::start().await;
    let token = api.key.sign(&claims());
    let origins = [
        (PAGE, true),
        ("https://foo.com/", false),
        ("https://foo.com:8443", false),
        ("http://foo.com", false),
        ("https://FOO.com", false),
        ("https://foo.com.evil.example", false),
        ("https://evil.example", false),
        ("null", false),
        ("*", false),
    ];
    for (origin, admitted) in origins {
        let preflight = api.preflight("/foo", origin).await;
        let plain = api.client.get(format!("{}/foo", api.url)).header("origin", origin);
        let refused = plain.try_clone().unwrap().send().await.unwrap();
        let good = plain.bearer_auth(&token).send().await.unwrap();
        assert_eq!((refused.status().as_u16(), good.status().as_u16()), (401, 200), "{origin}");
        for response in [preflight, refused, good] {
            let headers = response.headers();
            let allowed = text(headers, "access-control-allow-origin");
            assert_eq!(allowed, admitted.then_some(PAGE), "{origin}");
            assert_eq!(text(headers, "access-control-allow-credentials"), None, "{origin}");
            let vary: Vec<_> = headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(vary.join(",").to_lowercase().contains("origin"), "{origin}: {vary:?}");
            assert!(headers.contains_key("x-request-id"), "{origin}");
        }
    }
    let response = api.client.get(format!("{}/foo", api.url)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.status(), 200, "who is no browser sends no origin");
    assert_eq!(text(response.headers(), "access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_token_and_remembered() {
    let api = Api::start().await;
    for path in ["/foo", "/nowhere"] {
        let response = api.preflight(path, PAGE).await;
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(text(headers, "access-control-max-age"), Some("7200"));
        assert_eq!(text(headers, "access-control-allow-methods"), Some("GET,HEAD,POST,PUT,DELETE"));
        let named = text(headers, "access-control-allow-headers");
        assert_eq!(named, Some("authorization,content-type,if-match,idempotency-key"));
    }
    let response = api.get("/foo", None).await;
    let exposed = text(response.headers(), "access-control-expose-headers").unwrap();
    assert_eq!(exposed, "www-authenticate,retry-after,etag,location,idempotency-replayed,x-request-id");
    assert_eq!(api.jwks.fetches(), 0);
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = api.client.get(format!("{}/healthz", api.url)).header("x-request-id", "mine");
        let response = request.send().await.unwrap();
        ids.push(text(response.headers(), "x-request-id").unwrap().to_owned());
    }
    assert!(ids[0] != ids[1] && !ids.contains(&"mine".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn headers_that_are_no_credentials_are_told_so() {
    let api = Api::start().await;
    let token = api.key.sign(&claims());
    let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    let mut twice = HeaderMap::new();
    twice.append("authorization", HeaderValue::from_static("Bearer xx"));
    twice.append("authorization", bearer.clone());
    let one = |value: &str| {
        HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, HeaderValue::try_from(value).unwrap())])
    };
    let cookie = HeaderMap::from_iter([(
        reqwest::header::COOKIE,
        HeaderValue::try_from(format!("__session={token}; __client_uat={}", NOW - 100)).unwrap(),
    )]);
    let cases = [
        (one(&format!("BEARER {token}")), 200),
        (one(&format!("Bearer  {token}")), 200),
        (one(&format!(" Bearer {token}")), 200),
        (one(&format!("Bearer {token} extra")), 400),
        (twice, 400),
        (one("Basic dTpw"), 401),
        (one(""), 401),
        (cookie, 401),
    ];
    for (headers, status) in cases {
        let request = api.client.get(format!("{}/foo", api.url)).headers(headers.clone());
        assert_eq!(request.send().await.unwrap().status(), status, "{headers:?}");
    }
    let query = api.get(&format!("/foo?__session={token}"), None).await;
    assert_eq!(query.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_once_and_kept() {
    let api = Api::start().await;
    let token = api.key.sign(&claims());
    let mut requests = Vec::new();
    for _ in 0..100 {
        let request = api.client.get(format!("{}/foo", api.url)).bearer_auth(&token);
        requests.push(tokio::spawn(request.send()));
    }
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(api.jwks.fetches(), 1);

    api.jwks.fail(500);
    let mut later = claims();
    for hour in 1..=3 {
        api.clock.advance(Duration::from_secs(3600));
        for (name, time) in [("iat", -5), ("nbf", -15), ("exp", 55)] {
            later[name] = json!(NOW + hour * 3600 + time);
        }
        assert_eq!(api.get("/foo", Some(&api.key.sign(&later))).await.status(), 200);
    }
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_401() {
    let api = Api::start().await;
    api.jwks.fail(503);
    let (problem, headers) = problem(api.get("/foo", Some(&api.key.sign(&claims()))).await).await;
    assert_eq!((problem.status, problem.reason.as_deref()), (503, Some("jwk-remote-failed-to-load")));
    assert_eq!(text(&headers, "retry-after"), Some("1"));
    assert_eq!(text(&headers, "access-control-allow-origin"), Some(PAGE));
    assert_eq!(text(&headers, "www-authenticate"), None);
}
