use std::time::Duration;

use bearer_fetch::{BearerToken, TokenError, TokenFuture, TokenSource};
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::auth::{AuthState, LoadStatus};
use crate::bindings::SessionJs;
use crate::clerk::Clerk;
use crate::error::ClerkError;
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

    fn to_js(&self) -> JsValue {
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
    /// Waits for clerk-js to load, and for a change of session to come to its end.
    ///
    /// # Errors
    ///
    /// [`TokenError`] says why there is none.
    pub async fn get_token(&self, wish: GetToken) -> Result<BearerToken, TokenError> {
        // `setTimeout` reads its delay as a signed 32-bit number.
        let millis = i32::try_from(wish.time_limit.as_millis()).unwrap_or(i32::MAX);
        let late = TimeoutFuture::new(millis.unsigned_abs());
        match select(Box::pin(self.token(&wish)), late).await {
            Either::Left((token, _)) => token,
            Either::Right(((), _)) if !self.status().is_loaded() => Err(TokenError::NotLoaded),
            Either::Right(((), _)) if is_offline() => Err(TokenError::Offline),
            Either::Right(((), _)) => Err(TokenError::TimedOut { after: wish.time_limit }),
        }
    }

    async fn token(&self, wish: &GetToken) -> Result<BearerToken, TokenError> {
        loop {
            if matches!(self.status(), LoadStatus::Failed(_)) {
                return Err(TokenError::NotLoaded);
            }
            match self.auth() {
                AuthState::SignedOut => return Err(TokenError::SignedOut),
                AuthState::SignedIn(_) => {
                    let session = self.js().map(|js| js.session()).filter(JsValue::is_object);
                    if let Some(session) = session {
                        return ask(session.unchecked_into(), wish).await;
                    }
                }
                AuthState::Loading => {}
            }
            self.changed().await;
        }
    }
}

async fn ask(session: SessionJs, wish: &GetToken) -> Result<BearerToken, TokenError> {
    let answer = match session.get_token(&wish.to_js()) {
        Ok(promise) => JsFuture::from(promise).await,
        Err(thrown) => Err(thrown),
    };
    match answer {
        // clerk-js resolves to `null` where there is no session to make a token for.
        Ok(token) if token.is_null() => Err(TokenError::SignedOut),
        Ok(token) => Ok(BearerToken::new(&token.as_string().unwrap_or_default())?),
        Err(thrown) => {
            let error = ClerkError::of(&thrown);
            Err(if error.is_offline() { TokenError::Offline } else { TokenError::Provider(error.0) })
        }
    }
}

fn is_offline() -> bool {
    web_sys::window().is_some_and(|window| !window.navigator().on_line())
}

impl TokenSource for Clerk {
    fn token(&self) -> TokenFuture {
        let clerk = self.clone();
        Box::pin(async move { clerk.get_token(GetToken::default()).await })
    }
}
