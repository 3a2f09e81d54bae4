use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::Method;
use web_sys::Url;

use crate::origin::{InvalidOrigin, Origin};
use crate::request::ApiRequest;
use crate::token::TokenSource;

/// Makes requests to an API and sends a Bearer token to the origins on its list, and to no other.
///
/// Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct ApiClient {
    inner: Rc<Inner>,
}

struct Inner {
    base: Url,
    allowed: Vec<Origin>,
    tokens: Rc<dyn TokenSource>,
    time_limit: Duration,
}

impl ApiClient {
    /// A client of the API at `base_url`, such as `https://api.foo.com` or `https://foo.com/api/v1`. The
    /// base's origin is the first on the list.
    ///
    /// # Errors
    ///
    /// If `base_url` is no URL, or is plain http on another machine.
    pub fn new(base_url: &str, tokens: impl TokenSource + 'static) -> Result<Self, InvalidOrigin> {
        let origin = Origin::of(base_url)?;
        let not_a_url = || InvalidOrigin::NotAUrl { given: base_url.to_owned() };
        let base = Url::new(base_url).map_err(|_| not_a_url())?;
        base.set_search("");
        base.set_hash("");
        // Without it, the last segment of the base's path would be replaced instead of followed.
        if !base.pathname().ends_with('/') {
            base.set_pathname(&format!("{}/", base.pathname()));
        }
        let inner = Inner {
            base,
            allowed: vec![origin],
            tokens: Rc::new(tokens),
            time_limit: Duration::from_secs(30),
        };
        Ok(Self { inner: Rc::new(inner) })
    }

    /// Puts one more origin on the list.
    ///
    /// # Errors
    ///
    /// If `url` is no URL, or is plain http on another machine.
    pub fn allow_origin(self, url: &str) -> Result<Self, InvalidOrigin> {
        let origin = Origin::of(url)?;
        Ok(self.change(|inner| inner.allowed.push(origin)))
    }

    /// How long one request may take, getting its token included. 30 s unless set.
    pub fn time_limit(self, limit: Duration) -> Self {
        self.change(|inner| inner.time_limit = limit)
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner {
            base: self.inner.base.clone(),
            allowed: self.inner.allowed.clone(),
            tokens: self.inner.tokens.clone(),
            time_limit: self.inner.time_limit,
        };
        change(&mut inner);
        Self { inner: Rc::new(inner) }
    }

    /// A GET request. `path` is taken below the base URL; an absolute URL is taken as it is.
    pub fn get(&self, path: &str) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// A request with any method.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        ApiRequest::new(self.clone(), method, path)
    }

    /// The origins that are sent a token.
    pub fn allowed_origins(&self) -> &[Origin] {
        &self.inner.allowed
    }

    pub(crate) fn resolve(&self, path: &str) -> Result<Url, InvalidOrigin> {
        // `/foo` means "below the base", also where the base has a path; `//host` is another host's.
        let below = path.strip_prefix('/').filter(|rest| !rest.starts_with(['/', '\\'])).unwrap_or(path);
        Url::new_with_base(below, &self.inner.base.href())
            .map_err(|_| InvalidOrigin::NotAUrl { given: path.to_owned() })
    }

    pub(crate) fn tokens(&self) -> &dyn TokenSource {
        &*self.inner.tokens
    }

    pub(crate) fn limit(&self) -> Duration {
        self.inner.time_limit
    }
}

impl fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiClient")
            .field("base", &self.inner.base.href())
            .field("allowed", &self.inner.allowed)
            .finish_non_exhaustive()
    }
}

impl PartialEq for ApiClient {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}
