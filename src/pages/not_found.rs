use yew::prelude::*;
use yew_router::prelude::*;

use crate::components::use_title;
use crate::routes::Route;

/// For every path that is not one of the app's.
#[component]
pub fn NotFound() -> Html {
    use_title("Not found");
    html! {
        <>
            <h1 id="not-found">{ "Not found" }</h1>
            <p>{ "There is no page here. " }<Link<Route> to={Route::Home}>{ "Go home" }</Link<Route>>{ "." }</p>
        </>
    }
}
