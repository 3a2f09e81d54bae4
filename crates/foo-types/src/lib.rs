//! The wire types of api.foo.com.
