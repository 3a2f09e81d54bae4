use yew::prelude::*;

use crate::hooks::use_auth;

/// Properties of the components that show their children in one state.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct WhenProps {
    /// What to show in that state.
    #[prop_or_default]
    pub children: Html,
}

fn when(condition: bool, props: &WhenProps) -> Html {
    if condition { props.children.clone() } else { Html::default() }
}

/// Shows its children while somebody is signed in.
#[component]
pub fn SignedIn(props: &WhenProps) -> Html {
    when(use_auth().is_signed_in() == Some(true), props)
}

/// Shows its children while nobody is signed in. Not while that is unknown.
#[component]
pub fn SignedOut(props: &WhenProps) -> Html {
    when(use_auth().is_signed_in() == Some(false), props)
}

/// Shows its children while it is not known who is signed in, unless loading has failed.
#[component]
pub fn ClerkLoading(props: &WhenProps) -> Html {
    let auth = use_auth();
    when(!auth.is_loaded() && auth.load_error().is_none(), props)
}

/// Shows its children once clerk-js has failed to load.
#[component]
pub fn ClerkFailed(props: &WhenProps) -> Html {
    when(use_auth().load_error().is_some(), props)
}
