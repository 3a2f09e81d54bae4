use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use bearer_fetch::ApiClient;
use futures_channel::oneshot;
use wasm_bindgen_futures::JsFuture;

use crate::auth::{AuthState, LoadStatus};
use crate::bindings::ClerkJs;
use crate::error::ClerkError;
use crate::flight::Flights;
use crate::js::ObjectBuilder;
use crate::provider::Navigation;
use crate::source::{Identity, PageClient};

/// Clerk in this page: a handle that stays the same for as long as its provider lives.
///
/// Cloning is cheap. Holding one does not re-render a component; [`use_auth`](crate::use_auth) does.
#[derive(Clone)]
pub struct Clerk {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    js: RefCell<Option<ClerkJs>>,
    status: RefCell<LoadStatus>,
    auth: RefCell<AuthState>,
    /// While the page is put away, what clerk-js says is not shown.
    put_away: Cell<bool>,
    listeners: RefCell<Vec<(u64, Listener)>>,
    next_listener: Cell<u64>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    navigate: RefCell<Option<yew::Callback<Navigation>>>,
    /// Who was last known to be signed in, and how often that has ended.
    identity: RefCell<Option<Identity>>,
    scope: Cell<u64>,
    flights: Flights,
    page_client: RefCell<PageClient>,
}

/// A handle that keeps nothing alive.
pub(crate) struct WeakClerk(Weak<Inner>);

impl WeakClerk {
    pub(crate) fn upgrade(&self) -> Option<Clerk> {
        Some(Clerk { inner: self.0.upgrade()? })
    }
}

type Listener = Rc<dyn Fn()>;

/// Where [`Clerk::open_sign_in`] leads. Both are paths of the app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignInOptions {
    /// Where to go after signing in, whatever the page's URL says.
    pub force_redirect_url: Option<yew::AttrValue>,
}

impl Clerk {
    pub(crate) fn new() -> Self {
        Self { inner: Rc::default() }
    }

    /// Who is signed in at this moment.
    pub fn auth(&self) -> AuthState {
        self.inner.auth.borrow().clone()
    }

    /// How far clerk-js is at this moment.
    pub fn status(&self) -> LoadStatus {
        self.inner.status.borrow().clone()
    }

    /// Signs out, here and in the browser's other tabs. Dropping the future does not stop it.
    ///
    /// # Errors
    ///
    /// What clerk-js says; the person may then still be signed in.
    pub async fn sign_out(&self) -> Result<(), ClerkError> {
        let Some(js) = self.js() else { return Ok(()) };
        let promise =
            js.sign_out(&ObjectBuilder::default().build()).map_err(|error| ClerkError::of(&error))?;
        JsFuture::from(promise).await.map_err(|error| ClerkError::of(&error))?;
        Ok(())
    }

    /// Opens Clerk's sign-in form over the page.
    ///
    /// # Errors
    ///
    /// What clerk-js says, for instance that its UI did not load.
    pub fn open_sign_in(&self, options: &SignInOptions) -> Result<(), ClerkError> {
        let Some(js) = self.js() else { return Ok(()) };
        let props = ObjectBuilder::default()
            .text("forceRedirectUrl", options.force_redirect_url.as_deref())
            .text("signUpForceRedirectUrl", options.force_redirect_url.as_deref())
            .build();
        js.open_sign_in(&props).map_err(|error| ClerkError::of(&error))
    }

    /// The client of [`use_fetch`](crate::use_fetch): the page's own origin, and the provider's `api_origins`.
    pub fn api_client(&self) -> ApiClient {
        self.inner.page_client.borrow_mut().get(self)
    }

    pub(crate) fn set_api_origins(&self, origins: &[yew::AttrValue]) {
        self.inner.page_client.borrow_mut().set_origins(origins);
    }

    pub(crate) fn downgrade(&self) -> WeakClerk {
        WeakClerk(Rc::downgrade(&self.inner))
    }

    pub(crate) fn flights(&self) -> &Flights {
        &self.inner.flights
    }

    /// How often somebody has gone: signed out, another session, another organization.
    pub(crate) fn scope_number(&self) -> u64 {
        self.inner.scope.get()
    }

    /// The clerk-js of this page, once it has loaded.
    pub(crate) fn js(&self) -> Option<ClerkJs> {
        self.inner.js.borrow().clone()
    }

    pub(crate) fn set_js(&self, js: ClerkJs) {
        self.inner.js.replace(Some(js));
    }

    pub(crate) fn set_navigate(&self, navigate: Option<yew::Callback<Navigation>>) {
        let before = self.inner.navigate.replace(navigate);
        drop(before);
    }

    pub(crate) fn navigate(&self) -> Option<yew::Callback<Navigation>> {
        self.inner.navigate.borrow().clone()
    }

    pub(crate) fn set_status(&self, status: LoadStatus) {
        if *self.inner.status.borrow() != status {
            self.inner.status.replace(status);
            self.tell();
        }
    }

    pub(crate) fn set_auth(&self, auth: AuthState) {
        let auth = if self.inner.put_away.get() { AuthState::Loading } else { auth };
        let changed = *self.inner.auth.borrow() != auth;
        // Also where nothing is told: the claims may have a later time in them.
        self.inner.auth.replace(auth.clone());
        if !changed {
            return;
        }
        // While nobody knows who is signed in, nobody has gone.
        if auth != AuthState::Loading {
            let now = auth.session().map(Identity::of);
            let before = self.inner.identity.replace(now.clone());
            if before.is_some() && before != now {
                self.inner.scope.set(self.inner.scope.get() + 1);
            }
        }
        self.tell();
    }

    /// While a page is put away, nobody counts as signed in.
    pub(crate) fn put_away(&self, away: bool) {
        self.inner.put_away.set(away);
        if away {
            self.set_auth(AuthState::Loading);
        }
    }

    /// Calls `listener` whenever the status or the person changes, until the guard is dropped.
    pub(crate) fn listen(&self, listener: impl Fn() + 'static) -> ListenGuard {
        let id = self.inner.next_listener.get();
        self.inner.next_listener.set(id + 1);
        self.inner.listeners.borrow_mut().push((id, Rc::new(listener)));
        ListenGuard { clerk: self.clone(), id }
    }

    /// Resolves at the next change of the status or the person.
    pub(crate) async fn changed(&self) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.inner.waiting.borrow_mut();
            waiting.retain(|sender| !sender.is_canceled());
            waiting.push(sender);
        }
        let _ = receiver.await;
    }

    fn tell(&self) {
        for sender in self.inner.waiting.take() {
            let _ = sender.send(());
        }
        // A copy: a listener may add or remove listeners.
        let listeners = self.inner.listeners.borrow().clone();
        for (_, listener) in listeners {
            listener();
        }
    }
}

impl PartialEq for Clerk {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for Clerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clerk").field("status", &self.inner.status).field("auth", &self.inner.auth).finish()
    }
}

/// Ends a [`Clerk::listen`].
pub(crate) struct ListenGuard {
    clerk: Clerk,
    id: u64,
}

impl Drop for ListenGuard {
    fn drop(&mut self) {
        let mut listeners = self.clerk.inner.listeners.borrow_mut();
        let position = listeners.iter().position(|(id, _)| *id == self.id);
        let removed = position.map(|position| listeners.swap_remove(position));
        // Dropping a listener drops what it captured, which is not ours: let go of the list first.
        drop(listeners);
        drop(removed);
    }
}
