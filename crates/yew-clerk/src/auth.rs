use std::rc::Rc;

use crate::error::LoadError;

/// Who is signed in, in three values: while clerk-js loads, and while it moves from one session to another,
/// nobody knows. Treating that moment as "signed out" would flash a sign-in page.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AuthState {
    /// Not known yet, or between two sessions.
    #[default]
    Loading,
    /// Nobody, or somebody whose session still has a task to do.
    SignedOut,
    /// Somebody.
    SignedIn(Rc<Session>),
}

impl AuthState {
    /// The session, if somebody is signed in.
    pub fn session(&self) -> Option<&Rc<Session>> {
        match self {
            Self::SignedIn(session) => Some(session),
            Self::Loading | Self::SignedOut => None,
        }
    }
}

/// An active session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `sess_…`.
    pub id: String,
    /// Whose it is.
    pub user: User,
    /// The active organization, `org_…`.
    pub organization_id: Option<String>,
}

/// A signed-in person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `user_…`.
    pub id: String,
    /// First and last name.
    pub full_name: Option<String>,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// A picture.
    pub image_url: Option<String>,
}

/// How far clerk-js is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LoadStatus {
    /// Being fetched, or reaching for Clerk.
    #[default]
    Loading,
    /// Working.
    Ready,
    /// Working from what the browser kept, because Clerk does not answer.
    Degraded,
    /// Given up.
    Failed(Rc<LoadError>),
}

impl LoadStatus {
    /// Whether clerk-js can be used.
    pub fn is_loaded(&self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }
}
