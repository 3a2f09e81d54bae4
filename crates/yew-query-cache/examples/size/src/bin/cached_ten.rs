//! Ten types of JSON with `use_query`.

use yew::prelude::*;
use yew_query_cache::{BrowserEnvironment, QueryClient, QueryClientProvider};

size::cached! {
    One: GreetingQuery, "greeting", Greeting; Two: WeatherQuery, "weather", Weather; Three: PriceQuery, "price", Price;
    Four: PersonQuery, "person", Person; Five: ScoreQuery, "score", Score; Six: TrainQuery, "train", Train;
    Seven: MessageQuery, "message", Message; Eight: ParcelQuery, "parcel", Parcel; Nine: SongQuery, "song", Song; Ten: VoteQuery, "vote", Vote;
}

#[component]
fn App() -> Html {
    let client = use_state(|| QueryClient::new(BrowserEnvironment::new()));
    html! {
        <QueryClientProvider client={(*client).clone()}>
            <One /><Two /><Three /><Four /><Five /><Six /><Seven /><Eight /><Nine /><Ten />
        </QueryClientProvider>
    }
}

fn main() {
    yew::Renderer::<App>::new().render();
}
