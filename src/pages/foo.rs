use foo_types::Foo;
use yew::prelude::*;
use yew_clerk::{ClerkFailed, ClerkLoading, SignInButton, SignedIn, SignedOut};
use yew_query_cache::{QueryState, use_query};

use super::sign_in::LoadFailure;
use crate::api::FooQuery;
use crate::components::{FetchStatus, FetchStatusProps, use_title};

/// The protected page: the resource for whoever is signed in, and the offer to sign in for everybody else.
#[component]
pub fn FooPage() -> Html {
    use_title("Foo");
    html! {
        <>
            <ClerkLoading><p role="status">{ "Checking who you are…" }</p></ClerkLoading>
            <ClerkFailed><LoadFailure /></ClerkFailed>
            <SignedOut>
                <section id="sign-in-offer">
                    <h1>{ "Sign in to see this" }</h1>
                    <p>{ "The resource is there for people who are signed in." }</p>
                    <SignInButton class="button" />
                </section>
            </SignedOut>
            <SignedIn><Resource /></SignedIn>
        </>
    }
}

/// Three components ask for the same resource. The cache makes one request for them.
#[component]
fn Resource() -> Html {
    let more = use_state(|| false);
    let toggle = {
        let more = more.clone();
        Callback::from(move |_: MouseEvent| more.set(!*more))
    };
    html! {
        <>
            <Heading />
            <Facts />
            <button type="button" id="foo-more-toggle" class="button quiet" aria-expanded={more.to_string()}
                aria-controls="foo-more" onclick={toggle}>
                { if *more { "Hide the token's facts" } else { "Show the token's facts" } }
            </button>
            <div id="foo-more">if *more { <TokenFacts /> }</div>
        </>
    }
}

#[component]
fn Heading() -> Html {
    let foo = use_query(FooQuery);
    let refetch = {
        let foo = foo.clone();
        Callback::from(move |()| foo.refetch())
    };
    let status = FetchStatusProps::of("foo", foo.state(), refetch.clone());
    let fetching = foo.is_fetching();
    let title = match foo.state() {
        QueryState::Ready { data, .. } => html! { <h1 id="foo-name">{ &data.name }</h1> },
        QueryState::Pending { paused: true, .. } => html! { <h1>{ "Waiting for the network…" }</h1> },
        QueryState::Idle | QueryState::Pending { .. } => html! { <h1>{ "Loading the resource…" }</h1> },
        QueryState::Failed { .. } => html! { <h1>{ "The resource did not come" }</h1> },
    };
    html! {
        <>
            <div class="heading" aria-busy={fetching.to_string()}>
                { title }
                <button type="button" class="button" id="foo-refresh" disabled={fetching} onclick={refetch.reform(|_: MouseEvent| ())}>
                    { if fetching { "Refreshing…" } else { "Refresh" } }
                </button>
            </div>
            <FetchStatus ..status />
        </>
    }
}

/// Shows `view` of the resource once it is there; the heading tells of everything else.
fn when_ready(state: &QueryState<Foo, bearer_fetch::ApiError>, view: impl FnOnce(&Foo) -> Html) -> Html {
    state.data().map(|foo| view(foo)).unwrap_or_default()
}

#[component]
fn Facts() -> Html {
    let foo = use_query(FooQuery);
    when_ready(foo.state(), |foo| {
        html! {
            <dl>
                <dt>{ "Resource" }</dt><dd id="foo-id">{ &foo.id }</dd>
                <dt>{ "Asked for by" }</dt><dd id="foo-asked-by">{ &foo.asked_by.user_id }</dd>
                <dt>{ "In the session" }</dt><dd id="foo-session">{ &foo.asked_by.session_id }</dd>
                <dt>{ "From the app at" }</dt>
                <dd id="foo-azp">{ foo.asked_by.authorized_party.as_deref().unwrap_or("unknown") }</dd>
            </dl>
        }
    })
}

#[component]
fn TokenFacts() -> Html {
    let foo = use_query(FooQuery);
    when_ready(foo.state(), |foo| {
        html! {
            <dl>
                <dt>{ "Token's id" }</dt><dd id="foo-token-id">{ foo.token.id.as_deref().unwrap_or("none") }</dd>
                <dt>{ "Issued at" }</dt><dd>{ clock(foo.token.issued_at, "foo-issued-at") }</dd>
                <dt>{ "Expires at" }</dt><dd>{ clock(foo.token.expires_at, "foo-expires-at") }</dd>
            </dl>
        }
    })
}

/// A time as the token has it, in Unix seconds, and as a clock on this machine shows it.
fn clock(seconds: i64, id: &'static str) -> Html {
    let time = js_sys::Date::new(&((seconds as f64) * 1000.0).into());
    let shown = String::from(time.to_locale_time_string("default"));
    html! { <>{ shown }{ " (" }<span {id}>{ seconds }</span>{ ")" }</> }
}
