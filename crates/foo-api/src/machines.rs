//! What is for others than people in a browser: applications that act for a person, machines, administrators.

use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clerk_verify::axum::{MachineAuth, OAuthAuth, Permission, Permitted, Scope, Scoped};
use foo_types::Caller;

pub(crate) fn routes() -> Router {
    Router::new().route("/reports", get(reports)).route("/machine", get(machine)).route("/admin", get(admin))
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
