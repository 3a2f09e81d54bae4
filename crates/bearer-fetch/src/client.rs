use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::Method;
use web_sys::Url;

use crate::gate::{Gate, MINIMUM_AGE};
use crate::origin::{InvalidOrigin, Origin};
use crate::page;
use crate::request::ApiRequest;
use crate::runtime::{BrowserRuntime, Runtime};
use crate::token::TokenSource;

/// Makes requests to an API and sends a Bearer token to the origins on its list, and to no other.
///
/// Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct ApiClient {
    inner: Rc<Inner>,
}

#[derive(Clone)]
struct Inner {
    /// `None` where the page has no address of its own, as in a sandboxed frame.
    base: Option<Url>,
    allowed: Vec<Origin>,
    gate: Rc<Gate>,
    time_limit: Duration,
    max_size: usize,
    always_bearer: bool,
}

const TIME_LIMIT: Duration = Duration::from_secs(30);
const MAX_SIZE: usize = 32 * 1024 * 1024;

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
        Ok(Self::with(Some(base), vec![origin], tokens))
    }

    /// A client whose paths are this page's own origin's. That origin is the first on the list, unless it is one
    /// that no token may be sent to.
    pub fn of_page(tokens: impl TokenSource + 'static) -> Self {
        let base = page::origin().and_then(|origin| Url::new(&origin).ok());
        let own = base.as_ref().and_then(|url| Origin::of_url(url).ok());
        Self::with(base, own.into_iter().collect(), tokens)
    }

    fn with(base: Option<Url>, allowed: Vec<Origin>, tokens: impl TokenSource + 'static) -> Self {
        let gate = Rc::new(Gate::new(Rc::new(tokens), Rc::new(BrowserRuntime), MINIMUM_AGE));
        let inner =
            Inner { base, allowed, gate, time_limit: TIME_LIMIT, max_size: MAX_SIZE, always_bearer: false };
        Self { inner: Rc::new(inner) }
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

    /// How long one request may take, getting its token and sending it again included. 30 s unless set.
    pub fn time_limit(self, limit: Duration) -> Self {
        self.change(|inner| inner.time_limit = limit)
    }

    /// How long an answer may be, in bytes. 32 MiB unless set.
    pub fn max_size(self, bytes: usize) -> Self {
        self.change(|inner| inner.max_size = bytes)
    }

    /// Sends the header to the page's own origin too, at all times, for a server that does not read the cookie.
    pub fn always_bearer(self) -> Self {
        self.change(|inner| inner.always_bearer = true)
    }

    /// How old a token has to be for a refusal (401) to make a new one. 60 s unless set, which is how long a token
    /// of Clerk's lives: a server that refuses everything then costs one new token a minute.
    pub fn minimum_token_age(self, age: Duration) -> Self {
        self.change(|inner| {
            inner.gate = Rc::new(Gate::new(inner.gate.source().clone(), inner.gate.runtime().clone(), age));
        })
    }

    /// Another clock than the browser's, for tests.
    pub fn runtime(self, runtime: impl Runtime + 'static) -> Self {
        self.change(|inner| {
            let gate = Gate::new(inner.gate.source().clone(), Rc::new(runtime), inner.gate.minimum_age());
            inner.gate = Rc::new(gate);
        })
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = (*self.inner).clone();
        change(&mut inner);
        Self { inner: Rc::new(inner) }
    }

    /// A GET request. `path` is taken below the base URL; an absolute URL is taken as it is.
    pub fn get(&self, path: &str) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// A POST request. See [`get`](Self::get).
    pub fn post(&self, path: &str) -> ApiRequest {
        self.request(Method::POST, path)
    }

    /// A PUT request. See [`get`](Self::get).
    pub fn put(&self, path: &str) -> ApiRequest {
        self.request(Method::PUT, path)
    }

    /// A PATCH request. See [`get`](Self::get).
    pub fn patch(&self, path: &str) -> ApiRequest {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request. See [`get`](Self::get).
    pub fn delete(&self, path: &str) -> ApiRequest {
        self.request(Method::DELETE, path)
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
        match &self.inner.base {
            Some(base) => Url::new_with_base(below, &base.href()),
            None => Url::new(path),
        }
        .map_err(|_| InvalidOrigin::NotAUrl { given: path.to_owned() })
    }

    pub(crate) fn gate(&self) -> &Rc<Gate> {
        &self.inner.gate
    }

    pub(crate) fn size_limit(&self) -> usize {
        self.inner.max_size
    }

    /// Whether a request to this origin may leave the token to the cookie, as things stand.
    pub(crate) fn cookie_serves(&self, origin: &Origin) -> bool {
        !self.inner.always_bearer
            && self.inner.gate.source().keeps_cookie()
            && page::is_visible()
            && page::origin().is_some_and(|own| own == origin.as_str())
    }

    pub(crate) fn limit(&self) -> Duration {
        self.inner.time_limit
    }
}

impl fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiClient")
            .field("base", &self.inner.base.as_ref().map(Url::href))
            .field("allowed", &self.inner.allowed)
            .finish_non_exhaustive()
    }
}

impl PartialEq for ApiClient {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}
