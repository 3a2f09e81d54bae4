use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use serde::Deserialize;

use super::form::FormBody;
use crate::api_error::ApiError;
use crate::browser::{self, Browser};
use crate::client::{Client, SignIn};
use crate::ids;
use crate::instance::Instance;
use crate::people::Person;
use crate::store::ClientKey;
use crate::wire::{self, Envelope};

/// What the form sends in its two steps. No `Debug`: it holds the password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignInForm {
    identifier: String,
    password: String,
    strategy: String,
}

type Answer = Json<Envelope<wire::SignIn>>;

/// `POST /v1/client/sign_ins`: who is signing in, perhaps already with the password.
pub(crate) async fn create(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    FormBody(form): FormBody<SignInForm>,
) -> Result<(HeaderMap, Answer), ApiError> {
    form.check_strategy()?;
    let client = browser.key.as_ref().and_then(|key| instance.store.get(key));
    if let Some(client) = &client
        && client.is_signed_in()
        && !instance.several_sessions()
    {
        return Err(ApiError::session_exists(instance.client_json(client)?));
    }
    if form.identifier.is_empty() {
        return Err(ApiError::identifier_missing());
    }
    let person = instance
        .people
        .iter()
        .find(|person| person.answers_to(&form.identifier))
        .ok_or_else(ApiError::identifier_not_found)?;
    if let Some(client) = &client {
        refuse_twice(&instance, client, person)?;
    }
    // A password that comes along with the address is checked before anything is remembered.
    let with_password = !form.password.is_empty();
    if with_password && form.password != person.password() {
        return Err(ApiError::password_incorrect());
    }

    let mut headers = HeaderMap::new();
    let key = match browser.key {
        Some(key) => key,
        None => {
            let (key, secret) =
                instance.store.add(Client::new(ids::random("client")?, instance.clock.now()))?;
            headers.insert(SET_COOKIE, browser::cookie(&secret).map_err(|_| Unspecified)?);
            key
        }
    };
    let sign_in = SignIn {
        id: ids::random("sia")?,
        user_id: person.id().to_owned(),
        identifier: person.email().to_owned(),
        attempts: 0,
        created_session_id: None,
    };
    let id = sign_in.id.clone();
    instance.store.update(&key, |client, now| client.begin(sign_in, now));
    let answer =
        if with_password { complete(&instance, &key, &id, person)? } else { shown(&instance, &key, &id)? };
    Ok((headers, answer))
}

/// `GET /v1/client/sign_ins/{id}`.
pub(crate) async fn show(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let key = browser.key.ok_or_else(ApiError::sign_in_not_found)?;
    shown(&instance, &key, &id)
}

/// `POST /v1/client/sign_ins/{id}/prepare_first_factor`: a password needs no preparing, and there is
/// nothing else.
pub(crate) async fn prepare(FormBody(form): FormBody<SignInForm>) -> ApiError {
    form.check_strategy().err().unwrap_or_else(ApiError::strategy_not_offered)
}

/// `POST /v1/client/sign_ins/{id}/attempt_first_factor`: the password.
pub(crate) async fn attempt(
    State(instance): State<Arc<Instance>>,
    browser: Browser,
    Path(id): Path<String>,
    FormBody(form): FormBody<SignInForm>,
) -> Result<Answer, ApiError> {
    form.check_strategy()?;
    let key = browser.key.ok_or_else(ApiError::sign_in_not_found)?;
    let client = instance.store.get(&key).ok_or_else(ApiError::sign_in_not_found)?;
    let person = client
        .sign_in
        .filter(|sign_in| sign_in.id == id)
        .and_then(|sign_in| instance.person(&sign_in.user_id))
        .ok_or_else(ApiError::sign_in_not_found)?;
    if form.password.is_empty() {
        return Err(ApiError::password_missing());
    }
    if form.password != person.password() {
        instance.store.update(&key, |client, now| client.refuse(now));
        tracing::info!(email = person.email(), "wrong password");
        return Err(ApiError::password_incorrect());
    }
    complete(&instance, &key, &id, person)
}

/// Turns the sign-in into a session, unless another tab was quicker.
fn complete(instance: &Instance, key: &ClientKey, id: &str, person: &Person) -> Result<Answer, ApiError> {
    let session_id = ids::random("sess")?;
    let (done, client) = instance
        .store
        .update(key, |client, now| {
            let current = client.sign_in.as_ref().is_some_and(|sign_in| sign_in.id == id);
            let free = match instance.several_sessions() {
                true => client.session_of(person.id()).is_none(),
                false => !client.is_signed_in(),
            };
            (if current && free { client.complete(session_id, now) } else { None }, client.clone())
        })
        .ok_or_else(ApiError::sign_in_not_found)?;
    let client_json = instance.client_json(&client)?;
    match done {
        Some(done) => {
            tracing::info!(email = person.email(), "signed in");
            let response = wire::SignIn::new(&done, person);
            Ok(Json(Envelope { response, client: Some(client_json) }))
        }
        None if client.is_signed_in() && !instance.several_sessions() => {
            Err(ApiError::session_exists(client_json))
        }
        None => {
            refuse_twice(instance, &client, person)?;
            Err(ApiError::sign_in_not_found())
        }
    }
}

/// Nobody is signed in twice in one browser.
fn refuse_twice(instance: &Instance, client: &Client, person: &Person) -> Result<(), ApiError> {
    match client.session_of(person.id()) {
        Some(session) if instance.several_sessions() => {
            Err(ApiError::already_signed_in(session.id.clone(), instance.client_json(client)?))
        }
        _ => Ok(()),
    }
}

fn shown(instance: &Instance, key: &ClientKey, id: &str) -> Result<Answer, ApiError> {
    let client = instance.store.get(key).ok_or_else(ApiError::sign_in_not_found)?;
    if client.sign_in.as_ref().is_none_or(|sign_in| sign_in.id != id) {
        return Err(ApiError::sign_in_not_found());
    }
    let client = instance.client_json(&client)?;
    let response = client.sign_in.clone().ok_or_else(ApiError::sign_in_not_found)?;
    Ok(Json(Envelope { response, client: Some(client) }))
}

impl SignInForm {
    fn check_strategy(&self) -> Result<(), ApiError> {
        let known = matches!(self.strategy.as_str(), "" | "password");
        if known { Ok(()) } else { Err(ApiError::strategy_not_offered()) }
    }
}
