//! The API's description, for programs: OpenAPI 3.1.

mod described;
mod operation;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(crate) use described::Described;
pub(crate) use operation::{Operation, Token, delete, get, post, put};

/// What `/openapi.json` answers.
pub(crate) fn document(operations: &[Operation]) -> Value {
    let mut paths: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for operation in operations {
        paths.entry(operation.path).or_default().insert(operation.method, operation.describe());
    }
    let bearer = |more: &str| json!({ "type": "http", "scheme": "bearer", "description": more });
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
                "session": bearer("A session token, from a page of the app"),
                "cookie": {
                    "type": "apiKey", "in": "cookie", "name": "__session",
                    "description": "Under /api alone, from a page of the same origin",
                },
                "oauth": bearer("An OAuth access token, with the scope reports:read"),
                "machine": bearer("An M2M token"),
            },
            "schemas": schemas(),
        },
    })
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
        "PostDraft": json!({
            "type": "object", "required": ["title", "body"], "additionalProperties": false,
            "properties": {
                "title": { "type": "string", "minLength": 1, "maxLength": 200 },
                "body": { "type": "string", "maxLength": 20_000 },
            },
        }),
        "PostPage": object(&["posts"], json!({
            "posts": { "type": "array", "items": { "$ref": "#/components/schemas/Post" } }, "nextCursor": text,
        })),
        "Caller": object(&["subject"], json!({ "subject": text, "scopes": texts })),
        "Problem": object(&["title", "status"], json!({
            "type": text, "title": text, "status": number, "detail": text, "reason": text,
        })),
    })
}
