use serde::{Deserialize, Serialize};

use crate::clock::{DAY, MINUTE, Millis};

/// How long a session lasts, as in a new Clerk instance.
const SESSION_LIFE: Millis = 7 * DAY;

/// How long a session is kept whose browser is not seen again.
const ABANDONED_AFTER: Millis = 30 * DAY;

/// What the server knows of one browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// The sessions that are alive; one that ends leaves.
    pub(crate) sessions: Vec<Session>,
    /// A sign-in between its two steps.
    #[serde(skip)]
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) last_active_session_id: Option<String>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
}

/// Somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) status: SessionStatus,
    /// The active organization.
    #[serde(default)]
    pub(crate) organization_id: Option<String>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
    pub(crate) last_active_at: Millis,
    pub(crate) expire_at: Millis,
    pub(crate) abandon_at: Millis,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SessionStatus {
    #[default]
    Active,
    Ended,
    Removed,
    Revoked,
}

/// What becomes of a session's active organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Organization {
    /// It stays.
    AsBefore,
    /// It is this one now, or none.
    Now(Option<String>),
}

/// Somebody is signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) identifier: String,
    /// How many passwords were tried.
    pub(crate) attempts: u32,
    /// Set once the sign-in is complete.
    pub(crate) created_session_id: Option<String>,
}

impl Session {
    /// Minutes since the first and the second factor were verified; -1: there is no second factor.
    pub(crate) fn factor_ages(&self, now: Millis) -> [i64; 2] {
        [(now - self.created_at).max(0) / MINUTE, -1]
    }
}

