use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::clerk::{Clerk, SignInOptions};
use crate::error::ClerkError;
use crate::hooks::{use_auth, use_clerk_context};

/// Properties of [`SignInButton`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct SignInButtonProps {
    /// Where to go after signing in. The present page unless set.
    #[prop_or_default]
    pub force_redirect_url: Option<AttrValue>,
    /// The button's classes.
    #[prop_or_default]
    pub class: Classes,
    /// The button's content. "Sign in" unless set.
    #[prop_or_else(|| html! { "Sign in" })]
    pub children: Html,
}

/// A button that opens Clerk's sign-in form over the page. It waits, disabled, until clerk-js has loaded.
#[component]
pub fn SignInButton(props: &SignInButtonProps) -> Html {
    let context = use_clerk_context();
    let ready = context.status.is_loaded();
    let onclick = {
        let (clerk, target) = (context.clerk, props.force_redirect_url.clone());
        Callback::from(move |_: MouseEvent| {
            let target = target.clone().unwrap_or_else(|| AttrValue::from(here()));
            report(clerk.open_sign_in(&SignInOptions { force_redirect_url: Some(target) }));
        })
    };
    html! {
        <button type="button" class={props.class.clone()} disabled={!ready} aria-haspopup="dialog" {onclick}>
            { props.children.clone() }
        </button>
    }
}

/// Properties of [`SignOutButton`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct SignOutButtonProps {
    /// The button's id.
    #[prop_or_default]
    pub id: Option<AttrValue>,
    /// The button's classes.
    #[prop_or_default]
    pub class: Classes,
    /// The button's content. "Sign out" unless set.
    #[prop_or_else(|| html! { "Sign out" })]
    pub children: Html,
}

/// A button that signs out. It is disabled unless somebody is signed in, and while it works.
#[component]
pub fn SignOutButton(props: &SignOutButtonProps) -> Html {
    let auth = use_auth();
    let busy = use_state(|| false);
    let onclick = {
        let (clerk, busy) = (auth.clerk().clone(), busy.clone());
        Callback::from(move |_: MouseEvent| {
            busy.set(true);
            spawn_local(sign_out(clerk.clone(), busy.clone()));
        })
    };
    let disabled = *busy || auth.is_signed_in() != Some(true);
    html! {
        <button type="button" id={props.id.clone()} class={props.class.clone()} {disabled} aria-busy={busy.to_string()}
            {onclick}>
            { props.children.clone() }
        </button>
    }
}

async fn sign_out(clerk: Clerk, busy: UseStateHandle<bool>) {
    report(clerk.sign_out().await);
    busy.set(false);
}

fn report(result: Result<(), ClerkError>) {
    if let Err(error) = result {
        web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(&error.to_string()));
    }
}

/// The present page, as a path of this app.
fn here() -> String {
    let part = |read: fn(&web_sys::Location) -> Result<String, wasm_bindgen::JsValue>| {
        web_sys::window().and_then(|window| read(&window.location()).ok()).unwrap_or_default()
    };
    format!("{}{}", part(web_sys::Location::pathname), part(web_sys::Location::search))
}
