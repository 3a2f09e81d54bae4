//! The API's description, for programs: OpenAPI 3.1.

use axum::Json;
use serde_json::{Map, Value, json};

/// What `/openapi.json` answers.
pub(crate) async fn description() -> Json<Value> {
    Json(document())
}

/// A route: its path, its method, what it does, whose tokens it takes, its status if all is well, and what it
/// answers.
type Route = (&'static str, &'static str, &'static str, &'static str, u16, Option<&'static str>);

const ROUTES: [Route; 13] = [
    ("/foo", "get", "The signed-in person's resource", "session", 200, Some("Foo")),
    ("/people/{user_id}/foo", "get", "A person's resource; another's is 403", "session", 200, Some("Foo")),
    ("/me", "get", "Who the API takes the caller for", "session", 200, Some("Me")),
    ("/posts", "get", "Own posts and the organization's, newest first", "session", 200, Some("PostPage")),
    ("/posts", "post", "A new post, once for each Idempotency-Key", "session", 201, Some("Post")),
    ("/posts/{id}", "get", "One post", "session", 200, Some("Post")),
    ("/posts/{id}", "put", "An edit of the version that If-Match names", "session", 200, Some("Post")),
    ("/posts/{id}", "delete", "The end of the version that If-Match names", "session", 204, None),
    ("/reports", "get", "For an OAuth token with reports:read", "oauth", 200, Some("Caller")),
    ("/machine", "get", "For an M2M token", "machine", 200, Some("Caller")),
    ("/admin", "get", "For the permission org:posts:manage", "session", 200, Some("Caller")),
    ("/metrics", "get", "Counters for Prometheus", "", 200, None),
    ("/healthz", "get", "Nothing, while the server runs", "", 204, None),
];

fn document() -> Value {
    let mut paths = Map::new();
    for (path, method, summary, token, status, schema) in ROUTES {
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(method.into(), operation(path, method, summary, token, status, schema));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "api.foo.com",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Send a Clerk token as Authorization: Bearer. Under /api, on the app's own origin, \
                            the __session cookie will do. Errors are application/problem+json with a stable reason.",
        },
        "servers": [{ "url": "/" }, { "url": "/api" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "oauth": { "type": "http", "scheme": "bearer" },
                "machine": { "type": "http", "scheme": "bearer" },
            },
            "schemas": schemas(),
        },
    })
}

fn operation(
    path: &str,
    method: &str,
    summary: &str,
    token: &str,
    status: u16,
    schema: Option<&str>,
) -> Value {
    let content = |name: &str, media: &str| json!({ media: { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    let mut done = json!({ "description": summary });
    if let (Some(name), Value::Object(done)) = (schema, &mut done) {
        done.insert("content".into(), content(name, "application/json"));
    }
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters(path, method),
        "responses": {
            status.to_string(): done,
            "default": { "description": "A refusal", "content": content("Problem", "application/problem+json") },
        },
    });
    if let Value::Object(operation) = &mut operation {
        if !token.is_empty() {
            operation.insert("security".into(), json!([{ token: [] }]));
        }
        if matches!(method, "post" | "put") {
            let body = json!({ "required": true, "content": content("PostDraft", "application/json") });
            operation.insert("requestBody".into(), body);
        }
    }
    operation
}

fn parameters(path: &str, method: &str) -> Vec<Value> {
    let parameter = |name: &str, place: &str, required: bool, kind: &str| json!({ "name": name, "in": place, "required": required, "schema": { "type": kind } });
    let mut all = Vec::new();
    if let Some((_, rest)) = path.split_once('{')
        && let Some((name, _)) = rest.split_once('}')
    {
        all.push(parameter(name, "path", true, "string"));
    }
    match (path, method) {
        ("/posts", "get") => {
            all.push(parameter("cursor", "query", false, "string"));
            all.push(parameter("limit", "query", false, "integer"));
        }
        ("/posts", "post") => all.push(parameter("Idempotency-Key", "header", false, "string")),
        (_, "put" | "delete") => all.push(parameter("If-Match", "header", true, "string")),
        _ => {}
    }
    all
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "format": "int64" });
    let texts = json!({ "type": "array", "items": text });
    let object = |required: &[&str], properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    json!({
        "Foo": object(&["id", "name", "askedBy", "token"], json!({
            "id": text, "name": text,
            "askedBy": object(&["userId", "sessionId"], json!({
                "userId": text, "sessionId": text, "authorizedParty": text,
            })),
            "token": object(&["issuedAt", "expiresAt"], json!({ "id": text, "issuedAt": number, "expiresAt": number })),
        })),
        "Me": object(&["userId", "sessionId"], json!({
            "userId": text, "sessionId": text, "organizationId": text, "organizationRole": text,
            "organizationPermissions": texts,
        })),
        "Post": object(&["id", "authorId", "title", "body", "version", "createdAt", "updatedAt"], json!({
            "id": text, "authorId": text, "organizationId": text, "title": text, "body": text,
            "version": number, "createdAt": number, "updatedAt": number,
        })),
        "PostDraft": object(&["title", "body"], json!({ "title": text, "body": text })),
        "PostPage": object(&["posts"], json!({
            "posts": { "type": "array", "items": { "$ref": "#/components/schemas/Post" } }, "nextCursor": text,
        })),
        "Caller": object(&["subject"], json!({ "subject": text, "scopes": texts })),
        "Problem": object(&["title", "status"], json!({
            "type": text, "title": text, "status": number, "detail": text, "reason": text,
        })),
    })
}
