//! What a listener of clerk-js is told, as plain values.
//!
//! Each snapshot is read from one call's argument: reading `Clerk.session` and `Clerk.user` one after the
//! other can give the session of one moment and the person of the next.

use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::auth::{AuthState, Organization, Session, User};
use crate::bindings::ClerkJs;
use crate::claims::Claims;
use crate::js;

/// The state in a listener's argument, `{client, session, user, organization}`.
pub(crate) fn of_resources(resources: &JsValue) -> AuthState {
    let member = |key: &str| Reflect::get(resources, &JsValue::from_str(key)).unwrap_or_default();
    read(&member("session"), &member("user"))
}

/// The state of a clerk-js that has just loaded.
pub(crate) fn of_clerk(clerk: &ClerkJs) -> AuthState {
    read(&clerk.session(), &clerk.user())
}

fn read(session: &JsValue, user: &JsValue) -> AuthState {
    if session.is_null() {
        return AuthState::SignedOut;
    }
    // `undefined` for the session, or a session whose person is not there yet: between two states.
    let (Some(id), Some(user_id)) = (js::text(session, "id"), js::text(user, "id")) else {
        return AuthState::Loading;
    };
    // A pending session has a task to do first (choose an organization, say) and counts as signed out.
    if js::text(session, "status").as_deref() != Some("active") {
        return AuthState::SignedOut;
    }
    let organization_id = js::text(session, "lastActiveOrganizationId");
    AuthState::SignedIn(Rc::new(Session {
        organization: organization_id.as_deref().and_then(|id| organization(user, id)),
        claims: claims(session),
        id,
        user: User {
            id: user_id,
            full_name: js::text(user, "fullName"),
            email: js::get(user, "primaryEmailAddress").and_then(|email| js::text(&email, "emailAddress")),
            image_url: js::text(user, "imageUrl"),
        },
        organization_id,
    }))
}

/// The person's membership, which is where clerk-js keeps role and permissions.
fn organization(user: &JsValue, id: &str) -> Option<Organization> {
    let memberships = js::list(user, "organizationMemberships");
    let (membership, organization) = memberships.into_iter().find_map(|membership| {
        let organization = js::get(&membership, "organization")?;
        (js::text(&organization, "id")? == id).then_some((membership, organization))
    })?;
    let permissions = js::list(&membership, "permissions");
    Some(Organization {
        id: id.to_owned(),
        name: js::text(&organization, "name"),
        slug: js::text(&organization, "slug"),
        image_url: js::text(&organization, "imageUrl"),
        role: js::text(&membership, "role"),
        permissions: permissions.iter().filter_map(JsValue::as_string).collect(),
    })
}

fn claims(session: &JsValue) -> Claims {
    let claims = js::get(session, "lastActiveToken")
        .and_then(|token| js::get(&token, "jwt"))
        .and_then(|jwt| js::get(&jwt, "claims"));
    let json = claims.and_then(|claims| js_sys::JSON::stringify(&claims).ok());
    json.map(|json| Claims::from_json(&String::from(json))).unwrap_or_default()
}
