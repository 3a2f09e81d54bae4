//! What the end-to-end tests share: real servers, a real browser, and a log of everything it sent.
//!
//! A test starts a [`World`] (`clerk-dev`, `foo-api`, the built app on an origin of its own, an origin that
//! records what it is sent) and a [`Browser`] (Chromium under chromedriver). What Chromium sent is read from
//! its own net log, not from the page: preflights, redirects, other tabs and the header `Cookie` are in it.
//!
//! `cargo xtask test e2e` builds and finds everything; after that `cargo test -p e2e` works too. See
//! [`tools`] for where things are looked for.
//!
//! This crate is a test: it panics where something it needs is missing, and says what to do.

pub mod app;
mod browser;
mod cache_lab;
mod cors;
mod front;
mod gate;
mod lab;
pub mod leaks;
mod ledger;
pub mod net_log;
mod origin_server;
mod process;
mod recorder;
pub mod storage;
pub mod tools;
mod wait;
mod world;

pub use app::Scene;
pub use browser::{Browser, ConsoleLine, DESKTOP, PHONE, Tab};
pub use cache_lab::{ADA, CacheLab, CacheState, Opened};
pub use front::{Asked, Config, Front, Site};
pub use gate::Gate;
pub use lab::{Lab, Tokens};
pub use ledger::Ledger;
pub use process::Running;
pub use recorder::{Recorded, Recorder};
pub use wait::{eventually, eventually_within, pause};
pub use world::{Person, World, WorldOptions};
