use wasm_bindgen::JsValue;
use web_sys::Element;
use yew::prelude::*;

use crate::bindings::ClerkJs;
use crate::hooks::use_clerk_context;
use crate::js::ObjectBuilder;

/// The calls of clerk-js for one of its components.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) name: &'static str,
    pub(crate) mount: fn(&ClerkJs, &Element, &JsValue) -> Result<(), JsValue>,
    pub(crate) unmount: fn(&ClerkJs, &Element) -> Result<(), JsValue>,
}

impl PartialEq for Calls {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What a component of clerk-js is mounted with.
pub(crate) trait HostProps: Clone + PartialEq + 'static {
    fn to_js(&self) -> JsValue;
}

/// Gives a component of clerk-js an empty element of its own. Everything within is React's: a child put or
/// taken there by somebody else takes all of Clerk's components down. A change of properties updates the
/// component in place, because mounting it anew would lose what was typed into it.
#[hook]
pub(crate) fn use_host<P: HostProps>(calls: Calls, props: P) -> Html {
    let context = use_clerk_context();
    let node = use_node_ref();
    let loaded = context.status.is_loaded();
    let clerk = context.clerk;
    let mounted = use_mut_ref(|| None::<P>);

    use_effect_with((loaded, calls), {
        let (node, clerk, mounted, props) = (node.clone(), clerk.clone(), mounted.clone(), props.clone());
        move |(loaded, calls)| {
            let target = clerk.js().zip(node.cast::<Element>()).filter(|_| *loaded);
            if let Some((js, element)) = &target {
                report((calls.mount)(js, element, &props.to_js()));
                mounted.replace(Some(props));
            }
            let calls = *calls;
            move || {
                mounted.replace(None);
                if let Some((js, element)) = target {
                    report((calls.unmount)(&js, &element));
                }
            }
        }
    });
    use_effect_with(props, {
        let node = node.clone();
        move |props: &P| {
            let changed = mounted.borrow().as_ref().is_some_and(|mounted| mounted != props);
            if let (true, Some(js), Some(element)) = (changed, clerk.js(), node.cast::<Element>()) {
                mounted.replace(Some(props.clone()));
                let update =
                    ObjectBuilder::default().set("node", element).set("props", props.to_js()).build();
                report(js.update_props(&update));
            }
        }
    });
    html! { <div ref={node} data-clerk-component={calls.name} /> }
}

fn report(result: Result<(), JsValue>) {
    if let Err(error) = result {
        web_sys::console::error_1(&error);
    }
}
