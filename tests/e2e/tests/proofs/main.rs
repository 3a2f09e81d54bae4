//! The proofs: the app as it ships, and a page made for the tests, in Chromium, with the real clerk-js and every
//! server running.

mod cache_calls;
mod cache_storage;
mod cache_tabs;
mod given_up;
mod hidden;
mod lures;
mod no_token;
mod outage;
mod pinned;
mod refused;
mod return_paths;
mod scope;
mod secrets;
mod settings;
mod sharing;
mod signing_out;
mod token_life;
mod token_use;
mod tokens;
mod waits;
mod wrong_password;
