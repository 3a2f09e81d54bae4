use yew::prelude::*;
use yew_clerk::{SignOutButton, SignedIn, SignedOut, UserButton};
use yew_router::prelude::*;

use crate::return_to;
use crate::routes::Route;

/// The way around, and who is signed in.
#[component]
pub fn Header() -> Html {
    let route = use_route::<Route>().unwrap_or(Route::NotFound);
    let link = |to: Route, text: &'static str| {
        let class = if route == to { "current" } else { "" };
        html! { <Link<Route> {to} classes={classes!(class)}>{ text }</Link<Route>> }
    };
    html! {
        <header class="header">
            <nav aria-label="Main">
                { link(Route::Home, "foo.com") }
                { link(Route::Foo, "Foo") }
                { link(Route::Requests, "Requests") }
            </nav>
            <div class="account">
                <SignedIn>
                    <UserButton />
                    <SignOutButton id="sign-out" class="button quiet" />
                </SignedIn>
                <SignedOut>if route != Route::SignIn { <SignInLink {route} /> }</SignedOut>
            </div>
        </header>
    }
}

#[derive(PartialEq, Properties)]
struct SignInLinkProps {
    route: Route,
}

/// Leads to the sign-in page and back to where it was pressed.
#[component]
fn SignInLink(props: &SignInLinkProps) -> Html {
    let navigator = use_navigator();
    let href = return_to::sign_in_url(props.route);
    let onclick = {
        let href = href.clone();
        Callback::from(move |event: MouseEvent| {
            // A click with a modifier opens a tab of its own, which is the browser's to do.
            if event.ctrl_key() || event.meta_key() || event.shift_key() {
                return;
            }
            if let Some(navigator) = &navigator {
                event.prevent_default();
                navigator.push(&yew_router::AnyRoute::new(href.clone()));
            }
        })
    };
    html! { <a class="button" {href} {onclick}>{ "Sign in" }</a> }
}
