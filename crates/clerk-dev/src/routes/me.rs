use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

use crate::api_error::ApiError;
use crate::browser::Browser;
use crate::instance::Instance;
use crate::people::Person;
use crate::wire::{self, Envelope, Page, Part};
use crate::{clock::Millis, organizations};

/// Whose session a request is about: clerk-js names it in the query of all that is not below `/client`.
pub(crate) struct Me {
    person: Person,
    signed_in_at: Millis,
}

#[derive(Deserialize)]
struct SessionParameter {
    #[serde(rename = "_clerk_session_id")]
    id: String,
}

type Answer<T> = Json<Envelope<T>>;

impl FromRequestParts<Arc<Instance>> for Me {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, instance: &Arc<Instance>) -> Result<Self, ApiError> {
        let Query(session) =
            Query::<SessionParameter>::try_from_uri(&parts.uri).map_err(|_| ApiError::signed_out())?;
        let Ok(browser) = Browser::from_request_parts(parts, instance).await;
        let client = browser.key.and_then(|key| instance.store.get(&key)).ok_or_else(ApiError::signed_out)?;
        let session = client.session(&session.id).ok_or_else(ApiError::signed_out)?;
        let person = instance.person(&session.user_id).ok_or_else(ApiError::signed_out)?.clone();
        Ok(Self { person, signed_in_at: session.created_at })
    }
}

/// `GET /v1/me`.
pub(crate) async fn show(me: Me) -> Answer<wire::User> {
    answer(wire::User::new(&me.person, me.signed_in_at))
}

/// `GET /v1/me/organization_memberships?paginated=true`: the same as the user has, in parts.
pub(crate) async fn memberships(me: Me, Query(part): Query<Part>) -> Answer<Page<wire::Membership>> {
    let all = organizations::of(me.person.id()).map(|place| wire::Membership::new(&me.person, place));
    answer(Page::of(all.collect(), part))
}

/// `GET /v1/me/organization_invitations` and `…_suggestions`, which the prebuilt components ask for: there
/// are none.
pub(crate) async fn nothing(_: Me) -> Answer<Page<()>> {
    answer(Page::of(Vec::new(), Part::default()))
}

fn answer<T>(response: T) -> Answer<T> {
    Json(Envelope { response, client: None })
}
