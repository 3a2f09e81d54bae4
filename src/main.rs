//! foo.com.
fn main() {}
