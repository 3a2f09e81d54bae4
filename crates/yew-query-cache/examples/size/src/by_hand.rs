//! A component for each type, with nothing but Yew's state.

/// Defines a component that fetches and shows data.
#[macro_export]
macro_rules! by_hand {
    ($($component:ident: $data:ident;)*) => {$(
        #[yew::component]
        fn $component() -> yew::Html {
            let found = yew::use_state(|| None::<Result<$crate::$data, $crate::Failure>>);
            let load = {
                let found = found.clone();
                move || {
                    found.set(None);
                    let found = found.clone();
                    wasm_bindgen_futures::spawn_local(async move {
                        found.set(Some($crate::get($crate::$data::PATH).await));
                    });
                }
            };
            {
                let load = load.clone();
                yew::use_effect_with((), move |()| load());
            }
            match &*found {
                None => yew::html! { <p>{"Loading…"}</p> },
                Some(Ok(data)) => yew::html! { <p>{data.text()}</p> },
                Some(Err(failure)) => {
                    let again = yew::Callback::from(move |_: yew::MouseEvent| load());
                    yew::html! { <p>{failure.to_string()}<button onclick={again}>{"Try again"}</button></p> }
                }
            }
        }
    )*};
}
