//! Loading clerk-js: scripts, options, listeners.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use clerk_core::PublishableKey;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use yew::AttrValue;

use crate::auth::{AuthState, LoadStatus};
use crate::bindings::ClerkJs;
use crate::clerk::Clerk;
use crate::error::{ClerkError, LoadError};
use crate::js::{self, ObjectBuilder};
use crate::provider::Navigation;
use crate::script::{self, Scripts};
use crate::snapshot;

/// How long loading may take before it counts as failed. It goes on all the same, and may still succeed.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// How Clerk's components look: values of Clerk's `appearance.variables`, such as `colorPrimary`. Each may be
/// any CSS value, `var(--…)` included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Appearance {
    /// Names and values.
    pub variables: Vec<(&'static str, AttrValue)>,
}

/// What clerk-js is loaded with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoadOptions {
    pub(crate) publishable_key: PublishableKey,
    pub(crate) proxy_url: Option<AttrValue>,
    pub(crate) sign_in_url: Option<AttrValue>,
    pub(crate) after_sign_out_url: Option<AttrValue>,
    pub(crate) appearance: Appearance,
    pub(crate) telemetry: bool,
}

thread_local! {
    /// A page has one clerk-js. A provider that is mounted again joins the loading that its predecessor began.
    static LOADING: RefCell<Option<Promise>> = const { RefCell::new(None) };
    /// Its script while that is on its way: a second element would make clerk-js warn, or load twice.
    static SCRIPT: RefCell<Option<Promise>> = const { RefCell::new(None) };
}

/// What ties a [`Clerk`] to clerk-js; dropping it lets go.
#[derive(Default)]
pub(crate) struct Subscription {
    unsubscribe: Option<Function>,
    status: Option<(ClerkJs, Handler)>,
    _listener: Option<Handler>,
}

type Handler = Closure<dyn FnMut(JsValue)>;

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(unsubscribe) = &self.unsubscribe {
            let _ = unsubscribe.call0(&JsValue::UNDEFINED);
        }
        if let Some((clerk, handler)) = &self.status {
            let _ = clerk.off("status", handler.as_ref().unchecked_ref());
        }
    }
}

/// Loads clerk-js in the background. Progress and failure show in the handle's status.
pub(crate) fn start(clerk: &Clerk, options: LoadOptions) -> Rc<RefCell<Subscription>> {
    let subscription = Rc::new(RefCell::new(Subscription::default()));
    let late = clerk.clone();
    spawn_local(async move {
        TimeoutFuture::new(TIME_LIMIT.as_millis() as u32).await;
        if late.status() == LoadStatus::Loading {
            late.set_status(LoadStatus::Failed(Rc::new(LoadError::TimedOut { after: TIME_LIMIT })));
        }
    });
    let (clerk, kept) = (clerk.clone(), Rc::downgrade(&subscription));
    spawn_local(async move {
        match load(&clerk, &options).await {
            Ok(js) => {
                let Some(kept) = kept.upgrade() else { return };
                let made = subscribe(&clerk, &js);
                kept.replace(made);
            }
            Err(error) => clerk.set_status(LoadStatus::Failed(Rc::new(error))),
        }
    });
    subscription
}

async fn load(clerk: &Clerk, options: &LoadOptions) -> Result<ClerkJs, LoadError> {
    let scripts = Scripts::of(&options.publishable_key, options.proxy_url.as_deref());
    if ClerkJs::in_window().is_none() {
        fetch_script(&scripts.clerk_js, options).await?;
    }
    let js = ClerkJs::in_window().ok_or(LoadError::NoClerk)?;
    let pending = LOADING.with_borrow(Option::clone);
    let loading = match pending {
        Some(loading) => loading,
        None => {
            let loading = js
                .load(&load_options(clerk, options, ui(scripts.clerk_ui)))
                .map_err(|error| LoadError::Clerk(ClerkError::of(&error)))?;
            LOADING.set(Some(loading.clone()));
            loading
        }
    };
    JsFuture::from(loading).await.map_err(|error| {
        LOADING.set(None);
        LoadError::Clerk(ClerkError::of(&error))
    })?;
    Ok(js)
}

