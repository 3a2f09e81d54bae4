//! What tabs of one origin share in a browser: a channel and locks.

mod broadcast;
mod web_locks;

pub use broadcast::Broadcast;
pub use web_locks::WebLocks;

use js_sys::Reflect;
use query_cache::Tabs;

/// Tabs of this app and this build (a version, a commit) share a cache, over a [`Broadcast`] channel of the app's name
/// and [`WebLocks`]. Where a browser lacks either, so much less is shared: without locks each tab fetches for itself,
/// without a channel none hears of the others.
///
/// ```
/// use yew_query_cache::*;
///
/// # let user_id = "user_1";
/// let client = QueryClient::new(BrowserEnvironment::new());
/// client.share_with_tabs(browser_tabs("my-app", env!("CARGO_PKG_VERSION")));
/// client.name_scope(ScopeName::new(user_id)); // without a name only what is public is shared
/// ```
pub fn browser_tabs(app: &str, build: &str) -> Tabs {
    Tabs::new(Broadcast::new(app), WebLocks::new(), build).app(app)
}

/// What the event that is being told, `pagehide` or `pageshow`, says of the page: whether it goes into the
/// back/forward cache, or comes from there.
fn is_kept_page() -> bool {
    let event = web_sys::window().and_then(|window| Reflect::get(&window, &"event".into()).ok());
    let persisted = event.and_then(|event| Reflect::get(&event, &"persisted".into()).ok());
    persisted.is_some_and(|persisted| persisted.is_truthy())
}
