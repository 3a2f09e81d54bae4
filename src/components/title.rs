use yew::prelude::*;

/// Names the page in the tab and to screen readers.
#[hook]
pub fn use_title(title: &'static str) {
    use_effect_with(title, |title| {
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            document.set_title(&format!("{title} · foo.com"));
        }
    });
}
