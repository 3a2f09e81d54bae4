//! Twelve families of attack, each over HTTP against an API that fetches its keys. The tenth is in `logs.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../common/mod.rs"]
mod common;
mod keys;
mod requests;
mod tokens;

fn refused(reason: &str) -> (u16, String) {
    (401, reason.into())
}

fn base64url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
