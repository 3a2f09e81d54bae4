//! The Frontend API's JSON: what clerk-js and the prebuilt components read.

mod client;
pub(crate) mod environment;
mod organization;
mod page;
mod sign_in;
mod user;

pub(crate) use client::{Client, Session, Token};
pub(crate) use organization::Membership;
pub(crate) use page::{Page, Part};
pub(crate) use sign_in::SignIn;
pub(crate) use user::User;

use serde::Serialize;

/// What an answer is wrapped in. Beside what was asked for, a change carries what is known of the
/// browser, which clerk-js takes over.
#[derive(Debug, Serialize)]
pub(crate) struct Envelope<T> {
    pub(crate) response: T,
    pub(crate) client: Option<Client>,
}
