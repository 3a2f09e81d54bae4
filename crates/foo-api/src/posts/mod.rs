//! Posts: written, read by page, edited by version, deleted.

mod handlers;
mod replay;
mod store;

pub(crate) use handlers::{IDEMPOTENCY_REPLAYED, routes};
