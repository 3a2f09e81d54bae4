use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::error::ControlError;
use crate::client::Session;
use crate::clock::SECOND;
use crate::faults::Fault;
use crate::instance::Instance;
use crate::templates::Template;

/// The body of a call.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ControlError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ControlError> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

type Answer = Result<Json<Value>, ControlError>;

/// What is to change; what is absent stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    token_life_seconds: Option<i64>,
    clock_ahead_seconds: Option<i64>,
    several_sessions: Option<bool>,
}

/// Whose sessions end.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Whose {
    /// The one of this id.
    Session(String),
    /// All of whoever has this id or e-mail address.
    Person(String),
    /// Everybody's, if true.
    All(bool),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewTemplate {
    claims: Map<String, Value>,
    life_seconds: Option<i64>,
}

/// A century: no clock is that wrong, and no sum of two times overflows.
const LONGEST: i64 = 100 * 365 * 24 * 3_600;

/// `GET /state`.
pub(super) async fn state(State(instance): State<Arc<Instance>>) -> Json<Value> {
    shown(&instance)
}

/// `PATCH /settings`.
pub(super) async fn set(State(instance): State<Arc<Instance>>, Body(change): Body<Change>) -> Answer {
    let life = change.token_life_seconds;
    if life.is_some_and(|seconds| !(1..=LONGEST).contains(&seconds)) {
        return wrong("tokenLifeSeconds must be one at least");
    }
    let ahead = change.clock_ahead_seconds;
    if ahead.is_some_and(|seconds| !(-LONGEST..=LONGEST).contains(&seconds)) {
        return wrong("clockAheadSeconds is more than a century");
    }
    if let Some(seconds) = life {
        instance.tokens.set_life(seconds);
    }
    if let Some(seconds) = ahead {
        instance.clock.set_ahead(seconds * SECOND);
    }
    if let Some(several) = change.several_sessions {
        instance.set_several_sessions(several);
    }
    Ok(shown(&instance))
}

/// `POST /faults`.
pub(super) async fn add_fault(State(instance): State<Arc<Instance>>, Body(fault): Body<Fault>) -> Answer {
    if let Some(problem) = fault.problem() {
        return wrong(problem);
    }
    instance.faults.add(fault);
    Ok(shown(&instance))
}

/// `DELETE /faults`.
pub(super) async fn clear_faults(State(instance): State<Arc<Instance>>) -> Json<Value> {
    instance.faults.clear();
    shown(&instance)
}

/// `POST /sessions/revoke`.
pub(super) async fn revoke_sessions(
    State(instance): State<Arc<Instance>>,
    Body(whose): Body<Whose>,
) -> Answer {
    let user_id = match &whose {
        Whose::Person(name) => {
            let person = instance.people.iter().find(|person| person.id() == name || person.answers_to(name));
            match person {
                Some(person) => person.id(),
                None => {
                    return not_found(format!("nobody here is {name}; `clerk-dev describe` tells who is"));
                }
            }
        }
        _ => "",
    };
    let revoked = instance.store.revoke(|session| match &whose {
        Whose::Session(id) => session.id == *id,
        Whose::Person(_) => session.user_id == user_id,
        Whose::All(all) => *all,
    });
    if let Whose::Session(id) = &whose
        && revoked.is_empty()
    {
        return not_found(format!("no session {id} is alive; GET /state tells which are"));
    }
    tracing::info!(count = revoked.len(), "revoked sessions, as asked for");
    Ok(Json(json!({ "revoked": revoked })))
}

/// `PUT /templates/{name}`.
pub(super) async fn set_template(
    State(instance): State<Arc<Instance>>,
    Path(name): Path<String>,
    Body(template): Body<NewTemplate>,
) -> Answer {
    let life = template.life_seconds.unwrap_or(Template::LIFE);
    if !(1..=LONGEST).contains(&life) {
        return wrong("lifeSeconds must be one at least");
    }
    let template = Template::new(template.claims, life).map_err(|claim| {
        ControlError::Wrong(format!("every token has {claim:?} of its own, and no template sets it"))
    })?;
    instance.templates.set(name, template);
    Ok(shown(&instance))
}

/// `DELETE /templates/{name}`.
pub(super) async fn remove_template(
    State(instance): State<Arc<Instance>>,
    Path(name): Path<String>,
) -> Answer {
    if !instance.templates.remove(&name) {
        return not_found(format!("there is no template {name}"));
    }
    Ok(shown(&instance))
}

/// `POST /reset`.
pub(super) async fn reset(State(instance): State<Arc<Instance>>) -> Json<Value> {
    instance.reset();
    shown(&instance)
}

fn shown(instance: &Instance) -> Json<Value> {
    let session = |session: Session| {
        json!({
            "id": session.id,
            "userId": session.user_id,
            "email": instance.person(&session.user_id).map(|person| person.email()),
            "organizationId": session.organization_id,
            "expiresAt": session.expire_at,
        })
    };
    let sessions: Vec<_> = instance.store.sessions().into_iter().map(session).collect();
    Json(json!({
        "tokenLifeSeconds": instance.tokens.life(),
        "clockAheadSeconds": instance.clock.ahead() / SECOND,
        "severalSessions": instance.several_sessions(),
        "faults": instance.faults.all(),
        "templates": instance.templates.all(),
        "sessions": sessions,
    }))
}

fn wrong(why: &str) -> Answer {
    Err(ControlError::Wrong(why.to_owned()))
}

fn not_found(what: String) -> Answer {
    Err(ControlError::NotFound(what))
}
