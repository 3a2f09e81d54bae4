//! Where sign-in leads back to.
//!
//! The place is named in the URL, so anybody can write it. What comes out of here is one of the app's own
//! routes and never the text itself: there is nothing left that could lead elsewhere.

use web_sys::{Url, UrlSearchParams};
use yew_router::Routable;

use crate::routes::Route;

/// The name that Clerk uses too.
const PARAMETER: &str = "redirect_url";

/// The route that a sign-in page's query asks to be led back to; home if it names none of ours.
pub fn from_query(query: &str) -> Route {
    let wish = UrlSearchParams::new_with_str(query).ok().and_then(|query| query.get(PARAMETER));
    wish.and_then(|wish| own_route(&wish)).unwrap_or(Route::Home)
}

/// The sign-in page's URL that leads back to `route`.
pub fn sign_in_url(route: Route) -> String {
    let back = js_sys::encode_uri_component(&route.to_path());
    format!("{}?{PARAMETER}={back}", Route::SignIn.to_path())
}

fn own_route(wish: &str) -> Option<Route> {
    let here = web_sys::window()?.location().origin().ok()?;
    // The browser's parser knows every spelling of another host: `//evil`, `/\evil`, tabs in between.
    let url = Url::new_with_base(wish, &here).ok()?;
    if url.origin() != here {
        return None;
    }
    match Route::recognize(&url.pathname())? {
        Route::NotFound | Route::SignIn => None,
        route => Some(route),
    }
}
