use yew::prelude::*;

use crate::components::use_title;
use crate::config::ConfigError;

/// Properties of [`SettingsError`].
#[derive(PartialEq, Properties)]
pub struct SettingsErrorProps {
    /// What is wrong.
    pub error: ConfigError,
}

const EXAMPLE: &str = r#"{
  "publishableKey": "pk_test_…",
  "apiOrigin": "https://api.example.com"
}"#;

/// In place of the app while a setting is missing or wrong: names it and says how to set it.
#[component]
pub fn SettingsError(props: &SettingsErrorProps) -> Html {
    use_title("Settings");
    html! {
        <main class="page">
            <h1>{ "This app is not set up yet" }</h1>
            <div id="setting-error" class="notice error" role="alert">
                <p><strong><code>{ props.error.setting() }</code></strong>{ ": " }{ props.error.to_string() }</p>
            </div>
            <p>
                { "The settings stand in " }<code>{ "/config.json" }</code>
                { ", beside " }<code>{ "index.html" }</code>{ ":" }
            </p>
            <pre><code>{ EXAMPLE }</code></pre>
            <p>
                { "On a developer's machine " }<code>{ "cargo xtask dev" }</code>
                { " writes it. Reload this page once it is right." }
            </p>
        </main>
    }
}
