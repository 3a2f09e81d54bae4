use clerk_core::PublishableKey;
use yew::prelude::*;

use crate::auth::{AuthState, LoadStatus};
use crate::clerk::Clerk;
use crate::load::{self, Appearance, LoadOptions};
use crate::{outside, page};

/// A navigation within the app that Clerk asks for, such as the way back after signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Navigation {
    /// A path of this app, with its query and fragment. Clerk leaves the app by itself.
    pub to: String,
    /// Whether the present entry of the history is to be replaced.
    pub replace: bool,
}

/// Properties of [`ClerkProvider`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct ClerkProviderProps {
    /// The instance's publishable key. The key a page was loaded with stays until it is reloaded.
    pub publishable_key: PublishableKey,
    /// Where the Frontend API is reached if not at the instance's own host: a path of this app such as
    /// `/__clerk`, or a URL.
    #[prop_or_default]
    pub proxy_url: Option<AttrValue>,
    /// The app's sign-in page.
    #[prop_or_default]
    pub sign_in_url: Option<AttrValue>,
    /// Where signing out leads. Clerk's default is `/`.
    #[prop_or_default]
    pub after_sign_out_url: Option<AttrValue>,
    /// How to navigate within the app: usually by its router. Without it Clerk loads the page anew.
    #[prop_or_default]
    pub navigate: Option<Callback<Navigation>>,
    /// How Clerk's components look.
    #[prop_or_default]
    pub appearance: Appearance,
    /// The origins beside the page's own that [`use_fetch`](crate::use_fetch) sends the token to, such as
    /// `https://api.foo.com`. None unless set.
    #[prop_or_default]
    pub api_origins: Vec<AttrValue>,
    /// Whether clerk-js may send usage data to Clerk. Off unless set.
    #[prop_or_default]
    pub telemetry: bool,
    /// The app.
    #[prop_or_default]
    pub children: Html,
}

/// What the provider gives its descendants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClerkContext {
    pub(crate) clerk: Clerk,
    pub(crate) status: LoadStatus,
    pub(crate) auth: AuthState,
}

/// Loads clerk-js and tells its descendants who is signed in. An app has one, near its root.
#[component]
pub fn ClerkProvider(props: &ClerkProviderProps) -> Html {
    let clerk = use_memo((), |()| Clerk::new());
    clerk.set_navigate(props.navigate.clone());
    clerk.set_api_origins(&props.api_origins);
    let update = use_force_update();

    // In the first render and not in an effect: what changes before the effects run would be missed.
    let _told = use_memo((), |()| clerk.listen(move || update.force_update()));
    let options = LoadOptions {
        publishable_key: props.publishable_key.clone(),
        proxy_url: props.proxy_url.clone(),
        sign_in_url: props.sign_in_url.clone(),
        after_sign_out_url: props.after_sign_out_url.clone(),
        appearance: props.appearance.clone(),
        telemetry: props.telemetry,
    };
    // Effects run in browsers alone: on a server nobody loads clerk-js, and everything stays "loading".
    use_effect_with((), {
        let clerk = clerk.clone();
        move |()| {
            let subscription = load::start(&clerk, options);
            let page = page::watch(&clerk);
            outside::register(&clerk);
            move || {
                outside::unregister(&clerk);
                drop((subscription, page));
            }
        }
    });

    let context = ClerkContext { clerk: (*clerk).clone(), status: clerk.status(), auth: clerk.auth() };
    html! {
        <ContextProvider<ClerkContext> {context}>{ props.children.clone() }</ContextProvider<ClerkContext>>
    }
}
