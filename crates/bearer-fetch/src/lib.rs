#![doc = include_str!("../README.md")]

mod abort;
mod client;
mod error;
mod fetch;
mod origin;
mod problem;
mod request;
mod token;

pub use client::ApiClient;
pub use error::{ApiError, Refusal};
pub use origin::{InvalidOrigin, Origin};
pub use problem::Problem;
pub use request::{ApiRequest, ApiResponse};
pub use token::{BearerToken, InvalidToken, ProviderError, TokenError, TokenFuture, TokenSource};

#[cfg(feature = "query-cache")]
mod classify;
