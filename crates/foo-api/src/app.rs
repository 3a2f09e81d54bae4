use std::fmt;

use axum::extract::MatchedPath;
use axum::http::Request;
use axum::{Router, middleware};
use clerk_verify::axum::AuthLayer;
use clerk_verify::{Jwks, JwksSetupError, Policy, PolicyError, Verifier};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

use crate::cors::cors;
use crate::request_id;
use crate::routes::routes;
use crate::settings::Settings;

/// Settings that are well-formed and yet cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The issuer.
    Policy(PolicyError),
    /// The JWKS.
    Jwks(JwksSetupError),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(error) => write!(f, "CLERK_ISSUER: {error}"),
            Self::Jwks(error) => write!(f, "CLERK_JWKS_URL: {error}"),
        }
    }
}

impl std::error::Error for SetupError {}

/// The API by its settings.
///
/// # Errors
///
/// [`SetupError`]. The issuer is not asked for anything yet.
pub fn app(settings: &Settings) -> Result<Router, SetupError> {
    let policy = Policy::for_issuer(settings.issuer.as_str())
        .and_then(|draft| draft.authorized_parties(settings.app_origins.iter().cloned()))
        .map_err(SetupError::Policy)?;
    let jwks = Jwks::from_url(&settings.jwks_url).map_err(SetupError::Jwks)?;
    let verifier = Verifier::new(policy, jwks);
    Ok(router(verifier, &settings.app_origins))
}

/// The API with any verifier, for pages of `origins`.
pub fn router(verifier: Verifier, origins: &[String]) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<_>| span(request))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    // The last is the outermost. Of those outside of CORS none ever answers by itself, so that every answer
    // has its CORS headers, and every preflight its id.
    routes()
        .layer(AuthLayer::new(verifier))
        .layer(cors(origins))
        .layer(trace)
        .layer(middleware::from_fn(request_id::stamp))
}

/// The route's pattern and never the URL, in which a client may have put anything; no headers.
fn span<B>(request: &Request<B>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route, id = request_id::of(request))
}
