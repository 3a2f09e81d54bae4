//! What is for others than people in a browser: applications that act for a person, machines, administrators.

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use clerk_verify::axum::{MachineAuth, OAuthAuth, Permission, Permitted, Scope, Scoped};
use foo_types::Caller;

use crate::openapi::{Described, Token, get};

pub(crate) fn routes() -> Described {
    let get = |path, summary, token| get(path, summary).token(token).answers("Caller");
    Described::new()
        .route(get("/reports", "For an OAuth token with the scope reports:read", Token::OAuth), reports)
        .route(get("/machine", "For an M2M token", Token::Machine), machine)
        .route(get("/admin", "For the permission org:posts:manage", Token::Session), admin)
}

struct ReadReports;

impl Scope for ReadReports {
    const NAME: &'static str = "reports:read";
}

struct ManagePosts;

impl Permission for ManagePosts {
    const NAME: &'static str = "org:posts:manage";
}

/// For an application that a person let read their reports.
async fn reports(token: Scoped<OAuthAuth, ReadReports>) -> Response {
    answer(Caller { subject: token.user_id().into(), scopes: token.scopes().to_vec() })
}

/// For another machine of the same application.
async fn machine(token: MachineAuth) -> Response {
    answer(Caller { subject: token.machine_id().into(), scopes: token.scopes().to_vec() })
}

/// For whoever may manage the active organization's posts.
async fn admin(session: Permitted<ManagePosts>) -> Response {
    answer(Caller { subject: session.user_id().into(), scopes: Vec::new() })
}

fn answer(caller: Caller) -> Response {
    ([(CACHE_CONTROL, "private, no-store")], Json(caller)).into_response()
}
