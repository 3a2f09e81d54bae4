//! What both apps have in common: ten types of data, one way to fetch them.

mod by_hand;
mod cached;

use std::fmt;

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Why there is no data.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// No answer came.
    Network,
    /// The answer is no success: its status code.
    Status(u16),
    /// The answer is something else than was expected.
    Body,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Network => f.write_str("The server cannot be reached."),
            Failure::Status(status) => write!(f, "The server answered {status}."),
            Failure::Body => f.write_str("The server's answer is unknown to this app."),
        }
    }
}

/// `GET url`, as typed JSON.
///
/// # Errors
/// [`Failure`], where there is no such answer.
pub async fn get<T: DeserializeOwned>(url: &str) -> Result<T, Failure> {
    let text = get_text(url).await?;
    serde_json::from_str(&text).map_err(|_| Failure::Body)
}

async fn get_text(url: &str) -> Result<String, Failure> {
    let network = |_: JsValue| Failure::Network;
    let window = web_sys::window().ok_or(Failure::Network)?;
    let response = JsFuture::from(window.fetch_with_str(url)).await.map_err(network)?;
    let response: web_sys::Response = response.dyn_into().map_err(network)?;
    if !response.ok() {
        return Err(Failure::Status(response.status()));
    }
    let text = JsFuture::from(response.text().map_err(network)?).await.map_err(network)?;
    text.as_string().ok_or(Failure::Body)
}

/// A type of data, and how it is shown. Each has fields of its own, as an app's types do.
macro_rules! data {
    ($($name:ident($path:literal) { $first:ident: $a:ty, $second:ident: $b:ty })*) => {$(
        #[doc = concat!("`GET ", $path, "`.")]
        #[derive(Debug, PartialEq, serde::Deserialize)]
        pub struct $name {
            /// Its first field.
            pub $first: $a,
            /// Its second field.
            pub $second: $b,
        }

        impl $name {
            /// Where it is.
            pub const PATH: &'static str = $path;

            /// How it is shown.
            pub fn text(&self) -> String {
                format!("{} {}", self.$first, self.$second)
            }
        }
    )*};
}

data! {
    Greeting("/greeting") { text: String, language: String }
    Weather("/weather") { town: String, degrees: i32 }
    Price("/price") { article: u32, cents: u64 }
    Person("/person") { name: String, age: u8 }
    Score("/score") { player: String, points: i64 }
    Train("/train") { line: u16, late: bool }
    Message("/message") { from: String, read: bool }
    Parcel("/parcel") { number: u64, place: String }
    Song("/song") { title: String, seconds: u32 }
    Vote("/vote") { yes: u32, no: u32 }
}

impl yew_query_cache::Classify for Failure {
    fn class(&self) -> yew_query_cache::ErrorClass {
        match self {
            Failure::Network => yew_query_cache::ErrorClass::Offline,
            Failure::Status(500..) => yew_query_cache::ErrorClass::RETRYABLE,
            Failure::Status(_) | Failure::Body => yew_query_cache::ErrorClass::Permanent,
        }
    }
}
