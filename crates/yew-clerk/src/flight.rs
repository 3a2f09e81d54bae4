//! Asking clerk-js for a token, once for all who want the same one at the same time. clerk-js shares its requests
//! only among those that may be answered from its cache; a forced one it sends each time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;

use bearer_fetch::{BearerToken, TokenError};
use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use wasm_bindgen_futures::JsFuture;

use crate::bindings::SessionJs;
use crate::error::ClerkError;
use crate::js;
use crate::token::GetToken;

type Answer = Result<BearerToken, TokenError>;
type Asking = Pin<Box<dyn Future<Output = Answer>>>;

/// The questions under way. Each lives as long as somebody waits for it.
#[derive(Default)]
pub(crate) struct Flights(RefCell<Vec<(Question, WeakShared<Asking>)>>);

/// What makes two wishes the same.
#[derive(Clone, PartialEq)]
struct Question {
    session_id: Option<String>,
    active_organization: Option<String>,
    wish: (Option<String>, Option<String>, bool),
}

impl Flights {
    /// Joins the question under way, or asks.
    pub(crate) fn ask(&self, session: SessionJs, wish: &GetToken) -> Shared<Asking> {
        let question = Question {
            session_id: js::text(&session, "id"),
            active_organization: js::text(&session, "lastActiveOrganizationId"),
            wish: wish.identity(),
        };
        let mut flights = self.0.borrow_mut();
        flights.retain(|(_, flight)| flight.upgrade().is_some_and(|flight| flight.peek().is_none()));
        let same = flights.iter().find(|(other, _)| *other == question);
        if let Some(flight) = same.and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        let asking: Asking = Box::pin(ask(session, wish.to_js()));
        let flight = asking.shared();
        flights.extend(flight.downgrade().map(|weak| (question, weak)));
        flight
    }
}

async fn ask(session: SessionJs, wish: wasm_bindgen::JsValue) -> Answer {
    let answer = match session.get_token(&wish) {
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
