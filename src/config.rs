//! The settings of one deployment, from `/config.json`: one build serves any.

use std::fmt;

use bearer_fetch::{InvalidOrigin, Origin};
use serde_json::{Map, Value};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestCache, RequestInit, Response};
use yew_clerk::{PublishableKey, PublishableKeyError};

const PATH: &str = "/config.json";

/// The settings, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The Clerk instance.
    pub publishable_key: PublishableKey,
    /// Where Clerk's Frontend API is reached on this app's own origin, if not at Clerk.
    pub proxy_path: Option<String>,
    /// The API's origin.
    pub api_origin: Origin,
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigError {
    /// It could not be fetched.
    Unreachable,
    /// There is none.
    Missing { status: u16 },
    /// There is none, and the server answered with a page in its place.
    Html,
    /// There is nothing in it.
    Empty,
    /// It is no JSON object of settings.
    Malformed { message: String },
    /// A setting is a number, a list or the like.
    NotText { setting: &'static str },
    /// `publishableKey` is missing or wrong.
    PublishableKey(PublishableKeyError),
    /// `proxyPath` is no path of this app.
    ProxyPath { given: String },
    /// `apiOrigin` is missing.
    NoApiOrigin,
    /// `apiOrigin` is wrong.
    ApiOrigin(InvalidOrigin),
}

impl ConfigError {
    /// The setting to look at: a member of the file, or the file.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::NotText { setting } => setting,
            Self::PublishableKey(_) => "publishableKey",
            Self::ProxyPath { .. } => "proxyPath",
            Self::NoApiOrigin | Self::ApiOrigin(_) => "apiOrigin",
            _ => "config.json",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => {
                f.write_str("it could not be fetched; check the connection and reload the page")
            }
            Self::Missing { status } => {
                write!(f, "the server answered {status}; put the file beside index.html")
            }
            Self::Html => f.write_str(
                "the server answered with an HTML page, so the file is not there; put it beside index.html",
            ),
            Self::Empty => f.write_str("the file is empty"),
            Self::Malformed { message } => write!(f, "the file does not read as settings: {message}"),
            Self::NotText { .. } => f.write_str("it is no text; write it in quotation marks"),
            Self::PublishableKey(error) => error.fmt(f),
            Self::ProxyPath { given } => write!(
                f,
                "\"{given}\" is no path of this app; write it like /__clerk, or leave it out to reach Clerk directly"
            ),
            Self::NoApiOrigin => f.write_str("it is missing; write it like https://api.example.com"),
            Self::ApiOrigin(error) => error.fmt(f),
        }
    }
}

/// Fetches the settings, past every cache: a changed file counts at the next visit.
pub async fn load() -> Result<Config, ConfigError> {
    let (status, content_type, text) = fetch().await.ok_or(ConfigError::Unreachable)?;
    if !(200..300).contains(&status) {
        return Err(ConfigError::Missing { status });
    }
    parse(&content_type, &text)
}

async fn fetch() -> Option<(u16, String, String)> {
    let options = RequestInit::new();
    options.set_cache(RequestCache::NoStore);
    let promise = web_sys::window()?.fetch_with_str_and_init(PATH, &options);
    let response: Response = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    let content_type = response.headers().get("Content-Type").ok()?.unwrap_or_default();
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    Some((response.status(), content_type, text))
}

fn parse(content_type: &str, text: &str) -> Result<Config, ConfigError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ConfigError::Empty);
    }
    // What a server with a fallback for single-page apps answers for a file that is not there.
    if content_type.contains("html") || text.starts_with('<') {
        return Err(ConfigError::Html);
    }
    // Member by member and not by a derive, so that one of the wrong type is named.
    let file: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| ConfigError::Malformed { message: error.to_string() })?;
    let key = member(&file, "publishableKey")?.unwrap_or_default();
    let publishable_key = key.parse().map_err(ConfigError::PublishableKey)?;
    let proxy_path = member(&file, "proxyPath")?.map(str::to_owned);
    if let Some(path) = proxy_path.as_deref().filter(|path| !is_own_path(path)) {
        return Err(ConfigError::ProxyPath { given: path.to_owned() });
    }
    let api_origin = member(&file, "apiOrigin")?.ok_or(ConfigError::NoApiOrigin)?;
    let api_origin = Origin::of(api_origin).map_err(ConfigError::ApiOrigin)?;
    Ok(Config { publishable_key, proxy_path, api_origin })
}

/// A member's text; nothing if it is missing, `null` or empty.
fn member<'a>(file: &'a Map<String, Value>, setting: &'static str) -> Result<Option<&'a str>, ConfigError> {
    match file.get(setting) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(ConfigError::NotText { setting }),
    }
}

/// `/__clerk`, and not `//elsewhere`: scripts are loaded from it.
fn is_own_path(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
    }) && !path.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(content_type: &str, text: &str) -> ConfigError {
        parse(content_type, text).unwrap_err()
    }

    #[test]
    fn names_the_setting_that_is_wrong() {
        let json = "application/json";
        assert_eq!(error(json, " \n"), ConfigError::Empty);
        assert_eq!(error("text/html; charset=utf-8", "<!doctype html>"), ConfigError::Html);
        assert_eq!(error("", "<html>"), ConfigError::Html);
        assert!(matches!(error(json, "{"), ConfigError::Malformed { .. }));
        assert!(matches!(error(json, "[]"), ConfigError::Malformed { .. }));
        assert_eq!(
            error(json, r#"{"publishableKey":7}"#),
            ConfigError::NotText { setting: "publishableKey" }
        );
        assert_eq!(error(json, "{}").setting(), "publishableKey");
        assert_eq!(error(json, r#"{"publishableKey":"sk_test_x"}"#).setting(), "publishableKey");
        let key = r#""publishableKey":"pk_test_Y2xlcmsubG9jYWxob3N0JA""#;
        assert_eq!(error(json, &format!("{{{key}}}")), ConfigError::NoApiOrigin);
        assert_eq!(error(json, &format!("{{{key},\"proxyPath\":\"//evil\"}}")).setting(), "proxyPath");
    }

    #[test]
    fn a_proxy_path_is_a_path_of_this_app() {
        for path in ["/__clerk", "/a/b"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in ["//evil", "/\\evil", "https://evil", "clerk", "/", "/a?b", "javascript:x"] {
            assert!(!is_own_path(path), "{path}");
        }
    }
}
