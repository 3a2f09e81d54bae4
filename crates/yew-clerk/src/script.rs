//! Where clerk-js comes from, and getting it into the page.

use clerk_core::PublishableKey;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlScriptElement;

use crate::error::LoadError;

/// The major versions that this crate is written for.
const CLERK_JS: &str = "@clerk/clerk-js@6/dist/clerk.browser.js";
const CLERK_UI: &str = "@clerk/ui@1/dist/ui.browser.js";

/// The two scripts of an instance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scripts {
    pub(crate) clerk_js: String,
    pub(crate) clerk_ui: String,
}

impl Scripts {
    /// From the proxy if there is one, else from the instance's Frontend API.
    pub(crate) fn of(key: &PublishableKey, proxy_url: Option<&str>) -> Self {
        let base = match proxy_url {
            Some(proxy) => proxy.trim_end_matches('/').to_owned(),
            None => format!("https://{}", key.frontend_api()),
        };
        Self { clerk_js: format!("{base}/npm/{CLERK_JS}"), clerk_ui: format!("{base}/npm/{CLERK_UI}") }
    }
}

/// Puts a script into the page; resolves once it has run.
pub(crate) async fn inject(url: &str, attributes: &[(&str, &str)]) -> Result<(), LoadError> {
    let failed = || LoadError::Script { url: url.to_owned() };
    let document = web_sys::window().and_then(|window| window.document()).ok_or_else(failed)?;
    let head = document.head().ok_or_else(failed)?;
    let script: HtmlScriptElement = document
        .create_element("script")
        .ok()
        .and_then(|element| element.dyn_into().ok())
        .ok_or_else(failed)?;
    script.set_src(url);
    script.set_async(true);
    script.set_cross_origin(Some("anonymous"));
    for (name, value) in attributes {
        script.set_attribute(name, value).map_err(|_| failed())?;
    }
    let settled = Promise::new(&mut |resolve: Function, reject: Function| {
        script.set_onload(Some(&resolve));
        script.set_onerror(Some(&reject));
    });
    head.append_child(&script).map_err(|_| failed())?;
    JsFuture::from(settled).await.map_err(|_: JsValue| {
        // A failed element would stand in the way of the next attempt.
        script.remove();
        failed()
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_come_from_the_proxy_or_from_the_instance() {
        let key: PublishableKey = "pk_test_Y2xlcmsubG9jYWxob3N0JA".parse().unwrap();
        let direct = Scripts::of(&key, None);
        assert_eq!(direct.clerk_js, "https://clerk.localhost/npm/@clerk/clerk-js@6/dist/clerk.browser.js");
        for proxy in ["/__clerk", "/__clerk/"] {
            let scripts = Scripts::of(&key, Some(proxy));
            assert_eq!(scripts.clerk_js, "/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js");
            assert_eq!(scripts.clerk_ui, "/__clerk/npm/@clerk/ui@1/dist/ui.browser.js");
        }
    }
}
