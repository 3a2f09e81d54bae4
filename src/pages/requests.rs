use web_sys::HtmlInputElement;
use yew::prelude::*;
use yew_query_cache::{QueryState, use_query};

use crate::api::RequestQuery;
use crate::components::use_title;

/// Sends a request of one's own through the app's client, to see where the token goes and where it does not.
#[component]
pub fn Requests() -> Html {
    use_title("Requests");
    let request = use_state(|| None::<RequestQuery>);
    let url = use_state(|| AttrValue::from("/foo"));
    let anonymous = use_state(|| false);
    let onsubmit = {
        let (request, url, anonymous) = (request.clone(), url.clone(), anonymous.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let number = request.as_ref().map_or(0, |before| before.number.wrapping_add(1));
            request.set(Some(RequestQuery { url: url.trim().to_owned(), anonymous: *anonymous, number }));
        })
    };
    let oninput = {
        let url = url.clone();
        Callback::from(move |event: InputEvent| {
            url.set(event.target_unchecked_into::<HtmlInputElement>().value().into());
        })
    };
    let onchange = {
        let anonymous = anonymous.clone();
        Callback::from(move |event: Event| {
            anonymous.set(event.target_unchecked_into::<HtmlInputElement>().checked());
        })
    };
    html! {
        <>
            <h1>{ "Where the token goes" }</h1>
            <p>
                { "The app's client sends the token to the API's origin alone, and refuses every other. Try a path of \
                   the API, another origin, or a host that looks like the API's." }
            </p>
            <form class="request" {onsubmit}>
                <label for="request-url">{ "Path or URL" }</label>
                <input id="request-url" class="field" type="text" value={(*url).clone()} {oninput} required={true} autocomplete="off"
                    spellcheck="false" />
                <label class="check">
                    <input id="request-anonymous" type="checkbox" checked={*anonymous} {onchange} />
                    { "Without a token" }
                </label>
                <button type="submit" class="button" id="request-send">{ "Send" }</button>
            </form>
            if let Some(request) = (*request).clone() {
                <Answer {request} />
            }
        </>
    }
}

#[derive(PartialEq, Properties)]
struct AnswerProps {
    request: RequestQuery,
}

#[component]
fn Answer(props: &AnswerProps) -> Html {
    let answer = use_query(props.request.clone());
    let (class, text) = match answer.state() {
        QueryState::Idle | QueryState::Pending { .. } => ("notice", "Waiting for the answer…".to_owned()),
        QueryState::Failed { error } => ("notice error", error.to_string()),
        QueryState::Ready { data, .. } => ("notice", format!("{} {}", data.status, data.text)),
    };
    let settled = !matches!(answer.state(), QueryState::Pending { .. });
    html! {
        <div id="request-result" {class} role="status" data-settled={settled.to_string()}
            data-number={props.request.number.to_string()}>
            <p><code>{ &props.request.url }</code></p>
            <p>{ text }</p>
        </div>
    }
}
