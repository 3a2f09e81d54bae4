use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AsHeaderName, HOST, ORIGIN};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;

use crate::api_error::ApiError;
use crate::instance::Instance;
use crate::origin::{self, AppOrigin};

const X_FORWARDED_HOST: &str = "x-forwarded-host";

/// Lets through what comes from the app's own pages, and what a server on this machine needs to verify
/// tokens.
pub(crate) async fn guard(
    State(instance): State<Arc<Instance>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check(&instance.origin, request.method(), request.uri().path(), request.headers()).inspect_err(|_| {
        tracing::warn!(method = %request.method(), path = request.uri().path(), "refused: another host or origin");
    })?;
    Ok(next.run(request).await)
}

/// `path` is the one below `/__clerk`.
fn check(app: &AppOrigin, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let reads = method == Method::GET || method == Method::HEAD;
    if !host_is_allowed(app, reads && is_public(path), headers) {
        return Err(ApiError::host_not_allowed(app.as_str()));
    }
    let origin_is_allowed = match only(headers, ORIGIN) {
        Ok(Some(origin)) => origin == app.as_str(),
        // Browsers leave it out of some of their own GETs, and of no POST.
        Ok(None) => reads,
        Err(Ambiguous) => false,
    };
    if origin_is_allowed { Ok(()) } else { Err(ApiError::origin_not_allowed(app.as_str())) }
}

/// A name that somebody else's DNS server points at this machine makes their page and this server one
/// origin; only the host that the browser asked for tells them apart. A page can set `X-Forwarded-Host`
/// but not `Host`, so neither is believed without the other.
fn host_is_allowed(app: &AppOrigin, public: bool, headers: &HeaderMap) -> bool {
    let (Ok(Some(host)), Ok(forwarded)) = (only(headers, HOST), only(headers, X_FORWARDED_HOST)) else {
        return false;
    };
    match forwarded {
        Some(forwarded) => app.is_host(forwarded) && origin::is_loopback(host),
        None => app.is_host(host) || (public && origin::is_loopback(host)),
    }
}

/// The keys and the packages' files: public, and wanted by servers that ask here directly.
fn is_public(path: &str) -> bool {
    path.starts_with("/.well-known/") || path.starts_with("/npm/")
}

struct Ambiguous;

/// The header's value, if it is there once.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWKS: &str = "/.well-known/jwks.json";
    const CLIENT: &str = "/v1/client";
    const APP: &str = "http://localhost:8080";
    const DIRECT: (&str, &str) = ("host", "127.0.0.1:8082");
    const FORWARDED: (&str, &str) = ("x-forwarded-host", "localhost:8080");

    fn allows(method: Method, path: &str, given: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        check(&APP.parse().unwrap(), &method, path, &headers).is_ok()
    }

    #[test]
    fn the_app_gets_through_with_and_without_a_proxy() {
        assert!(allows(Method::GET, CLIENT, &[DIRECT, FORWARDED]));
        assert!(allows(Method::GET, CLIENT, &[("host", "localhost:8080")]));
        assert!(allows(Method::POST, CLIENT, &[DIRECT, FORWARDED, ("origin", APP)]));
    }

    #[test]
    fn whatever_changes_something_says_where_it_comes_from() {
        for method in [Method::POST, Method::PATCH, Method::DELETE, Method::PUT, Method::OPTIONS] {
            assert!(!allows(method.clone(), CLIENT, &[DIRECT, FORWARDED]), "{method}");
            for origin in
                ["null", "http://localhost:3000", "http://evil.example", "http://localhost:8080.evil.example"]
            {
                assert!(
                    !allows(method.clone(), CLIENT, &[DIRECT, FORWARDED, ("origin", origin)]),
                    "{origin}"
                );
            }
        }
        let twice = [DIRECT, FORWARDED, ("origin", APP), ("origin", "http://evil.example")];
        assert!(!allows(Method::POST, CLIENT, &twice));
    }

    #[test]
    fn another_origin_cannot_read_either() {
        assert!(!allows(Method::GET, CLIENT, &[DIRECT, FORWARDED, ("origin", "http://localhost:3000")]));
    }

    #[test]
    fn keys_and_packages_can_be_had_directly_and_nothing_else() {
        assert!(allows(Method::GET, JWKS, &[DIRECT]));
        assert!(allows(Method::GET, "/npm/@clerk/ui@1/dist/ui.browser.js", &[DIRECT]));
        assert!(!allows(Method::GET, CLIENT, &[DIRECT]));
        assert!(!allows(Method::POST, JWKS, &[DIRECT, ("origin", APP)]));
        assert!(!allows(Method::GET, JWKS, &[("host", "evil.example:8082")]));
        assert!(!allows(Method::GET, JWKS, &[]));
    }

    #[test]
    fn a_name_that_points_here_does_not_get_through() {
        let evil = ("host", "evil.example:8082");
        assert!(!allows(Method::GET, CLIENT, &[evil]));
        // The page of evil.example can add this header itself.
        assert!(!allows(Method::GET, CLIENT, &[evil, FORWARDED]));
        for forwarded in ["evil.example:8080", "localhost:8080, evil.example", "localhost:8081", ""] {
            assert!(!allows(Method::GET, CLIENT, &[DIRECT, ("x-forwarded-host", forwarded)]), "{forwarded}");
        }
        assert!(!allows(Method::GET, CLIENT, &[DIRECT, FORWARDED, ("x-forwarded-host", "evil.example")]));
    }
}
