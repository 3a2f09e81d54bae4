use yew::prelude::*;
use yew_clerk::{ClerkFailed, ClerkLoading, SignIn, SignedIn, SignedOut, use_auth};
use yew_router::prelude::*;

use crate::components::use_title;
use crate::return_to;
use crate::routes::Route;

/// Clerk's form, and the way back.
#[component]
pub fn SignInPage() -> Html {
    use_title("Sign in");
    let query = use_location().map(|location| location.query_str().to_owned()).unwrap_or_default();
    let back = return_to::from_query(&query);
    html! {
        <>
            <h1 class="visually-hidden">{ "Sign in" }</h1>
            <ClerkLoading><p role="status">{ "Loading sign-in…" }</p></ClerkLoading>
            <ClerkFailed><LoadFailure /></ClerkFailed>
            <SignedOut><div class="centered"><SignIn force_redirect_url={back.to_path()} /></div></SignedOut>
            <SignedIn><GoBack to={back} /></SignedIn>
        </>
    }
}

#[derive(PartialEq, Properties)]
struct GoBackProps {
    to: Route,
}

/// Somebody who is signed in has no business here. It replaces the entry in the history: going back from the
/// page it leads to must not lead here again.
#[component]
fn GoBack(props: &GoBackProps) -> Html {
    let navigator = use_navigator();
    use_effect_with(props.to, move |to| {
        if let Some(navigator) = navigator {
            navigator.replace(to);
        }
    });
    html! { <p>{ "You are signed in. " }<Link<Route> to={props.to}>{ "Go on" }</Link<Route>></p> }
}

/// Says why sign-in cannot be used.
#[component]
pub fn LoadFailure() -> Html {
    let auth = use_auth();
    let Some(error) = auth.load_error() else { return Html::default() };
    let reload = Callback::from(|_: MouseEvent| {
        if let Some(window) = web_sys::window() {
            let _ = window.location().reload();
        }
    });
    html! {
        <div class="notice error" role="alert" id="clerk-error">
            <p>{ error.to_string() }</p>
            <button type="button" class="button" onclick={reload}>{ "Reload" }</button>
        </div>
    }
}
