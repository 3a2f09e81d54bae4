//! The app's queries: every key in one place.

mod foo;
mod request;

pub use foo::FooQuery;
pub use request::RequestQuery;
