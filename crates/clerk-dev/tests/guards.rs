//! Who gets no answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use reqwest::Method;
use reqwest::header::ORIGIN;
use support::{ADA, APP, Server, code, host};

const FORWARDED: &str = "x-forwarded-host";

const POSTS: [&str; 8] = [
    "/v1/environment?_method=PATCH",
    "/v1/client/sign_ins",
    "/v1/client/sign_ins/sia_1/attempt_first_factor",
    "/v1/client/sessions?_method=DELETE",
    "/v1/client/sessions/sess_1/touch",
    "/v1/client/sessions/sess_1/tokens",
    "/v1/client/sessions/sess_1/end",
    "/not/there",
];

#[tokio::test]
async fn a_post_from_anywhere_else_is_refused_whatever_it_asks() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let origins = [
        None,
        Some("null"),
        Some("http://localhost:3000"),
        Some("https://localhost:8080"),
        Some("http://evil.example"),
        Some("http://localhost:8080.evil.example"),
    ];
    for path in POSTS {
        for origin in origins {
            let mut request = browser.bare(Method::POST, path).header(FORWARDED, "localhost:8080");
            if let Some(origin) = origin {
                request = request.header(ORIGIN, origin);
            }
            let (status, answer) = browser.send(request.form(&[("identifier", ADA.0)])).await;
            assert_eq!((status, code(&answer)), (403, "origin_invalid"), "{path} from {origin:?}");
        }
    }
}

#[tokio::test]
async fn no_origin_may_sign_somebody_out_but_the_apps() {
    let server = Server::start().await;
    let mut browser = server.browser();
    browser.sign_in().await;
    let sign_out = browser
        .bare(Method::POST, "/v1/client/sessions?_method=DELETE")
        .header(FORWARDED, "localhost:8080")
        .header("cookie", browser.cookie.clone().unwrap())
        .header(ORIGIN, "http://localhost:3000");
    assert_eq!(browser.send(sign_out).await.0, 403);
    let (_, client) = browser.get("/v1/client").await;
    assert_eq!(client["response"]["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_foreign_host_is_refused_even_for_what_is_public() {
    let server = Server::start().await;
    let mut browser = server.browser();
    for path in ["/v1/client", "/.well-known/jwks.json", "/npm/@clerk/ui@1/dist/ui.browser.js"] {
        for forwarded in ["evil.example", "evil.example:8080", "localhost:8081", "127.0.0.1:8080"] {
            let request = browser.bare(Method::GET, path).header(FORWARDED, forwarded);
            let (status, answer) = browser.send(request).await;
            assert_eq!((status, code(&answer)), (421, "host_invalid"), "{path} for {forwarded}");
        }
        // A page whose name was pointed here can set the forwarded host, but not the host.
        let rebound = host(browser.bare(Method::GET, path), "evil.example:8082");
        for request in [rebound.try_clone().unwrap(), rebound.header(FORWARDED, "localhost:8080")] {
            assert_eq!(browser.send(request).await.0, 421, "{path}");
        }
    }
}

#[tokio::test]
async fn the_frontend_api_is_only_reached_through_the_app() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let direct = browser.bare(Method::GET, "/v1/client");
    assert_eq!(browser.send(direct).await.0, 421);
    let served_by_the_app = host(browser.bare(Method::GET, "/v1/client"), "localhost:8080");
    assert_eq!(browser.send(served_by_the_app).await.0, 200);
}

#[tokio::test]
async fn no_other_origin_is_let_in_by_cors() {
    let server = Server::start().await;
    let browser = server.browser();
    for (method, origin) in [
        (Method::OPTIONS, "http://localhost:3000"),
        (Method::OPTIONS, APP),
        (Method::GET, "http://localhost:3000"),
        (Method::GET, APP),
    ] {
        let request =
            browser.bare(method, "/v1/client").header(FORWARDED, "localhost:8080").header(ORIGIN, origin);
        let response = request.send().await.unwrap();
        assert!(!response.headers().contains_key("access-control-allow-origin"));
    }
}
