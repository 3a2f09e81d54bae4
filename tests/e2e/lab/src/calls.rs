//! What a test can have done.

use std::time::Duration;

use bearer_fetch::{ApiClient, ApiError, BearerToken, TokenFuture, TokenSource};
use futures_util::future::join_all;
use query_cache::{Query, QueryFilter, query};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;
use yew_clerk::{GetToken, TokenError};

use crate::lab;
use crate::queries::{Thing, at_the_api};

fn wish(forced: bool, limit: u32) -> GetToken {
    let wish = GetToken::default().time_limit(Duration::from_millis(limit.into()));
    if forced { wish.skip_cache() } else { wish }
}

fn outcome(token: &Result<BearerToken, TokenError>) -> String {
    match token {
        Ok(_) => "token".to_owned(),
        Err(TokenError::Provider(error)) => format!("{error:?}"),
        Err(error) => format!("{error:?}"),
    }
}

/// What came of so many wishes at once: how often each outcome, and how many different tokens.
#[wasm_bindgen]
pub async fn tokens(count: u32, forced: bool, limit: u32) -> String {
    let Some(lab) = lab() else { return String::new() };
    let all = join_all((0..count).map(|_| lab.clerk.get_token(wish(forced, limit)))).await;
    let mut different: Vec<String> = all.iter().flatten().map(BearerToken::authorization_header).collect();
    different.sort();
    different.dedup();
    let mut outcomes = serde_json::Map::new();
    for token in &all {
        let entry = outcomes.entry(outcome(token)).or_insert(json!(0));
        *entry = json!(entry.as_u64().unwrap_or(0) + 1);
    }
    json!({ "outcomes": outcomes, "different": different.len() }).to_string()
}

/// What came of so many requests at once: how often each status, or the error.
#[wasm_bindgen]
pub async fn requests(count: u32, path: &str) -> String {
    let Some(lab) = lab() else { return String::new() };
    let all =
        join_all((0..count).map(|number| lab.api.get(at_the_api(&lab.api, path, number).as_str()).send()))
            .await;
    let mut outcomes = serde_json::Map::new();
    for answer in &all {
        let name = match answer {
            Ok(answer) => answer.status.to_string(),
            Err(error) => said(error),
        };
        let entry = outcomes.entry(name).or_insert(json!(0));
        *entry = json!(entry.as_u64().unwrap_or(0) + 1);
    }
    Value::Object(outcomes).to_string()
}

fn said(error: &ApiError) -> String {
    let after = error.refusal().and_then(|refusal| refusal.retry_after).map(|after| after.as_secs());
    format!("{} {after:?} {error}", error.status().map_or_else(String::new, |status| status.to_string()))
}

/// One request through the client of `use_fetch`: what the server said, or why it was not sent.
#[wasm_bindgen]
pub async fn request(url: &str) -> String {
    let Some(lab) = lab() else { return String::new() };
    match lab.api.get(url).send().await {
        Ok(answer) => answer.status.to_string(),
        Err(error) => said(&error),
    }
}

/// Says that all things are out of date.
#[wasm_bindgen]
pub fn invalidate() {
    if let Some(lab) = lab() {
        lab.cache.invalidate(QueryFilter::all());
    }
}

/// Everything the cache holds, as text.
#[wasm_bindgen]
pub fn stored() -> String {
    let Some(lab) = lab() else { return String::new() };
    let found = lab.cache.find(QueryFilter::all());
    let data = found.iter().filter_map(|info| Some(info.data::<Value>()?.to_string()));
    data.collect::<Vec<_>>().join("\n")
}

/// As a mutation does it: asks the server, waits, and writes the answer into the cache. Says whether it did.
#[wasm_bindgen]
pub async fn write_back(number: u32) -> bool {
    let Some(lab) = lab() else { return false };
    let here = lab.cache.in_this_scope();
    let Ok(data) = lab.api.get(&at_the_api(&lab.api, "/me", number)).json::<Value>().await else {
        return false;
    };
    here.set_data(&Thing(number), data);
    here.get_data(&Thing(number)).is_some()
}

/// A token source made by hand, and no Clerk: what the API and another origin answer.
#[wasm_bindgen]
pub async fn bare(api: &str, other: &str) -> String {
    struct ByHand;
    impl TokenSource for ByHand {
        fn token(&self) -> TokenFuture {
            Box::pin(async { Ok(BearerToken::new("made.by.hand")?) })
        }
    }

    let Ok(client) = ApiClient::new(api, ByHand) else { return "no client".to_owned() };
    let mut answers = Vec::new();
    for url in ["/bare", other] {
        answers.push(match client.get(url).send().await {
            Ok(answer) => answer.status.to_string(),
            Err(error) => said(&error),
        });
    }
    answers.join("|")
}

/// Fetches by a query and is called off at once, in each of the ways in which a page gives a request up. The page
/// lives on if this comes back.
#[wasm_bindgen]
pub async fn give_up() -> bool {
    let Some(lab) = lab() else { return false };
    let asked = query(query_cache::query_key!["given up"], async |cx: query_cache::FetchContext| {
        let api = cx.get::<ApiClient>()?;
        api.get(&at_the_api(&api, "/me", 0)).json::<Value>().await
    });
    let call = lab.cache.query(asked.with_options(|options| options.retry(0)));
    gloo_timers::future::TimeoutFuture::new(5).await;
    drop(call);
    true
}
