//! The control port: how a test makes things go wrong. Nothing of it is part of Clerk.

mod access;
mod calls;
mod error;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, patch, post, put};

pub use access::ControlAccess;

use crate::instance::Instance;
use crate::request_log::log;
use crate::setup_error::SetupError;
use error::ControlError;

/// The largest body: a template's claims, or an answer of somebody's own.
const BODY_LIMIT: usize = 64 * 1024;

/// The routes for a listener at `address`, with a new secret, which is written down for the owner of the data
/// folder alone.
pub(crate) fn open(instance: Arc<Instance>, address: SocketAddr) -> Result<Router, SetupError> {
    let access = Arc::new(ControlAccess::new(address)?);
    access.write(&instance.data_dir)?;
    Ok(Router::new()
        .route("/state", get(calls::state))
        .route("/settings", patch(calls::set))
        .route("/faults", post(calls::add_fault).delete(calls::clear_faults))
        .route("/sessions/revoke", post(calls::revoke_sessions))
        .route("/templates/{name}", put(calls::set_template).delete(calls::remove_template))
        .route("/tokens", post(tokens::issue_one).get(tokens::list))
        .route("/tokens/revoke", post(tokens::revoke))
        .route("/reset", post(calls::reset))
        .fallback(async || ControlError::NoSuchCall)
        .method_not_allowed_fallback(async || ControlError::NoSuchCall)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(access, access::check))
        .layer(from_fn(log))
        .with_state(instance))
}
