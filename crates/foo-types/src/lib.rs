//! The wire types of api.foo.com, shared by the API and the app in the browser.

mod foo;
mod post;
mod problem;

pub use foo::{AskedBy, Foo, TokenFacts};
pub use post::{Caller, Me, Post, PostDraft, PostPage};
pub use problem::Problem;

/// The README's example, compiled with the documentation tests. It stands here because no published crate
/// could: the file is not in their archives.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
