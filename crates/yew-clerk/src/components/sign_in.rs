use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::host::{Calls, HostProps, use_host};
use crate::bindings::ClerkJs;
use crate::js::ObjectBuilder;

/// Properties of [`SignIn`].
#[derive(Clone, Debug, Default, PartialEq, Properties)]
pub struct SignInProps {
    /// Where to go after signing in, whatever the page's URL says.
    #[prop_or_default]
    pub force_redirect_url: Option<AttrValue>,
    /// Where to go after signing in if the page's URL names no place.
    #[prop_or_default]
    pub fallback_redirect_url: Option<AttrValue>,
    /// The app's sign-up page.
    #[prop_or_default]
    pub sign_up_url: Option<AttrValue>,
}

impl HostProps for SignInProps {
    fn to_js(&self) -> JsValue {
        ObjectBuilder::default()
            // The form's steps are kept in the fragment, so the page that holds it needs one route alone.
            .text("routing", Some("hash"))
            .text("forceRedirectUrl", self.force_redirect_url.as_deref())
            .text("signUpForceRedirectUrl", self.force_redirect_url.as_deref())
            .text("fallbackRedirectUrl", self.fallback_redirect_url.as_deref())
            .text("signUpUrl", self.sign_up_url.as_deref())
            .build()
    }
}

const CALLS: Calls =
    Calls { name: "SignIn", mount: ClerkJs::mount_sign_in, unmount: ClerkJs::unmount_sign_in };

/// Clerk's own sign-in form.
#[component]
pub fn SignIn(props: &SignInProps) -> Html {
    use_host(CALLS, props.clone())
}
