//! A layer that authenticates and an extractor that requires.
//!
//! The layer reads `Authorization: Bearer` and nothing else: no cookie, no query. It refuses no request,
//! so public routes stay public; [`SessionAuth`] in a handler's arguments is what protects it. A handler
//! that asks for it outside the layer answers 500, never as if nobody were signed in.
//!
//! | request | answer |
//! |---|---|
//! | no `Authorization`, or of another scheme | 401, a challenge without `error` |
//! | a token that is not accepted | 401, `error="invalid_token"` |
//! | two `Authorization` headers, or one that is no `Bearer` and a token | 400, `error="invalid_request"` |
//! | the keys cannot be had | 503, `Retry-After` |
//!
//! Every one is `application/problem+json` (RFC 9457) with a stable `reason`, and is not to be stored.
//!
//! Put CORS outside of the layer (add it after): its answers need CORS headers too.

mod credentials;
mod error;
mod extract;
mod layer;

pub use error::AuthError;
pub use extract::SessionAuth;
pub use layer::{AuthLayer, AuthService};
