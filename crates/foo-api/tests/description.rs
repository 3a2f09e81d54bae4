//! What the API says of itself, beside what it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../clerk-verify/tests/common/mod.rs"]
mod common;
mod support;

use std::collections::BTreeSet;

use common::with;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use support::Api;

const METHODS: [&str; 6] = ["get", "post", "put", "delete", "patch", "options"];

async fn document(api: &Api) -> Value {
    let document = ask(api, Method::GET, "/openapi.json").send().await.unwrap();
    assert_eq!(document.headers()["content-type"], "application/json");
    document.json().await.unwrap()
}

/// As somebody who may manage their organization's posts: in the answers there is all that there can be.
fn ask(api: &Api, method: Method, path: &str) -> RequestBuilder {
    let mut claims = with("fea", "o:posts");
    claims["o"] = json!({ "id": "org_1", "slg": "x", "rol": "admin", "per": "manage", "fpm": "1" });
    api.client.request(method, format!("{}{path}", api.url)).bearer_auth(api.key.sign(&claims))
}

async fn write(api: &Api) -> Response {
    let draft = json!({ "title": "First", "body": "" });
    let written = ask(api, Method::POST, "/posts").json(&draft).send().await.unwrap();
    assert_eq!(written.headers()["location"], "/posts/post_1");
    written
}

fn with_names(path: &str) -> String {
    path.replace("{user_id}", "user_ada").replace("{id}", "post_1")
}

/// Every path with every method: what is described is served, and nothing else, at each server that it names.
#[tokio::test]
async fn what_is_described_is_what_is_served() {
    let api = Api::start().await;
    write(&api).await;
    let document = document(&api).await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for server in ["", "/api"] {
            for method in METHODS {
                let operation = &item[method];
                let servers =
                    if operation["servers"].is_null() { &document["servers"] } else { &operation["servers"] };
                let url = if server.is_empty() { "/" } else { server };
                let described =
                    operation.is_object() && servers.as_array().unwrap().contains(&json!({ "url": url }));
                let request = ask(
                    &api,
                    method.to_uppercase().parse().unwrap(),
                    &format!("{server}{}", with_names(path)),
                );
                let status = request.send().await.unwrap().status().as_u16();
                let served = match status {
                    404 | 405 => false,
                    // Every OPTIONS is a preflight to the CORS layer.
                    200 if method == "options" => false,
                    _ => true,
                };
                assert_eq!(served, described, "{method} {server}{path}: {status}");
            }
        }
    }
}

/// The table on the crate's page has the same routes.
#[tokio::test]
async fn the_page_names_what_is_described() {
    let document = document(&Api::start().await).await;
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        described.extend(
            item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let mut named = BTreeSet::new();
    for row in include_str!("../src/lib.rs").lines().filter_map(|line| line.strip_prefix("//! | `")) {
        let cell = row.split(" | ").next().unwrap().replace(['`', ','], " ");
        let (methods, path) = cell.split_once('/').unwrap();
        named.extend(methods.split_whitespace().map(|method| format!("{method} /{}", path.trim())));
    }
    assert_eq!(described, named);
}

#[tokio::test]
async fn answers_are_of_the_schemas_that_are_named() {
    let api = Api::start().await;
    let document = document(&api).await;
    let schemas = &document["components"]["schemas"];
    let mut seen = BTreeSet::new();
    let written = write(&api).await;
    let post = &document["paths"]["/posts"]["post"];
    seen.insert(check(schemas, post, "201", written).await);
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let answer = ask(&api, Method::GET, &with_names(path)).send().await.unwrap();
        let status = answer.status().as_u16().to_string();
        let status = if operation["responses"][&status].is_object() { &status } else { "default" };
        seen.insert(check(schemas, operation, status, answer).await);
    }
    let put = ask(&api, Method::PUT, "/posts/post_1").header("if-match", "*");
    let put = put.json(&json!({ "title": "Second", "body": "" })).send().await.unwrap();
    seen.insert(check(schemas, &document["paths"]["/posts/{id}"]["put"], "200", put).await);
    let nobody = api.client.get(format!("{}/foo", api.url)).send().await.unwrap();
    seen.insert(check(schemas, &document["paths"]["/foo"]["get"], "401", nobody).await);
    seen.remove("");
    assert_eq!(
        seen,
        BTreeSet::from(["Caller", "Foo", "Me", "Post", "PostPage", "Problem"].map(String::from))
    );
    for name in named_schemas(&document) {
        assert!(schemas[&name].is_object(), "{name}");
    }
}

/// Checks an answer against what an operation says of this status; gives the name of the schema.
async fn check(schemas: &Value, operation: &Value, status: &str, answer: Response) -> String {
    let described = &operation["responses"][status];
    for name in described["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
        // That one is on a second answer alone.
        assert!(
            name == "Idempotency-Replayed" || answer.headers().contains_key(name),
            "{name} at {operation}"
        );
    }
    let Some(content) = described["content"].as_object() else { return String::new() };
    let (media, content) = content.iter().next().unwrap();
    assert_eq!(answer.headers()["content-type"], media.as_str());
    fits(schemas, &content["schema"], &answer.json().await.unwrap());
    content["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// What JSON Schema calls valid, in as far as the description uses it; and no member that it does not name.
fn fits(schemas: &Value, schema: &Value, value: &Value) {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(schemas, &schemas[name.rsplit('/').next().unwrap()], value);
    }
    match schema["type"].as_str().unwrap() {
        "object" => {
            let members = value.as_object().unwrap();
            for name in schema["required"].as_array().unwrap() {
                assert!(members.contains_key(name.as_str().unwrap()), "{name} in {value}");
            }
            for (name, value) in members {
                assert!(schema["properties"][name].is_object(), "{name} in {schema}");
                fits(schemas, &schema["properties"][name], value);
            }
        }
        "array" => value.as_array().unwrap().iter().for_each(|item| fits(schemas, &schema["items"], item)),
        "string" => assert!(value.is_string(), "{value}"),
        "integer" => assert!(value.is_i64(), "{value}"),
        other => panic!("{other}"),
    }
}

fn named_schemas(document: &Value) -> BTreeSet<String> {
    let text = document.to_string();
    text.split("#/components/schemas/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn there_are_counters_to_scrape() {
    let api = Api::start().await;
    assert_eq!(ask(&api, Method::GET, "/foo").send().await.unwrap().status(), 200);
    let metrics = api.client.get(format!("{}/metrics", api.url)).send().await.unwrap();
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = metrics.text().await.unwrap();
    for line in [
        r#"clerk_verify_tokens_total{kind="session_token",result="ok"} 1"#,
        r#"clerk_verify_jwks_fetches_total{result="ok"} 1"#,
        "clerk_verify_jwks_age_seconds 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}
