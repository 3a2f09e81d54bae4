//! What is to be seen.

use std::cell::Cell;
use std::rc::Rc;

use query_cache::QueryClient;
use serde_json::Value;
use yew::prelude::*;
use yew_clerk::{
    AuthState, ClerkProvider, PublishableKey, QueryClientProviderWithClerk, SignIn, SignedOut, use_auth,
    use_fetch,
};
use yew_query_cache::{QueryState, use_query};

use crate::queries::{Own, THINGS, Thing};
use crate::{LAB, Lab};

#[derive(PartialEq, Properties)]
pub struct PageProps {
    pub publishable_key: PublishableKey,
    pub proxy_path: AttrValue,
    pub api_origin: AttrValue,
    pub cache: QueryClient,
}

#[component]
pub fn Page(props: &PageProps) -> Html {
    html! {
        <ClerkProvider
            publishable_key={props.publishable_key.clone()}
            proxy_url={props.proxy_path.clone()}
            api_origins={vec![props.api_origin.clone()]}
        >
            <QueryClientProviderWithClerk client={props.cache.clone()}>
                <Bench cache={props.cache.clone()} />
            </QueryClientProviderWithClerk>
        </ClerkProvider>
    }
}

#[derive(PartialEq, Properties)]
struct BenchProps {
    cache: QueryClient,
}

#[component]
fn Bench(props: &BenchProps) -> Html {
    let (auth, fetch) = (use_auth(), use_fetch());
    let renders = use_memo((), |()| Cell::new(0_u32));
    renders.set(renders.get() + 1);
    use_memo((), |()| {
        let api = fetch.client();
        props.cache.provide(api.clone());
        LAB.set(Some(Lab { clerk: auth.clerk().clone(), api, cache: props.cache.clone() }));
    });
    let who = match &auth.state {
        AuthState::Loading => "loading".to_owned(),
        AuthState::SignedOut => "out".to_owned(),
        AuthState::SignedIn(session) => {
            format!("{} {}", session.user.id, session.organization_id.as_deref().unwrap_or("-"))
        }
    };
    let error = auth.load_error().map(ToString::to_string);
    html! {
        <>
            <p id="who">{ who }</p>
            <p id="renders">{ renders.get() }</p>
            <p id="load-error">{ error }</p>
            <SignedOut><SignIn /></SignedOut>
            // Whoever is signed in, or nobody: that nothing of the former is shown is the cache's work alone.
            { for (0..THINGS).map(|number| html! { <Shown {number} /> }) }
            <OwnShown />
        </>
    }
}

#[derive(PartialEq, Properties)]
struct ShownProps {
    number: u32,
}

/// Whose a thing is, in the server's words.
fn words(data: &Rc<Value>) -> String {
    let by = &**data;
    let text = |name: &str| by[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text("userId"), text("sessionId"), text("organizationId"))
}

#[component]
fn Shown(props: &ShownProps) -> Html {
    let thing = use_query(Thing(props.number));
    let text = match thing.state() {
        QueryState::Ready { data, .. } => words(data),
        QueryState::Failed { error } => error.to_string(),
        QueryState::Idle | QueryState::Pending { .. } => "…".to_owned(),
    };
    html! { <p class="thing">{ text }</p> }
}

#[component]
fn OwnShown() -> Html {
    let own = use_query(Own);
    html! { <p id="own">{ own.data().map(words) }</p> }
}
