use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::host::{Calls, HostProps, use_host};
use crate::bindings::ClerkJs;
use crate::js::ObjectBuilder;

/// Properties of [`UserButton`].
#[derive(Clone, Debug, Default, PartialEq, Properties)]
pub struct UserButtonProps {
    /// Whether the person's name stands beside the picture. Off unless set.
    #[prop_or_default]
    pub show_name: bool,
}

impl HostProps for UserButtonProps {
    fn to_js(&self) -> JsValue {
        ObjectBuilder::default().set("showName", self.show_name).build()
    }
}

const CALLS: Calls =
    Calls { name: "UserButton", mount: ClerkJs::mount_user_button, unmount: ClerkJs::unmount_user_button };

/// Clerk's own button with the person's picture: account, sign out.
#[component]
pub fn UserButton(props: &UserButtonProps) -> Html {
    use_host(CALLS, props.clone())
}
