//! The resource-server side of Clerk: verify session tokens from the JWKS, with an axum layer and extractors.
