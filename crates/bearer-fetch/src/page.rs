//! What the page says of itself.

use web_sys::VisibilityState;

pub(crate) fn origin() -> Option<String> {
    web_sys::window()?.location().origin().ok()
}

pub(crate) fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}
