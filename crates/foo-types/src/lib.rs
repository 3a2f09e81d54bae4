//! The wire types of api.foo.com, shared by the API and the app in the browser.

mod foo;
mod problem;

pub use foo::{AskedBy, Foo, TokenFacts};
pub use problem::Problem;