impl Client {
    pub(crate) fn new(id: String, now: Millis) -> Self {
        Self {
            id,
            sessions: Vec::new(),
            sign_in: None,
            last_active_session_id: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub(crate) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// The session of a person.
    pub(crate) fn session_of(&self, user_id: &str) -> Option<&Session> {
        self.sessions.iter().find(|session| session.user_id == user_id)
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// Lets go of sessions whose time is over.
    pub(crate) fn expire(&mut self, now: Millis) {
        let before = self.sessions.len();
        self.sessions.retain(|session| now < session.expire_at.min(session.abandon_at));
        if self.sessions.len() != before {
            self.changed(now);
        }
    }

    /// Remembers who is signing in.
    pub(crate) fn begin(&mut self, sign_in: SignIn, now: Millis) {
        self.sign_in = Some(sign_in);
        self.changed(now);
    }

    /// Counts a wrong password.
    pub(crate) fn refuse(&mut self, now: Millis) {
        if let Some(sign_in) = &mut self.sign_in {
            sign_in.attempts = sign_in.attempts.saturating_add(1);
            self.changed(now);
        }
    }

    /// Turns the sign-in into a session, and gives the completed sign-in back: the client no longer has it.
    pub(crate) fn complete(&mut self, session_id: String, now: Millis) -> Option<SignIn> {
        let mut sign_in = self.sign_in.take()?;
        sign_in.attempts = sign_in.attempts.saturating_add(1);
        sign_in.created_session_id = Some(session_id.clone());
        self.sessions.push(Session {
            id: session_id.clone(),
            user_id: sign_in.user_id.clone(),
            status: SessionStatus::Active,
            organization_id: None,
            created_at: now,
            updated_at: now,
            last_active_at: now,
            expire_at: now + SESSION_LIFE,
            abandon_at: now + ABANDONED_AFTER,
        });
        self.last_active_session_id = Some(session_id);
        self.changed(now);
        Some(sign_in)
    }

    /// Makes a session the active one, and perhaps an organization in it; `None` if it is not alive.
    pub(crate) fn touch(&mut self, id: &str, organization: Organization, now: Millis) -> Option<Session> {
        let session = self.sessions.iter_mut().find(|session| session.id == id)?;
        if let Organization::Now(organization_id) = organization {
            session.organization_id = organization_id;
        }
        session.last_active_at = now;
        session.abandon_at = now + ABANDONED_AFTER;
        session.updated_at = later(now, session.updated_at);
        let session = session.clone();
        self.last_active_session_id = Some(session.id.clone());
        self.changed(now);
        Some(session)
    }

    /// Ends a session, and gives what it was back; `None` if it is not alive.
    pub(crate) fn end(&mut self, id: &str, status: SessionStatus, now: Millis) -> Option<Session> {
        let index = self.sessions.iter().position(|session| session.id == id)?;
        let mut session = self.sessions.remove(index);
        session.status = status;
        session.updated_at = later(now, session.updated_at);
        self.changed(now);
        Some(session)
    }

    /// Signs out.
    pub(crate) fn end_all(&mut self, now: Millis) {
        self.sessions.clear();
        self.changed(now);
    }

    fn changed(&mut self, now: Millis) {
        if self.last_active_session_id.as_ref().is_some_and(|id| self.session(id).is_none()) {
            self.last_active_session_id = None;
        }
        self.updated_at = later(now, self.updated_at);
    }
}

/// clerk-js renders again only when `updated_at` differs, so two changes within one millisecond must not
/// share it.
fn later(now: Millis, last: Millis) -> Millis {
    now.max(last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_in() -> Client {
        let mut client = Client::new("client_1".into(), 1_000);
        client.begin(
            SignIn {
                id: "sia_1".into(),
                user_id: "user_1".into(),
                identifier: "a@b.c".into(),
                attempts: 0,
                created_session_id: None,
            },
            1_000,
        );
        let done = client.complete("sess_1".into(), 1_000).unwrap();
        assert_eq!(done.created_session_id.as_deref(), Some("sess_1"));
        client
    }

    #[test]
    fn every_change_is_seen_even_within_a_millisecond() {
        let mut client = signed_in();
        let mut seen = vec![client.updated_at];
        client.touch("sess_1", Organization::AsBefore, 1_000).unwrap();
        seen.push(client.updated_at);
        client.touch("sess_1", Organization::AsBefore, 1_000).unwrap();
        seen.push(client.updated_at);
        client.end("sess_1", SessionStatus::Removed, 1_000).unwrap();
        seen.push(client.updated_at);
        assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    }

    #[test]
    fn an_organization_stays_until_another_is_chosen() {
        let mut client = signed_in();
        let mut touch = |organization| client.touch("sess_1", organization, 1_000).unwrap().organization_id;
        assert_eq!(touch(Organization::Now(Some("org_1".into()))), Some("org_1".into()));
        assert_eq!(touch(Organization::AsBefore), Some("org_1".into()));
        assert_eq!(touch(Organization::Now(None)), None);
    }

    #[test]
    fn touching_changes_the_session_too() {
        let mut client = signed_in();
        let before = client.sessions[0].updated_at;
        assert!(client.touch("sess_1", Organization::AsBefore, 1_000).unwrap().updated_at > before);
        assert_eq!(client.touch("sess_2", Organization::AsBefore, 1_000), None);
    }

    #[test]
    fn a_complete_sign_in_cannot_be_used_again() {
        let mut client = signed_in();
        assert_eq!(client.complete("sess_2".into(), 1_000), None);
        assert_eq!(client.sessions.len(), 1);
    }

    #[test]
    fn a_session_that_ends_is_active_nowhere() {
        let mut client = signed_in();
        let ended = client.end("sess_1", SessionStatus::Ended, 2_000).unwrap();
        assert_eq!(ended.status, SessionStatus::Ended);
        assert!(!client.is_signed_in());
        assert_eq!(client.last_active_session_id, None);
        assert_eq!(client.end("sess_1", SessionStatus::Ended, 2_000), None);
    }

    #[test]
    fn factors_age_in_minutes() {
        let session = &signed_in().sessions[0];
        assert_eq!(session.factor_ages(1_000), [0, -1]);
        assert_eq!(session.factor_ages(1_000 + 2 * MINUTE - 1), [1, -1]);
    }

    #[test]
    fn a_session_does_not_last_for_ever() {
        let mut client = signed_in();
        client.expire(1_000 + SESSION_LIFE - 1);
        assert!(client.is_signed_in());
        client.expire(1_000 + SESSION_LIFE);
        assert!(!client.is_signed_in());
        assert_eq!(client.last_active_session_id, None);
    }
}
