//! Authenticated requests from a browser: a Bearer token for the origins on a list and for no other.
