//! Tokens for others than people in a browser: OAuth tokens, machine-to-machine tokens and API keys.

mod grant;
mod order;
mod store;

pub(crate) use grant::{Grant, Kind};
pub(crate) use order::{Issued, Order, OrderError, issue};
pub(crate) use store::Grants;
