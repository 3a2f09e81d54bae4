//! Ten types of JSON with Yew's state.

use yew::prelude::*;

size::by_hand! {
    One: Greeting; Two: Weather; Three: Price; Four: Person; Five: Score;
    Six: Train; Seven: Message; Eight: Parcel; Nine: Song; Ten: Vote;
}

#[component]
fn App() -> Html {
    html! { <><One /><Two /><Three /><Four /><Five /><Six /><Seven /><Eight /><Nine /><Ten /></> }
}

fn main() {
    yew::Renderer::<App>::new().render();
}
