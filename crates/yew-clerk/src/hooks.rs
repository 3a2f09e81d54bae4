use std::cell::Cell;
use std::rc::Rc;

use bearer_fetch::{BearerToken, TokenError};
use clerk_core::Requirement;
use yew::prelude::*;

use crate::auth::{AuthState, LoadStatus, Organization, Session, User};
use crate::claims::Claims;
use crate::clerk::Clerk;
use crate::error::LoadError;
use crate::provider::ClerkContext;
use crate::token::GetToken;

/// Who is signed in, for the component that asks. See [`use_auth`].
#[derive(Clone, Debug, PartialEq)]
pub struct UseAuth {
    /// Who is signed in.
    pub state: AuthState,
    status: LoadStatus,
    clerk: Clerk,
}

/// Tells who is signed in, and gives tokens. The component renders again when that changes; a refreshed token
/// is no change.
///
/// ```
/// use yew::prelude::*;
/// use yew_clerk::use_auth;
///
/// #[component]
/// fn Greeting() -> Html {
///     let auth = use_auth();
///     match auth.user() {
///         Some(user) => html! { <p>{ "Hello, " }{ user.full_name.clone() }</p> },
///         None => html! {},
///     }
/// }
/// ```
///
/// Outside a [`ClerkProvider`](crate::ClerkProvider) nothing ever loads, and one error in the console says so.
#[hook]
pub fn use_auth() -> UseAuth {
    let context = use_clerk_context();
    UseAuth { state: context.auth, status: context.status, clerk: context.clerk }
}

/// The handle on Clerk. It never changes, so it makes no component render again.
#[hook]
pub fn use_clerk() -> Clerk {
    use_clerk_context().clerk
}

#[hook]
pub(crate) fn use_clerk_context() -> ClerkContext {
    let context = use_context::<ClerkContext>();
    let missing = context.is_none();
    let detached = use_memo((), move |()| {
        if missing {
            complain();
        }
        Clerk::new()
    });
    context.unwrap_or_else(|| ClerkContext {
        clerk: (*detached).clone(),
        status: LoadStatus::default(),
        auth: AuthState::default(),
    })
}

thread_local! {
    static COMPLAINED: Cell<bool> = const { Cell::new(false) };
}

/// Once per page: every hook and component below a missing provider would say the same.
fn complain() {
    let first = !COMPLAINED.replace(true);
    if first && cfg!(target_arch = "wasm32") {
        web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(
            "yew-clerk: a hook or component of Clerk is used outside <ClerkProvider>; put one around the app.",
        ));
    }
}

impl UseAuth {
    /// Whether it is known who is signed in.
    pub fn is_loaded(&self) -> bool {
        self.state != AuthState::Loading
    }

    /// Whether somebody is signed in; `None` while it is not known.
    pub fn is_signed_in(&self) -> Option<bool> {
        match self.state {
            AuthState::Loading => None,
            AuthState::SignedOut => Some(false),
            AuthState::SignedIn(_) => Some(true),
        }
    }

    /// The session, if somebody is signed in.
    pub fn session(&self) -> Option<&Rc<Session>> {
        self.state.session()
    }

    /// The person, if somebody is signed in.
    pub fn user(&self) -> Option<&User> {
        self.session().map(|session| &session.user)
    }

    /// The active organization and the person's place in it.
    pub fn organization(&self) -> Option<&Organization> {
        self.session()?.organization.as_ref()
    }

    /// The claims of the session's present token, if somebody is signed in. The component renders again when one of
    /// them changes that a refresh does not change by itself; see [`Claims`].
    pub fn claims(&self) -> Option<&Claims> {
        self.session().map(|session| &session.claims)
    }

    /// Whether somebody is signed in and has all that is asked for. `false` while it is not known. A page shows and
    /// hides by it; only the server protects.
    ///
    /// ```
    /// use yew_clerk::{Requirement, UseAuth};
    ///
    /// fn may_bill(auth: &UseAuth) -> bool {
    ///     auth.has(&Requirement::permission("org:invoices:manage").and(Requirement::plan("org:pro")))
    /// }
    /// ```
    pub fn has(&self, wanted: &Requirement) -> bool {
        self.session().is_some_and(|session| session.access().has(wanted))
    }

    /// Why clerk-js cannot be used, if it cannot.
    pub fn load_error(&self) -> Option<&LoadError> {
        match &self.status {
            LoadStatus::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// A token for a request that is sent now. See [`Clerk::get_token`], which takes wishes too.
    ///
    /// # Errors
    ///
    /// [`TokenError`] says why there is none.
    pub async fn get_token(&self) -> Result<BearerToken, TokenError> {
        self.clerk.get_token(GetToken::default()).await
    }

    /// The handle on Clerk.
    pub fn clerk(&self) -> &Clerk {
        &self.clerk
    }
}
