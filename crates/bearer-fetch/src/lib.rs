#![doc = include_str!("../README.md")]

mod abort;
mod client;
mod error;
mod exchange;
mod fetch;
mod gate;
mod json;
mod origin;
mod page;
mod problem;
mod request;
mod runtime;
mod token;

pub use client::ApiClient;
pub use error::{ApiError, Refusal};
pub use origin::{InvalidOrigin, Origin};
pub use problem::Problem;
pub use request::{ApiRequest, ApiResponse, Trigger};
pub use runtime::{BrowserRuntime, LocalBoxFuture, Runtime};
pub use token::{BearerToken, InvalidToken, ProviderError, TokenError, TokenFuture, TokenSource};

#[cfg(feature = "query-cache")]
mod classify;
#[cfg(feature = "query-cache")]
mod for_fetch;
