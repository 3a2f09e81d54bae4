use axum::extract::{Query, Request};
use axum::http::Method;
use serde::Deserialize;

#[derive(Deserialize)]
struct MethodParameter {
    #[serde(rename = "_method")]
    method: Meant,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Meant {
    Patch,
    Put,
    Delete,
}

/// clerk-js sends nothing but GET and POST, and writes the method it means into the query: a request of
/// that kind needs no preflight.
pub(crate) async fn method_override(mut request: Request) -> Request {
    if request.method() == Method::POST
        && let Ok(Query(parameter)) = Query::<MethodParameter>::try_from_uri(request.uri())
    {
        *request.method_mut() = match parameter.method {
            Meant::Patch => Method::PATCH,
            Meant::Put => Method::PUT,
            Meant::Delete => Method::DELETE,
        };
    }
    request
}
