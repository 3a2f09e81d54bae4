use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath};
use axum::http::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use clerk_verify::axum::{AuthLayer, SameOriginCookies};
use clerk_verify::{BackendApi, BackendSetupError, Jwks, JwksSetupError, Policy, PolicyError, Verifier};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

use crate::cors::cors;
use crate::database::{Database, DatabaseError};
use crate::problem::Refusal;
use crate::request_id;
use crate::routes::{open_routes, refuse_others, routes};
use crate::settings::Settings;

/// The most that a request's body may have, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// The longest that a request may take, its body's coming included.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Settings that are well-formed and yet cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The issuer.
    Policy(PolicyError),
    /// The JWKS.
    Jwks(JwksSetupError),
    /// The Backend API.
    Backend(BackendSetupError),
    /// The database.
    Database(DatabaseError),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(error) => write!(f, "CLERK_ISSUER: {error}"),
            Self::Jwks(error) => write!(f, "CLERK_JWKS_URL: {error}"),
            Self::Backend(error) => write!(f, "CLERK_API_URL: {error}"),
            Self::Database(error) => error.fmt(f),
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
    let mut verifier = Verifier::new(policy, jwks);
    if let Some(key) = &settings.secret_key {
        let backend = BackendApi::at(&settings.api_url, key.clone()).map_err(SetupError::Backend)?;
        verifier = verifier.backend(backend);
    }
    let database = Database::open(&settings.database).map_err(SetupError::Database)?;
    Ok(router(verifier, &settings.app_origins, database))
}

/// The API with any verifier, for pages of `origins`, over a database.
pub fn router(verifier: Verifier, origins: &[String], database: Database) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<_>| span(request))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    // The last is the outermost. Of those outside of CORS none ever answers by itself, so that every answer
    // has its CORS headers, and every preflight its id.
    let cookies = SameOriginCookies::new(origins.iter().map(String::as_str));
    let own = cookies.map(|cookies| {
        let auth = AuthLayer::new(verifier.clone()).same_origin_cookies(cookies);
        refuse_others(routes(database.clone())).layer(auth)
    });
    // The settings admit no list of origins that would leave it out.
    let own = own.unwrap_or_default();
    let all = open_routes(verifier.clone())
        .nest("/api", own)
        .merge(routes(database).layer(AuthLayer::new(verifier)));
    refuse_others(all)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(limit_time))
        .layer(cors(origins))
        .layer(trace)
        .layer(middleware::from_fn(request_id::stamp))
}

/// The database answers at once; what takes long is a caller who sends slowly.
async fn limit_time(request: Request<Body>, next: Next) -> Response {
    let answer = tokio::time::timeout(TIME_LIMIT, next.run(request)).await;
    answer.unwrap_or_else(|_| Refusal::TimedOut.into_response())
}

/// The route's pattern and never the URL, in which a client may have put anything; no headers.
fn span<B>(request: &Request<B>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route, id = request_id::of(request))
}
