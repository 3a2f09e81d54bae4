//! The parts of clerk-js that are used here. Every call can throw, and so is `catch`.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::Element;

use crate::js;

#[wasm_bindgen]
extern "C" {
    /// `window.Clerk`.
    #[derive(Clone, Debug)]
    pub(crate) type ClerkJs;

    #[wasm_bindgen(catch, method)]
    pub(crate) fn load(this: &ClerkJs, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, method, js_name = addListener)]
    pub(crate) fn add_listener(
        this: &ClerkJs,
        listener: &Function,
        options: &JsValue,
    ) -> Result<Function, JsValue>;

    #[wasm_bindgen(catch, method)]
    pub(crate) fn on(
        this: &ClerkJs,
        event: &str,
        handler: &Function,
        options: &JsValue,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method)]
    pub(crate) fn off(this: &ClerkJs, event: &str, handler: &Function) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = signOut)]
    pub(crate) fn sign_out(this: &ClerkJs, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, method, js_name = openSignIn)]
    pub(crate) fn open_sign_in(this: &ClerkJs, props: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = closeSignIn)]
    pub(crate) fn close_sign_in(this: &ClerkJs) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = mountSignIn)]
    pub(crate) fn mount_sign_in(this: &ClerkJs, node: &Element, props: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = unmountSignIn)]
    pub(crate) fn unmount_sign_in(this: &ClerkJs, node: &Element) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = mountUserButton)]
    pub(crate) fn mount_user_button(this: &ClerkJs, node: &Element, props: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = unmountUserButton)]
    pub(crate) fn unmount_user_button(this: &ClerkJs, node: &Element) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, method, js_name = __internal_updateProps)]
    pub(crate) fn update_props(this: &ClerkJs, args: &JsValue) -> Result<(), JsValue>;

    /// A session resource of clerk-js.
    #[derive(Clone, Debug)]
    pub(crate) type SessionJs;

    #[wasm_bindgen(catch, method, js_name = getToken)]
    pub(crate) fn get_token(this: &SessionJs, options: &JsValue) -> Result<Promise, JsValue>;
}

impl ClerkJs {
    /// The one in the window, read anew each time, because a page may replace it.
    pub(crate) fn in_window() -> Option<Self> {
        let clerk = js::get(web_sys::window()?.as_ref(), "Clerk")?;
        js::get(&clerk, "load").filter(JsValue::is_function)?;
        Some(clerk.unchecked_into())
    }

    /// `undefined` while it is not known who is signed in, `null` if nobody is.
    pub(crate) fn session(&self) -> JsValue {
        js_sys::Reflect::get(self, &JsValue::from_str("session")).unwrap_or_default()
    }

    pub(crate) fn user(&self) -> JsValue {
        js::get(self, "user").unwrap_or_default()
    }

    pub(crate) fn status(&self) -> Option<String> {
        js::text(self, "status")
    }
}
