use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::{COOKIE, InvalidHeaderValue};
use axum::http::request::Parts;

use crate::instance::Instance;
use crate::store::ClientKey;

const COOKIE_NAME: &str = "__client";

/// Which browser a request comes from, if it was here before.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) key: Option<ClientKey>,
}

impl FromRequestParts<Arc<Instance>> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, instance: &Arc<Instance>) -> Result<Self, Infallible> {
        // Other servers on localhost can set a cookie of the same name; only one of them is ours.
        let key = parts
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
            .map(ClientKey::of_secret)
            .find(|key| instance.store.knows(key));
        Ok(Self { key })
    }
}

/// The cookie that tells a browser from the others from now on. Marked so that nothing logs it.
pub(crate) fn cookie(secret: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let text = format!("{COOKIE_NAME}={secret}; Path={}; HttpOnly; SameSite=Lax", crate::BASE_PATH);
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(value)
}
