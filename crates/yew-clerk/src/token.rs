use std::future::Future;
use std::time::Duration;

use bearer_fetch::{BearerToken, TokenError};
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::{JsCast, JsValue};

use crate::auth::{AuthState, LoadStatus};
use crate::clerk::Clerk;
use crate::js::ObjectBuilder;

/// Which token is wanted.
///
/// ```
/// use std::time::Duration;
/// use yew_clerk::GetToken;
///
/// let wish = GetToken::default().template("supabase").time_limit(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GetToken {
    template: Option<String>,
    organization_id: Option<String>,
    skip_cache: bool,
    time_limit: Duration,
}

impl Default for GetToken {
    fn default() -> Self {
        Self { template: None, organization_id: None, skip_cache: false, time_limit: Duration::from_secs(10) }
    }
}

impl GetToken {
    /// A token from a JWT template of the instance, in place of a session token.
    pub fn template(mut self, name: impl Into<String>) -> Self {
        self.template = Some(name.into());
        self
    }

    /// A token for another organization than the active one.
    pub fn organization_id(mut self, id: impl Into<String>) -> Self {
        self.organization_id = Some(id.into());
        self
    }

    /// A token made now, although clerk-js holds one that is still good.
    pub fn skip_cache(mut self) -> Self {
        self.skip_cache = true;
        self
    }

    /// How long to wait, loading included. 10 s unless set; clerk-js alone can try for minutes.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    pub(crate) fn limit(&self) -> Duration {
        self.time_limit
    }

    /// What makes it another wish: everything but the time limit.
    pub(crate) fn identity(&self) -> (Option<String>, Option<String>, bool) {
        (self.template.clone(), self.organization_id.clone(), self.skip_cache)
    }

    pub(crate) fn to_js(&self) -> JsValue {
        let options = ObjectBuilder::default()
            .text("template", self.template.as_deref())
            .text("organizationId", self.organization_id.as_deref());
        if self.skip_cache { options.set("skipCache", true) } else { options }.build()
    }
}

impl Clerk {
    /// A token for a request that is sent now. clerk-js hands out the one it holds while that is good for
    /// five more seconds, so ask before each request and keep none.
    ///
    /// Waits for clerk-js to load, and for a change of session to come to its end. However many ask for the same
    /// token at once, forced ones included, clerk-js is asked once. Dropping the future gives the wish up.
    ///
    /// # Errors
    ///
    /// [`TokenError`] says why there is none.
    pub async fn get_token(&self, wish: GetToken) -> Result<BearerToken, TokenError> {
        within(wish.time_limit, self.token_of(&wish), || Some(self.clone())).await
    }

    pub(crate) async fn token_of(&self, wish: &GetToken) -> Result<BearerToken, TokenError> {
        loop {
            if matches!(self.status(), LoadStatus::Failed(_)) {
                return Err(TokenError::NotLoaded);
            }
            match self.auth() {
                AuthState::SignedOut => return Err(TokenError::SignedOut),
                AuthState::SignedIn(asked) => {
                    let session = self.js().map(|js| js.session()).filter(JsValue::is_object);
                    if let Some(session) = session {
                        let answer = self.flights().ask(session.unchecked_into(), wish).await;
                        match self.auth() {
                            // The token is for the organization that was active when it was asked for.
                            AuthState::SignedIn(now)
                                if now.id == asked.id && now.organization_id != asked.organization_id =>
                            {
                                continue;
                            }
                            AuthState::SignedIn(now) if now.id != asked.id => {
                                return Err(TokenError::SignedOut);
                            }
                            AuthState::SignedOut => return Err(TokenError::SignedOut),
                            AuthState::SignedIn(_) | AuthState::Loading => return answer,
                        }
                    }
                }
                AuthState::Loading => {}
            }
            self.changed().await;
        }
    }
}

/// The answer, or why there is none yet once the limit is over.
pub(crate) async fn within(
    limit: Duration,
    asking: impl Future<Output = Result<BearerToken, TokenError>>,
    clerk: impl Fn() -> Option<Clerk>,
) -> Result<BearerToken, TokenError> {
    // `setTimeout` reads its delay as a signed 32-bit number.
    let millis = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    let late = TimeoutFuture::new(millis.unsigned_abs());
    match select(Box::pin(asking), late).await {
        Either::Left((token, _)) => token,
        Either::Right(((), _)) if !clerk().is_some_and(|clerk| clerk.status().is_loaded()) => {
            Err(TokenError::NotLoaded)
        }
        Either::Right(((), _)) if is_offline() => Err(TokenError::Offline),
        Either::Right(((), _)) => Err(TokenError::TimedOut { after: limit }),
    }
}

fn is_offline() -> bool {
    web_sys::window().is_some_and(|window| !window.navigator().on_line())
}
