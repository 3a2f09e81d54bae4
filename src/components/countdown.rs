use gloo_timers::callback::Interval;
use yew::prelude::*;

/// Properties of [`Countdown`].
#[derive(PartialEq, Properties)]
pub struct CountdownProps {
    /// When it ends, in milliseconds since the Unix epoch.
    pub until: u64,
}

/// The whole seconds that are left, "2 s", counted down.
#[component]
pub fn Countdown(props: &CountdownProps) -> Html {
    let tick = use_force_update();
    use_effect_with((), move |()| {
        let interval = Interval::new(250, move || tick.force_update());
        move || drop(interval)
    });
    // A whole number: printing a float would bring 9 kB of wasm.
    let left = ((props.until as f64 - js_sys::Date::now()) / 1000.0).ceil().max(0.0) as u32;
    html! { <>{ left }{ " s" }</> }
}
