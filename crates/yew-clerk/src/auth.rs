use std::rc::Rc;

use clerk_core::Access;

use crate::claims::Claims;
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// `sess_…`.
    pub id: String,
    /// Whose it is.
    pub user: User,
    /// The active organization, `org_…`.
    pub organization_id: Option<String>,
    /// The active organization and the person's place in it, if the person is known to be a member.
    pub organization: Option<Organization>,
    /// The claims of the session's present token.
    pub claims: Claims,
}

impl Session {
    /// What the session may do: by its claims, and in its organization by what clerk-js knows of the membership,
    /// since a token names the organization that was active when it was made.
    pub(crate) fn access(&self) -> Access<'_> {
        let mut access = Access::from_claims(self.claims.all());
        access.organization = self.organization.as_ref().map(|organization| clerk_core::Organization {
            id: &organization.id,
            slug: organization.slug.as_deref(),
            role: organization.role.as_deref().map(Into::into),
            permissions: organization.permissions.iter().map(Into::into).collect(),
        });
        access
    }
}

/// An organization and a person's place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    /// `org_…`.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// What URLs call it.
    pub slug: Option<String>,
    /// A picture.
    pub image_url: Option<String>,
    /// The person's role, such as `org:admin`.
    pub role: Option<String>,
    /// What the role permits, such as `org:invoices:read`.
    pub permissions: Vec<String>,
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

#[cfg(test)]
mod tests {
    use clerk_core::{Requirement, Reverification};

    use super::*;

    fn session() -> Session {
        Session {
            organization: Some(Organization {
                id: "org_1".into(),
                role: Some("org:admin".into()),
                permissions: vec!["org:invoices:read".into()],
                ..Organization::default()
            }),
            claims: Claims::from_json(
                r#"{"v":2,"fea":"o:invoices,u:export","pla":"o:pro","fva":[3,-1],"o":{"id":"org_2","rol":"member"}}"#,
            ),
            ..Session::default()
        }
    }

    #[test]
    fn the_membership_decides_in_the_organization_and_the_claims_elsewhere() {
        let has = |wanted: Requirement| session().access().has(&wanted);
        assert!(has(Requirement::role("org:admin")) && has(Requirement::permission("invoices:read")));
        assert!(!has(Requirement::role("org:member")), "of the organization before");
        assert!(has(Requirement::feature("export")) && has(Requirement::plan("org:pro")));
        assert!(!has(Requirement::plan("user:pro")));
        assert!(has(Requirement::reverification(Reverification::Strict)));
        assert!(!has(Requirement::role("org:admin").and(Requirement::feature("nothing"))));
    }

    #[test]
    fn who_has_no_active_organization_has_no_role_in_it() {
        let alone = Session { organization: None, ..session() };
        assert!(!alone.access().has(&Requirement::role("org:admin")));
        assert!(!alone.access().has(&Requirement::role("org:member")));
        assert!(!Session::default().access().has(&Requirement::plan("pro")), "no claims yet");
    }
}
