//! A layer that authenticates, extractors and guards that require.
//!
//! [`AuthLayer`] reads `Authorization: Bearer` and nothing else, unless [`SameOriginCookies`] say otherwise.
//! It refuses no request, so public routes stay public; what protects a handler is one of the extractors in
//! its arguments ([`SessionAuth`], [`OAuthAuth`], [`MachineAuth`], [`ApiKeyAuth`], [`AnyAuth`], with a
//! permission [`Permitted`], with a scope [`Scoped`]), or [`Require`] around it. The token is verified when the
//! first of them asks, and only if it is of a kind that one accepts. Outside the layer they answer 500, never as
//! if nobody were signed in.
//!
//! | request | answer |
//! |---|---|
//! | no `Authorization`, or of another scheme | 401, a challenge without `error` |
//! | a token that is not accepted | 401, `error="invalid_token"` |
//! | two `Authorization` headers, or one that is no `Bearer` and a token; two session cookies | 400, `error="invalid_request"` |
//! | a scope is missing | 403, `error="insufficient_scope"` and the `scope` |
//! | a role, permission, feature or plan is missing | 403 |
//! | a recent reverification is missing | 403, and `clerk_error` for Clerk's front ends |
//! | a session cookie on another origin's request | 403 |
//! | the keys, or Clerk's answer, cannot be had | 503, `Retry-After` |
//! | Clerk refuses the server's own key | 500; the log says why |
//!
//! Every one is `application/problem+json` (RFC 9457) with a stable `reason`, and `private, no-store`; so is every
//! answer of a handler that asked who it is, unless it sets a `Cache-Control` of its own.
//!
//! Put CORS outside of the layer (add it after): its answers need CORS headers too. Name `Authorization` among
//! the allowed headers, for `*` does not cover it, and expose `WWW-Authenticate` and `Retry-After`.

mod authentication;
mod cookies;
mod credentials;
mod error;
mod extract;
mod guard;
mod layer;

pub use cookies::{NotAnOrigin, SameOriginCookies};
pub use error::AuthError;
pub use extract::{AnyAuth, ApiKeyAuth, MachineAuth, OAuthAuth, SessionAuth};
pub use guard::{HasScopes, Permission, Permitted, Require, RequireService, Scope, Scoped};
pub use layer::{AuthLayer, AuthService};
