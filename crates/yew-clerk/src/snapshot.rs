//! What a listener of clerk-js is told, as plain values.
//!
//! Each snapshot is read from one call's argument: reading `Clerk.session` and `Clerk.user` one after the
//! other can give the session of one moment and the person of the next.

use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::auth::{AuthState, Session, User};
use crate::bindings::ClerkJs;
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
    AuthState::SignedIn(Rc::new(Session {
        id,
        user: User {
            id: user_id,
            full_name: js::text(user, "fullName"),
            email: js::get(user, "primaryEmailAddress").and_then(|email| js::text(&email, "emailAddress")),
            image_url: js::text(user, "imageUrl"),
        },
        organization_id: js::text(session, "lastActiveOrganizationId"),
    }))
}
