use serde::Serialize;

use super::SignIn;
use super::user::{PublicUserData, User};
use crate::client::{self, SessionStatus};
use crate::clock::Millis;
use crate::people::Person;

/// A browser.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Client {
    object: &'static str,
    id: String,
    pub(crate) sessions: Vec<Session>,
    pub(crate) sign_in: Option<SignIn>,
    sign_up: Option<()>,
    last_active_session_id: Option<String>,
    cookie_expires_at: Option<Millis>,
    captcha_bypass: bool,
    last_authentication_strategy: Option<&'static str>,
    created_at: Millis,
    updated_at: Millis,
}

/// Somebody who is signed in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Session {
    object: &'static str,
    id: String,
    status: SessionStatus,
    expire_at: Millis,
    abandon_at: Millis,
    last_active_at: Millis,
    last_active_organization_id: Option<String>,
    last_active_token: Option<Token>,
    actor: Option<()>,
    tasks: Option<()>,
    factor_verification_age: [i64; 2],
    user: User,
    public_user_data: PublicUserData,
    created_at: Millis,
    updated_at: Millis,
}

/// A session token.
#[derive(Clone, Serialize)]
pub(crate) struct Token {
    object: &'static str,
    jwt: String,
}

impl Client {
    pub(crate) fn new(client: &client::Client, sessions: Vec<Session>, sign_in: Option<SignIn>) -> Self {
        Self {
            object: "client",
            id: client.id.clone(),
            sessions,
            sign_in,
            sign_up: None,
            last_active_session_id: client.last_active_session_id.clone(),
            cookie_expires_at: None,
            captcha_bypass: false,
            last_authentication_strategy: None,
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }

    /// The session of that id, as it stands in the client: one token for both.
    pub(crate) fn session(&self, id: &str) -> Option<Session> {
        self.sessions.iter().find(|session| session.id == id).cloned()
    }
}

impl Session {
    /// `token` is `None` for a session that has ended.
    pub(crate) fn new(session: &client::Session, person: &Person, token: Option<Token>, now: Millis) -> Self {
        Self {
            object: "session",
            id: session.id.clone(),
            status: session.status,
            expire_at: session.expire_at,
            abandon_at: session.abandon_at,
            last_active_at: session.last_active_at,
            last_active_organization_id: session.organization_id.clone(),
            last_active_token: token,
            actor: None,
            tasks: None,
            factor_verification_age: session.factor_ages(now),
            user: User::new(person, session.created_at),
            public_user_data: PublicUserData::new(person),
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

impl Token {
    pub(crate) fn new(jwt: String) -> Self {
        Self { object: "token", jwt }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}
