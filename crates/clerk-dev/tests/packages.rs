//! The files of clerk-js and its components.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use clerk_dev::{ClerkDev, SetupError};
use reqwest::Method;
use support::{SCRIPT, Server, package, settings};

#[tokio::test]
async fn bytes_are_the_files() {
    let server = Server::start().await;
    for file in [
        "/npm/@clerk/clerk-js@6.1.2/dist/clerk.browser.js",
        "/npm/@clerk/clerk-js@6/dist/clerk.browser.js",
        "/npm/@clerk/clerk-js@latest/dist/clerk.browser.js",
        "/npm/@clerk/ui@1/dist/ui.browser.js",
    ] {
        let response = server.browser().bare(Method::GET, file).send().await.unwrap();
        assert_eq!(response.status(), 200, "{file}");
        assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.bytes().await.unwrap(), SCRIPT, "{file}");
    }
    let css = server.browser().bare(Method::GET, "/npm/@clerk/ui@1/dist/themes/shadcn.css");
    assert_eq!(css.send().await.unwrap().headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn only_the_exact_version_is_kept_for_long() {
    let server = Server::start().await;
    let get =
        |tag: &str| server.browser().bare(Method::GET, &format!("/npm/@clerk/ui@{tag}/dist/ui.browser.js"));
    let exact = get("1.3.4").send().await.unwrap();
    assert_eq!(exact.headers()["cache-control"], "public, max-age=31536000, immutable");
    let major = get("1").send().await.unwrap();
    assert_eq!(major.headers()["cache-control"], "no-cache");

    let etag = major.headers()["etag"].to_str().unwrap().to_owned();
    let again = get("1").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert!(again.bytes().await.unwrap().is_empty());
    let other = get("1").header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn nothing_else_can_be_had() {
    let server = Server::start().await;
    for path in [
        "/npm/@clerk/ui@1/dist/../package.json",
        "/npm/@clerk/ui@1/dist/%2e%2e/package.json",
        "/npm/@clerk/ui@1/dist/..%2fpackage.json",
        "/npm/@clerk/ui@1/dist/..%2f..%2fdata%2fidentity.json",
        "/npm/@clerk/ui@1/dist/index.d.ts",
        "/npm/@clerk/ui@1/dist/missing.js",
        "/npm/@clerk/ui/dist/ui.browser.js",
        "/npm/@evil/ui@1/dist/ui.browser.js",
        "/npm/@clerk/backend@1/dist/ui.browser.js",
    ] {
        let response = server.browser().bare(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_folder_of_something_else_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = settings(folder.path());
    std::mem::swap(&mut wrong.clerk_js, &mut wrong.clerk_ui);
    let error = ClerkDev::open(wrong).unwrap_err();
    assert!(matches!(error, SetupError::Package { name: "@clerk/clerk-js", .. }), "{error}");
    assert!(error.to_string().contains("it holds @clerk/ui"), "{error}");

    let mut no_script = settings(folder.path());
    no_script.clerk_js = package(&folder.path().join("other"), "@clerk/clerk-js", "6.1.2", "x.js");
    let error = ClerkDev::open(no_script).unwrap_err();
    assert!(error.to_string().contains("it has no dist/clerk.browser.js"), "{error}");

    let mut missing = settings(folder.path());
    missing.clerk_ui = folder.path().join("missing");
    assert!(matches!(ClerkDev::open(missing).unwrap_err(), SetupError::Package { name: "@clerk/ui", .. }));
}

#[tokio::test]
async fn an_api_can_be_tested_without_the_packages() {
    let server = Server::start_with(|settings| {
        settings.clerk_js.clear();
        settings.clerk_ui.clear();
    })
    .await;
    server.browser().sign_in().await;
}
