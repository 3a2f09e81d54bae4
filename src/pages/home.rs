use yew::prelude::*;
use yew_clerk::use_auth;
use yew_router::prelude::*;

use crate::components::use_title;
use crate::routes::Route;

/// What this is, for everybody.
#[component]
pub fn Home() -> Html {
    use_title("Home");
    let auth = use_auth();
    let greeting = match auth.user() {
        Some(user) => format!("Hello, {}.", user.full_name.as_deref().unwrap_or(&user.id)),
        None => "Hello.".to_owned(),
    };
    html! {
        <>
            <h1>{ greeting }</h1>
            <p>
                { "This page is at one origin, and its protected resource at another. Sign in, and the app asks for \
                   it with a token that lives for a minute." }
            </p>
            <p><Link<Route> to={Route::Foo} classes="button">{ "See the resource" }</Link<Route>></p>
            <p class="muted">
                { "Or send a request of your own, and see " }
                <Link<Route> to={Route::Requests}>{ "where the token goes" }</Link<Route>>{ "." }
            </p>
        </>
    }
}
