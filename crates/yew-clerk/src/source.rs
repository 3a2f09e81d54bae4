//! Clerk as a source of tokens for `bearer-fetch`.

use std::rc::Rc;

use bearer_fetch::{ApiClient, LocalBoxFuture, TokenError, TokenFuture, TokenSource};

use crate::clerk::{Clerk, WeakClerk};
use crate::token::GetToken;

/// clerk-js writes the token into a cookie of the page's own origin while the tab has the focus; the scope is the
/// session and its active organization.
impl TokenSource for Clerk {
    fn token(&self) -> TokenFuture {
        let clerk = self.clone();
        Box::pin(async move { clerk.get_token(GetToken::default()).await })
    }

    fn refresh(&self) -> TokenFuture {
        let clerk = self.clone();
        Box::pin(async move { clerk.get_token(GetToken::default().skip_cache()).await })
    }

    fn scope(&self) -> u64 {
        self.scope_number()
    }

    fn scope_ended(&self) -> LocalBoxFuture<()> {
        let (clerk, scope) = (self.clone(), self.scope_number());
        Box::pin(async move {
            while clerk.scope_number() == scope {
                clerk.changed().await;
            }
        })
    }

    fn keeps_cookie(&self) -> bool {
        true
    }
}

/// The same, without keeping the handle alive: the client that this is for is kept by the handle.
struct OfPage(WeakClerk);

impl OfPage {
    fn ask(&self, ask: impl Fn(&Clerk) -> TokenFuture) -> TokenFuture {
        match self.0.upgrade() {
            Some(clerk) => ask(&clerk),
            None => Box::pin(std::future::ready(Err(TokenError::NotLoaded))),
        }
    }
}

impl TokenSource for OfPage {
    fn token(&self) -> TokenFuture {
        self.ask(TokenSource::token)
    }

    fn refresh(&self) -> TokenFuture {
        self.ask(TokenSource::refresh)
    }

    fn scope(&self) -> u64 {
        self.0.upgrade().map_or(u64::MAX, |clerk| clerk.scope_number())
    }

    fn scope_ended(&self) -> LocalBoxFuture<()> {
        match self.0.upgrade() {
            Some(clerk) => clerk.scope_ended(),
            None => Box::pin(std::future::ready(())),
        }
    }

    fn keeps_cookie(&self) -> bool {
        true
    }
}

/// A client for the page's own origin and the others named. One that cannot be on the list is told of in the
/// console, and requests to it are refused.
pub(crate) fn client_of(clerk: &Clerk, origins: &[yew::AttrValue]) -> ApiClient {
    let client = ApiClient::of_page(OfPage(clerk.downgrade()));
    origins.iter().fold(client, |client, origin| match client.clone().allow_origin(origin) {
        Ok(client) => client,
        Err(error) => {
            let message = format!("yew-clerk: api_origins: {error}");
            web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(&message));
            client
        }
    })
}

/// The handle's client, made when it is first wanted.
#[derive(Default)]
pub(crate) struct PageClient {
    origins: Vec<yew::AttrValue>,
    client: Option<ApiClient>,
}

impl PageClient {
    /// Gives up the client if it was made for other origins.
    pub(crate) fn set_origins(&mut self, origins: &[yew::AttrValue]) {
        if self.origins != origins {
            *self = Self { origins: origins.to_vec(), client: None };
        }
    }

    pub(crate) fn get(&mut self, clerk: &Clerk) -> ApiClient {
        self.client.get_or_insert_with(|| client_of(clerk, &self.origins)).clone()
    }
}

/// Whose tokens they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) session_id: String,
    pub(crate) organization_id: Option<String>,
}

impl Identity {
    pub(crate) fn of(session: &Rc<crate::auth::Session>) -> Self {
        Self { session_id: session.id.clone(), organization_id: session.organization_id.clone() }
    }
}
