use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath};
use axum::http::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use clerk_verify::axum::{AuthLayer, NotAnOrigin, SameOriginCookies};
use clerk_verify::{
    BackendApi, BackendSetupError, Jwks, JwksSetupError, Policy, PolicyError, TokenKind, Verifier,
};
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

/// The longest that a request may take, all in all.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Settings that are well-formed and yet cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The issuer.
    Policy(PolicyError),
    /// The app's origins.
    Origins(NotAnOrigin),
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
            Self::Origins(error) => write!(f, "FOO_API_APP_ORIGINS: {error}"),
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
    let policy = policy(settings).map_err(SetupError::Policy)?;
    let jwks = Jwks::from_url(&settings.jwks_url).map_err(SetupError::Jwks)?;
    let mut verifier = Verifier::new(policy, jwks);
    if let Some(key) = &settings.secret_key {
        let backend = BackendApi::at(&settings.api_url, key.clone()).map_err(SetupError::Backend)?;
        verifier = verifier.backend(backend);
    }
    let origins = settings.app_origins.iter().map(String::as_str);
    let mut cookies = SameOriginCookies::new(origins).map_err(SetupError::Origins)?;
    if let Some(key) = &settings.publishable_key {
        cookies = cookies.for_instance(key);
    }
    let database = Database::open(&settings.database).map_err(SetupError::Database)?;
    Ok(router(verifier, &settings.app_origins, cookies, database))
}

fn policy(settings: &Settings) -> Result<Policy, PolicyError> {
    let draft = Policy::for_issuer(settings.issuer.as_str())?;
    let mut policy = draft.authorized_parties(settings.app_origins.iter().cloned())?;
    let audiences = [(TokenKind::OAuth, &settings.oauth_audience), (TokenKind::M2M, &settings.m2m_audience)];
    for (kind, audience) in audiences.into_iter().filter(|(_, audience)| !audience.is_empty()) {
        policy = policy.audience_for(kind, audience.iter().cloned())?;
    }
    Ok(policy)
}

/// The API with any verifier, for pages of `origins`, which under `/api` may use `cookies`, over a database.
pub fn router(
    verifier: Verifier,
    origins: &[String],
    cookies: SameOriginCookies,
    database: Database,
) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<_>| span(request))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    // The last is the outermost. Of those outside of CORS none ever answers by itself, so that every answer
    // has its CORS headers, and every preflight its id.
    let own = AuthLayer::new(verifier.clone()).same_origin_cookies(cookies);
    let (routes, operations) = routes(database).into_parts();
    let own = refuse_others(routes.clone()).layer(own);
    let all = open_routes(verifier.clone(), operations)
        .nest("/api", own)
        .merge(routes.layer(AuthLayer::new(verifier)));
    refuse_others(all)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(limit_time))
        .layer(cors(origins))
        .layer(trace)
        .layer(middleware::from_fn(request_id::stamp))
}

/// What it waits for has limits of its own; this one is for what nobody thought of, and for the line at the
/// database.
async fn limit_time(request: Request<Body>, next: Next) -> Response {
    let answer = tokio::time::timeout(TIME_LIMIT, next.run(request)).await;
    answer.unwrap_or_else(|_| Refusal::TimedOut.into_response())
}

/// The route's pattern and never the URL, in which a client may have put anything; no headers.
fn span<B>(request: &Request<B>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route, id = request_id::of(request))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// The clock stands still but for the waits.
    #[tokio::test(start_paused = true)]
    async fn no_request_takes_for_ever() {
        let app =
            Router::new().route("/", get(std::future::pending::<()>)).layer(middleware::from_fn(limit_time));
        let start = tokio::time::Instant::now();
        let answer = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), start.elapsed()), (503, TIME_LIMIT));
        assert_eq!(answer.headers()["retry-after"], "1");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}