async fn fetch_script(url: &str, options: &LoadOptions) -> Result<(), LoadError> {
    let pending = SCRIPT.with_borrow(Option::clone);
    let script = pending.unwrap_or_else(|| {
        let (url, key, proxy) = (url.to_owned(), options.publishable_key.clone(), options.proxy_url.clone());
        let script = future_to_promise(async move {
            let mut attributes = vec![("data-clerk-publishable-key", key.as_str())];
            if let Some(proxy) = &proxy {
                // Only the constructor reads it, from the script's element; `load` ignores it.
                attributes.push(("data-clerk-proxy-url", proxy));
            }
            let fetched = script::inject(&url, &attributes).await;
            SCRIPT.set(None);
            fetched.map(|()| JsValue::UNDEFINED).map_err(|error| JsValue::from_str(&error.to_string()))
        });
        SCRIPT.set(Some(script.clone()));
        script
    });
    JsFuture::from(script).await.map_err(|_| LoadError::Script { url: url.to_owned() })?;
    Ok(())
}

/// The UI's constructor, once its script has run. clerk-js waits for it without a catch, so a UI that does not
/// come leaves the promise open, and one line in the console; tokens do not need it.
fn ui(url: String) -> Promise {
    future_to_promise(async move {
        let constructor = || {
            let window = web_sys::window()?;
            js::get(window.as_ref(), "__internal_ClerkUICtor")
        };
        if constructor().is_none()
            && let Err(error) = script::inject(&url, &[]).await
        {
            web_sys::console::error_1(&JsValue::from_str(&error.to_string()));
        }
        match constructor() {
            Some(constructor) => Ok(constructor),
            None => std::future::pending().await,
        }
    })
}

fn load_options(clerk: &Clerk, options: &LoadOptions, ui: Promise) -> JsValue {
    let variables = options
        .appearance
        .variables
        .iter()
        .fold(ObjectBuilder::default(), |object, (name, value)| object.text(name, Some(value)));
    let mut object = ObjectBuilder::default()
        .set("ui", ObjectBuilder::default().set("ClerkUI", ui).build())
        .set("appearance", ObjectBuilder::default().set("variables", variables.build()).build())
        .text("signInUrl", options.sign_in_url.as_deref())
        // Where a sign-in form leads may stand in the page's URL, and so be anybody's wish: our own origin alone.
        .set("allowedRedirectOrigins", js_sys::Array::from_iter(own_origin()))
        .text("afterSignOutUrl", options.after_sign_out_url.as_deref());
    if !options.telemetry {
        object = object.set("telemetry", false);
    }
    if clerk.navigate().is_some() {
        // Both or neither: clerk-js warns about one alone.
        object = object.set("routerPush", router(clerk, false)).set("routerReplace", router(clerk, true));
    }
    object.build()
}

fn own_origin() -> Option<JsValue> {
    web_sys::window()?.location().origin().ok().map(|origin| JsValue::from_str(&origin))
}

/// A function that clerk-js calls to navigate within the app, and waits for. It lives as long as the page:
/// clerk-js keeps it.
fn router(clerk: &Clerk, replace: bool) -> JsValue {
    let clerk = clerk.clone();
    let go = Closure::<dyn FnMut(JsValue) -> Promise>::new(move |to: JsValue| {
        if let (Some(navigate), Some(to)) = (clerk.navigate(), to.as_string()) {
            navigate.emit(Navigation { to, replace });
        }
        Promise::resolve(&JsValue::UNDEFINED)
    });
    go.into_js_value()
}

fn subscribe(clerk: &Clerk, js: &ClerkJs) -> Subscription {
    let told = clerk.clone();
    let listener = Handler::new(move |resources: JsValue| {
        told.set_auth(snapshot::of_resources(&resources));
    });
    let told = clerk.clone();
    let status = Handler::new(move |status: JsValue| {
        set_status(&told, status.as_string().as_deref());
    });
    let skip_initial = ObjectBuilder::default().set("skipInitialEmit", true).build();
    let unsubscribe = js.add_listener(listener.as_ref().unchecked_ref(), &skip_initial).ok();
    let _ = js.on("status", status.as_ref().unchecked_ref(), &JsValue::UNDEFINED);
    clerk.set_js(js.clone());
    set_status(clerk, js.status().as_deref());
    clerk.set_auth(snapshot::of_clerk(js));
    Subscription { unsubscribe, status: Some((js.clone(), status)), _listener: Some(listener) }
}

fn set_status(clerk: &Clerk, status: Option<&str>) {
    match status {
        Some("ready") => clerk.set_status(LoadStatus::Ready),
        Some("degraded") => clerk.set_status(LoadStatus::Degraded),
        Some("error") => {
            let unknown = ClerkError::of(&JsValue::from_str("clerk-js stopped working"));
            clerk.set_status(LoadStatus::Failed(Rc::new(LoadError::Clerk(unknown))));
            clerk.set_auth(AuthState::Loading);
        }
        _ => {}
    }
}
