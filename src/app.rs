use bearer_fetch::ApiClient;
use yew::prelude::*;
use yew_clerk::{Appearance, Clerk, ClerkProvider, Navigation, QueryClientProviderWithClerk, use_clerk};
use yew_query_cache::{BrowserEnvironment, QueryClient};
use yew_router::{AnyRoute, prelude::*};

use crate::components::Header;
use crate::config::{self, Config, ConfigError};
use crate::pages::{FooPage, Home, NotFound, Requests, SettingsError, SignInPage};
use crate::routes::Route;

/// Settings first, then the app.
#[component]
pub fn App() -> Html {
    let config = use_state(|| None::<Result<Config, ConfigError>>);
    use_effect_with((), {
        let config = config.clone();
        move |()| wasm_bindgen_futures::spawn_local(async move { config.set(Some(config::load().await)) })
    });
    match &*config {
        None => html! { <p class="page" role="status">{ "Loading…" }</p> },
        Some(Err(error)) => html! { <SettingsError error={error.clone()} /> },
        Some(Ok(config)) => html! { <BrowserRouter><Shell config={config.clone()} /></BrowserRouter> },
    }
}

#[derive(PartialEq, Properties)]
struct ShellProps {
    config: Config,
}

/// Clerk around everything, moving through the app by its router.
#[component]
fn Shell(props: &ShellProps) -> Html {
    let navigator = use_navigator();
    let navigate = use_callback(navigator, |Navigation { to, replace }, navigator| {
        let Some(navigator) = navigator else { return };
        let route = AnyRoute::new(to);
        if replace { navigator.replace(&route) } else { navigator.push(&route) }
    });
    let config = &props.config;
    html! {
        <ClerkProvider
            publishable_key={config.publishable_key.clone()}
            proxy_url={config.proxy_path.clone()}
            sign_in_url={Route::SignIn.to_path()}
            appearance={appearance()}
            {navigate}
        >
            <Cache config={config.clone()}>
                <a class="skip" href="#main">{ "Skip to the content" }</a>
                <Header />
                <main id="main" class="page" tabindex="-1"><Switch<Route> render={page} /></main>
            </Cache>
        </ClerkProvider>
    }
}

#[derive(PartialEq, Properties)]
struct CacheProps {
    config: Config,
    children: Html,
}

/// The query cache, tied to the session, and what its queries fetch with.
#[component]
fn Cache(props: &CacheProps) -> Html {
    let clerk = use_clerk();
    let client = use_memo((clerk, props.config.api_origin.clone()), |(clerk, api_origin)| {
        query_client(clerk, api_origin.as_str())
    });
    match &*client {
        Ok(client) => html! {
            <QueryClientProviderWithClerk client={client.clone()}>{ props.children.clone() }</QueryClientProviderWithClerk>
        },
        Err(error) => html! { <SettingsError error={error.clone()} /> },
    }
}

fn query_client(clerk: &Clerk, api_origin: &str) -> Result<QueryClient, ConfigError> {
    let api = ApiClient::new(api_origin, clerk.clone()).map_err(ConfigError::ApiOrigin)?;
    let client = QueryClient::new(BrowserEnvironment::new());
    client.provide(api);
    Ok(client)
}

fn page(route: Route) -> Html {
    match route {
        Route::Home => html! { <Home /> },
        Route::Foo => html! { <FooPage /> },
        Route::SignIn => html! { <SignInPage /> },
        Route::Requests => html! { <Requests /> },
        Route::NotFound => html! { <NotFound /> },
    }
}

/// Clerk's components in the app's own colours, which follow the browser's dark mode.
fn appearance() -> Appearance {
    let variables = [
        ("colorPrimary", "var(--app-accent)"),
        ("colorPrimaryForeground", "var(--app-on-accent)"),
        ("colorBackground", "var(--app-surface)"),
        ("colorForeground", "var(--app-text)"),
        ("colorMutedForeground", "var(--app-muted)"),
        ("colorInput", "var(--app-surface)"),
        ("colorInputForeground", "var(--app-text)"),
        ("colorNeutral", "var(--app-text)"),
    ];
    Appearance { variables: variables.into_iter().map(|(name, value)| (name, value.into())).collect() }
}
