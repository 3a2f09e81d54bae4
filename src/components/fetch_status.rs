use bearer_fetch::ApiError;
use yew::prelude::*;
use yew_query_cache::{QueryError, QueryState, Retry};

use super::Countdown;

/// Properties of [`FetchStatus`].
#[derive(PartialEq, Properties)]
pub struct FetchStatusProps {
    /// What the parts' ids begin with.
    pub id: &'static str,
    /// What is being tried.
    #[prop_or_default]
    pub attempt: Option<Attempt>,
    /// Why there is nothing, or nothing new.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    /// Whether older data stands beside the error.
    #[prop_or_default]
    pub has_data: bool,
    /// Tries again.
    pub retry: Callback<()>,
}

/// An attempt that failed, with another to come.
#[derive(Clone, PartialEq)]
pub struct Attempt {
    number: u32,
    of: u32,
    error: AttrValue,
    /// When the next begins, in milliseconds since the Unix epoch; nothing once it runs.
    next_at: Option<u64>,
}

impl FetchStatusProps {
    /// What a query's state has to say besides its data.
    pub fn of<T>(id: &'static str, state: &QueryState<T, ApiError>, retry: Callback<()>) -> Self {
        let error = state.error().map(|error: &QueryError<ApiError>| AttrValue::from(error.to_string()));
        let attempt = state.retry().map(Attempt::of);
        Self { id, attempt, error, has_data: state.data().is_some(), retry }
    }
}

impl Attempt {
    fn of(retry: &Retry<ApiError>) -> Self {
        Self {
            number: retry.attempt,
            of: retry.attempts,
            error: retry.error.to_string().into(),
            next_at: retry.waiting.then(|| retry.at.as_millis()),
        }
    }
}

/// Says what failed, what is tried next and when, and offers to try now.
#[component]
pub fn FetchStatus(props: &FetchStatusProps) -> Html {
    let retry = props.retry.reform(|_: MouseEvent| ());
    if let Some(Attempt { number, of, error, next_at }) = &props.attempt {
        let next = match next_at {
            Some(until) => html! { <>{ "retrying in " }<Countdown until={*until} /></> },
            None => html! { "trying again now" },
        };
        return html! {
            <div id={format!("{}-waiting", props.id)} class="notice">
                // The sentence is read out once; the seconds beside it are not.
                <p role="status">{ format!("Attempt {number} of {of} failed: {error}.") }</p>
                <p>{ next }</p>
            </div>
        };
    }
    let Some(error) = &props.error else { return Html::default() };
    let consequence = if props.has_data { "What you see is from before." } else { "" };
    html! {
        <div id={format!("{}-error", props.id)} class="notice error" role="alert">
            <p>{ error }</p>
            <p>{ consequence }</p>
            <button type="button" class="button" id={format!("{}-retry", props.id)} onclick={retry}>{ "Try again" }</button>
        </div>
    }
}
